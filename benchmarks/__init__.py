import xpoll_dagster  # noqa: F401 - before Polars is loaded: it says how that gives memory back
