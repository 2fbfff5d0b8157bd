"""Completions that are asked for once: a cache before an engine, and answers of a given form.

Knows chats, forms and tokens; prompts, passages and gates are others' concern.
"""

from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.cached_engine import CachedEngine
from xpoll_dagster.writing.completion.errors import CacheError
from xpoll_dagster.writing.completion.estimate import Estimate, estimate, rough_tokens
from xpoll_dagster.writing.completion.housekeeping import (
    CacheStats,
    ModelShare,
    Pruned,
)
from xpoll_dagster.writing.completion.keys import RequestKeys
from xpoll_dagster.writing.completion.options import CacheOptions, CompletionOptions, Prices
from xpoll_dagster.writing.completion.progress import Progress, ProgressMeter
from xpoll_dagster.writing.completion.rows import Entry
from xpoll_dagster.writing.completion.structured import Job, Structured, complete_structured

__all__ = [
    "CacheError",
    "CacheOptions",
    "CacheStats",
    "CachedEngine",
    "CompletionCache",
    "CompletionOptions",
    "Entry",
    "Estimate",
    "Job",
    "ModelShare",
    "Prices",
    "Progress",
    "ProgressMeter",
    "Pruned",
    "RequestKeys",
    "Structured",
    "complete_structured",
    "estimate",
    "rough_tokens",
]
