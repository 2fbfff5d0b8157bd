"""Samples and cuts that keep the page small: the same for the same input, and counted."""

from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.report.inlining import printable
from xpoll_dagster.report.sources import Table

CUT = "\u00a0…"
"""How a text ends that was cut."""


def sample(table: Table, limit: int, key: str = "id") -> tuple[pl.DataFrame, int]:
    """At most `limit` rows in order of the key, and how many there are.

    Ids are hashes of content, so the first by id are a sample that the order of rows, and
    rows added elsewhere, do not change.
    """
    lazy = table.lazy()
    total = int(lazy.select(pl.len()).collect().item())
    if total > limit:
        lazy = lazy.bottom_k(limit, by=key)
    return lazy.sort(key).collect(), total


def length_that_fits(texts: pl.Series, budget: int, longest: int) -> int:
    """The length at which texts must be cut so that all together have `budget` characters."""
    lengths = np.sort(np.minimum(texts.str.len_chars().fill_null(0).to_numpy(), longest))
    n = len(lengths)
    if int(lengths.sum()) <= budget:
        return longest
    # Cut at the i-th shortest text's length: those before it stay whole.
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    whole = before + lengths * (n - np.arange(n)) <= budget
    kept = int(whole.sum())
    return max(1, int((budget - before[kept]) // (n - kept)))


def cut(text: str, length: int) -> str:
    """A text without control characters, cut behind a word where it is longer."""
    text = printable(text)
    if len(text) <= length:
        return text
    shortened = text[:length]
    head, space, _ = shortened.rpartition(" ")
    return f"{head if space and len(head) > length // 2 else shortened}{CUT}"


def single_line(text: str | None, length: int = 160) -> str:
    """A name or title on one line."""
    return cut(" ".join((text or "").split()), length)
