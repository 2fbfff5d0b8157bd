"""Exact copies on many machines: keys are brought together by hash, winners chosen by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from xpoll_dagster.compute.protocol import Compute
from xpoll_dagster.corpus.fates import numbering
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.winners import choose_winners, standings

KEYS_AT_ONCE = 500_000


def exact_copies_on(
    compute: Compute, sources: Sequence[Source], out: np.ndarray, keys_at_once: int = KEYS_AT_ONCE
) -> pl.DataFrame:
    """As `winners.exact_copies`, which it equals.

    `choose_winners` looks at one key at a time, so what is decided on the keys of a partition
    is what would be decided on all keys.

    Args:
        compute: Where.
        sources: The sources, in order of name; rows are numbered through.
        out: Whether each row is out of the running.
        keys_at_once: Keys in one batch.

    Returns:
        `row` and `kept`, in order of `row`.
    """
    parts = compute.shuffle(_contenders(sources, out, keys_at_once), "key_a", choose_winners)
    empty = pl.DataFrame(schema={"row": pl.Int64, "kept": pl.Int64})
    return pl.concat([empty, *parts]).sort("row")


def _contenders(
    sources: Sequence[Source], out: np.ndarray, keys_at_once: int
) -> Iterator[pl.DataFrame]:
    starts = numbering(sources)
    for index, source in enumerate(sources):
        start, end = int(starts[index]), int(starts[index + 1])
        keys = standings([source], np.flatnonzero(~out[start:end]))
        yield from keys.with_columns(pl.col("row") + start).iter_slices(keys_at_once)
