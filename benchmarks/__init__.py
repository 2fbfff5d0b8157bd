from importlib import import_module

# Before Polars is loaded: it says how that gives memory back.
import_module("xpoll_dagster")
