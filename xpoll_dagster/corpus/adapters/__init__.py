"""Adapters: one small function for each schema, from typed frames to corpus rows.

An adapter says what columns it reads under which names (`model.Adapter`), how it knows them, and
how rows are made of them. `registry` lists them all; `recognition` finds the one that fits.
"""

from xpoll_dagster.corpus.adapters.model import Adapter, AdapterOptions, Normalised
from xpoll_dagster.corpus.adapters.registry import ADAPTERS, get_adapter

__all__ = ["ADAPTERS", "Adapter", "AdapterOptions", "Normalised", "get_adapter"]
