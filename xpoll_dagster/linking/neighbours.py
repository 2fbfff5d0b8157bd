"""The best products between the rows of two sparse matrices, found block by block.

Used by concept and lexical links. A full product of 20,000 by 20,000 passages has some
10^8 entries, nearly all of them tiny, so each block is cut to what can matter before
the next is computed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from xpoll_dagster.linking.sparse import SparseRows

BLOCK_ROWS = 512


@dataclass(frozen=True, slots=True)
class Matches:
    """Matched rows: `left[i]` and `right[i]` are row numbers, `score[i]` their product.

    `left_level` and `right_level` are the mean of each row's best few products with the
    other side: the level above which a match of that row is remarkable.
    """

    left: np.ndarray
    right: np.ndarray
    score: np.ndarray
    left_level: np.ndarray
    right_level: np.ndarray


def best_products(
    left: SparseRows,
    right: SparseRows,
    *,
    floor: float,
    keep: int,
    neighbours: int = 4,
    needed: tuple[SparseRows, SparseRows] | None = None,
    threads: int = 2,
) -> Matches:
    """The pairs of rows with the highest products, seen from either side.

    Args:
        left: Non-negative float32 rows.
        right: Non-negative float32 rows over the same columns.
        floor: Products below this count as none.
        keep: Matches kept for each row of either side.
        neighbours: Matches whose mean is a row's level.
        needed: Two matrices with the same pattern of entries as `left` and `right`; a
            match counts only where their product is at least 2.
        threads: Blocks computed at the same time.

    Returns:
        The union over both sides of every row's best matches, sorted by left, right.
    """
    transposed = right.T.tocsr()
    needed_transposed = needed[1].T.tocsr() if needed is not None else None

    def block(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = slice(start, start + BLOCK_ROWS)
        product = left[rows] @ transposed
        wanted = product.data >= floor
        if needed is not None and needed_transposed is not None:
            # The same pattern of entries gives the same order of results.
            wanted &= (needed[0][rows] @ needed_transposed).data >= 2 - 1e-3
        where = np.repeat(
            np.arange(start, start + product.shape[0], dtype=np.int32), np.diff(product.indptr)
        )
        return where[wanted], product.indices[wanted], product.data[wanted]

    starts = range(0, left.shape[0], BLOCK_ROWS)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(block, starts))
    i, j, score = (np.concatenate([part[n] for part in parts]) for n in range(3))
    place_left = places_in_group(i, score)
    place_right = places_in_group(j, score)
    kept = (place_left < keep) | (place_right < keep)
    i_kept, j_kept = i[kept].astype(np.int64), j[kept].astype(np.int64)
    order = np.lexsort((j_kept, i_kept))
    return Matches(
        i_kept[order],
        j_kept[order],
        score[kept][order].astype(np.float64),
        _levels(i, score, place_left, left.shape[0], neighbours),
        _levels(j, score, place_right, right.shape[0], neighbours),
    )


def places_in_group(group: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Place of each entry within its group, 0 for the highest score; ties in given order."""
    if not len(group):
        return np.zeros(0, np.int64)
    # One key sorts by group and then by score, in half the time of two.
    low, high = float(score.min()), float(score.max())
    scaled = (score.astype(np.float64) - low) / max(high - low, 1e-12)
    order = np.argsort(2.0 * group - scaled, kind="stable")
    ordered = group[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    places = np.empty(len(group), np.int64)
    places[order] = np.arange(len(group)) - np.repeat(first, np.diff(first, append=len(group)))
    return places


def _levels(
    group: np.ndarray, score: np.ndarray, place: np.ndarray, size: int, neighbours: int
) -> np.ndarray:
    """Mean of the best scores of each group; missing ones count as 0."""
    near = place < neighbours
    total = np.bincount(group[near], weights=score[near], minlength=size)
    return total / neighbours
