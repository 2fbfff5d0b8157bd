"""Exact duplicates: of the rows that share a key, which one stays.

`choose_winners` looks at one key at a time. A table of keys can therefore be split by key
(`key_a % n`, say) over any number of processes or machines, and the parts put together are
what one process finds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from xpoll_dagster.corpus.licences import strictness
from xpoll_dagster.corpus.source_tables import Source

CONTENDERS_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,  # whatever number identifies the row to the caller
        "key_a": pl.UInt64,
        "key_b": pl.UInt64,
        "key_c": pl.UInt32,
        "priority": pl.Int64,
        "strictness": pl.Int8,
        "length": pl.UInt32,
        "source": pl.String,
        "content": pl.UInt64,
        "occurrence": pl.UInt32,
    }
)

RANKING = ("priority", "strictness", "length", "source", "content", "occurrence")
"""The better row first: priority, then the licence that permits more, then the longer row,
then the id (source, content, occurrence). The order of files and rows plays no part."""

_DESCENDING = (True, False, True, False, False, False)
_MOST = np.uint64(np.iinfo(np.uint64).max)


def choose_winners(keys: pl.DataFrame) -> pl.DataFrame:
    """Which rows are copies, and which row stands for each.

    Args:
        keys: `CONTENDERS_SCHEMA`, in any order; all rows of a key must be there.

    Returns:
        `row` and `kept`, for every row that is removed, in order of `row`.
    """
    if keys.is_empty():
        return pl.DataFrame(schema={"row": pl.Int64, "kept": pl.Int64})
    order, starts = _by_key(keys)
    sizes = np.diff(np.append(starts, keys.height))
    group = np.repeat(np.arange(len(starts)), sizes)
    alive = np.ones(keys.height, bool)
    # One column of the ranking after the other: who is not the best so far drops out.
    for column in RANKING:
        value = np.where(alive, _smaller_is_better(keys[column])[order], _MOST)
        alive &= value == np.minimum.reduceat(value, starts)[group]
    first = np.flatnonzero(alive)
    best = first[np.searchsorted(first, starts)]
    row = keys["row"].to_numpy()[order]
    kept = row[best][group]
    removed = row != kept
    return pl.DataFrame({"row": row[removed], "kept": kept[removed]}).sort("row")


def _by_key(keys: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """An order in which rows of one key are neighbours, and where each key starts in it."""
    a, b, c = (keys[name].to_numpy() for name in ("key_a", "key_b", "key_c"))
    order = np.argsort(a)
    heads = 1 + np.count_nonzero(np.diff(a[order]))
    for attempt in (order, None):
        # Two keys that share their first half (never seen) would lie mixed: then by all of it.
        order = np.lexsort((c, b, a)) if attempt is None else attempt
        changes = np.zeros(len(a), bool)
        changes[0] = True
        for column in (a, b, c):
            ordered = column[order]
            changes[1:] |= ordered[1:] != ordered[:-1]
        starts = np.flatnonzero(changes)
        if len(starts) == heads:
            break
    return order, starts


def _smaller_is_better(column: pl.Series) -> np.ndarray:
    if column.dtype == pl.String:
        names = column.unique().sort()
        return column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.uint64)
    value = column.to_numpy()
    if _DESCENDING[RANKING.index(column.name)]:
        return (value.max() - value).astype(np.uint64)
    return value.astype(np.uint64)


def rank_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the columns of `RANKING`, the best first."""
    return rows.sort(RANKING, descending=list(_DESCENDING))


def exact_copies(sources: Sequence[Source], out: np.ndarray) -> pl.DataFrame:
    """Copies over all sources; rows are numbered through the sources in their order.

    Eight bytes of each key are compared first, so that only the rows which share them are
    read in full.

    Args:
        sources: The sources.
        out: A truth value for each row: whether it is out of the running.

    Returns:
        As `choose_winners`.
    """
    heads = np.concatenate([s.keys("key_a")["key_a"].to_numpy() for s in sources])
    order = np.argsort(heads)
    ascending = heads[order]
    same = ascending[1:] == ascending[:-1]
    shared = np.zeros(len(heads), bool)
    shared[order[1:][same]] = True
    shared[order[:-1][same]] = True
    del order, ascending, heads
    shared &= ~out
    return choose_winners(standings(sources, np.flatnonzero(shared)))


def standings(sources: Sequence[Source], rows: np.ndarray) -> pl.DataFrame:
    """Keys and rank (`CONTENDERS_SCHEMA`) of rows, given by number in ascending order."""
    parts = []
    start = 0
    for source in sources:
        low, high = np.searchsorted(rows, [start, start + source.report.rows])
        chosen = rows[low:high]
        if len(chosen):
            columns = ("key_a", "key_b", "key_c", "length", "content", "occurrence", "_license")
            keys = source.keys(*columns)[chosen - start]
            grades = {name: strictness(name) for name in source.report.licences}
            parts.append(
                keys.select(
                    row=pl.Series(chosen, dtype=pl.Int64),
                    key_a="key_a",
                    key_b="key_b",
                    key_c="key_c",
                    priority=pl.lit(source.report.priority, dtype=pl.Int64),
                    strictness=pl.col("_license")
                    .cast(pl.String)
                    .replace_strict(grades, return_dtype=pl.Int8),
                    length="length",
                    source=pl.lit(source.name),
                    content="content",
                    occurrence="occurrence",
                )
            )
        start += source.report.rows
    return pl.concat(parts) if parts else pl.DataFrame(schema=CONTENDERS_SCHEMA)
