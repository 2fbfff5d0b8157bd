"""Ranks by hash: a row's place in a draw depends on its id and the seed, and on nothing else.

To draw the k rows of lowest rank is to draw without replacement, and the same rows come
whatever file they lie in and whatever lies beside them: where rows are added, those drawn
before stay unless a newcomer ranks lower, and a larger draw holds every smaller one.
"""

from __future__ import annotations

import numpy as np
import polars as pl


def hash_ranks(ids: pl.Series, seed: int, purpose: str) -> np.ndarray:
    """A pseudo-random 64-bit rank for each id (XXH3), independent for each seed and purpose."""
    import polars_hash as plh

    salted = pl.select(salted=pl.concat_str(pl.lit(f"{purpose}\x1f{seed}\x1f"), ids))
    hashed = salted.select(plh.col("salted").nchash.xxh3_64())
    return hashed["salted"].to_numpy()


def lowest(ranks: np.ndarray, count: int) -> np.ndarray:
    """Whether each rank is among the `count` lowest; of equal ones the first.

    Equal ranks among millions of rows have a probability of about 10^-6.
    """
    chosen = np.zeros(len(ranks), bool)
    if count >= len(ranks):
        chosen[:] = True
    elif count > 0:
        limit = np.partition(ranks, count - 1)[count - 1]
        chosen = ranks < limit
        ties = np.flatnonzero(ranks == limit)
        chosen[ties[: count - int(chosen.sum())]] = True
    return chosen


def buckets(ranks: np.ndarray, count: int) -> np.ndarray:
    """Which of `count` stretches of all possible ranks each lies in: about equally many each."""
    top = (ranks >> np.uint64(32)).astype(np.uint64)
    return ((top * np.uint64(count)) >> np.uint64(32)).astype(np.int64)
