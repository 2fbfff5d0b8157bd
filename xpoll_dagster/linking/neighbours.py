"""The best products between the rows of two sparse matrices, found block by block.

Used by concept and lexical links. A full product of 20,000 by 20,000 passages has some
10^8 entries, nearly all of them tiny, so each block is cut to what can matter before
the next is computed.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from xpoll_dagster.linking.shelf_comparison import BothWays, Nearest
from xpoll_dagster.linking.sparse import SparseRows

BLOCK_ROWS = 512


def best_products(
    left: SparseRows,
    right: SparseRows,
    *,
    floor: float,
    keep: int,
    needed: tuple[SparseRows, SparseRows] | None = None,
) -> BothWays:
    """The rows of the other matrix with the highest products, for the rows of either.

    Args:
        left: Non-negative float32 rows.
        right: Non-negative float32 rows over the same columns.
        floor: Products below this count as none.
        keep: Rows kept for each row.
        needed: Two matrices with the same pattern of entries as `left` and `right`; a
            product counts only where theirs is at least 2.

    Returns:
        Each left row's best right rows, and each right row's best left ones.
    """
    transposed = right.T.tocsr()
    needed_transposed = needed[1].T.tocsr() if needed is not None else None
    width = min(keep, right.shape[0])

    def block(start: int) -> tuple[Nearest, np.ndarray, np.ndarray, np.ndarray]:
        rows = slice(start, start + BLOCK_ROWS)
        product = left[rows] @ transposed
        wanted = product.data >= floor
        if needed is not None and needed_transposed is not None:
            # The same pattern of entries gives the same order of results.
            wanted &= (needed[0][rows] @ needed_transposed).data >= 2 - 1e-3
        where = np.repeat(np.arange(product.shape[0], dtype=np.int32), np.diff(product.indptr))
        i, j, score = where[wanted], product.indices[wanted], product.data[wanted]
        return _lists(i, j, score, product.shape[0], width), i + np.int32(start), j, score

    # Large matrices are compared by all processors; small ones by as many callers.
    threads = (os.cpu_count() or 1) if left.shape[0] > 8 * BLOCK_ROWS else 1
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(block, range(0, left.shape[0], BLOCK_ROWS)))
    i = np.concatenate([part[1] for part in parts])
    j = np.concatenate([part[2] for part in parts])
    score = np.concatenate([part[3] for part in parts])
    forward = Nearest(
        np.vstack([part[0].score for part in parts]), np.vstack([part[0].row for part in parts])
    )
    return forward, _lists(j, i, score, right.shape[0], min(keep, left.shape[0]))


def _lists(
    group: np.ndarray, member: np.ndarray, score: np.ndarray, size: int, keep: int
) -> Nearest:
    """The best members of each group as matrices."""
    place = places_in_group(group, score)
    near = place < keep
    scores = np.zeros((size, keep), np.float32)
    rows = np.full((size, keep), -1, np.int32)
    scores[group[near], place[near]] = score[near]
    rows[group[near], place[near]] = member[near]
    return Nearest(scores, rows)


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


def union_of_pairs(forward: Nearest, backward: Nearest) -> tuple[np.ndarray, ...]:
    """The pairs that either side names, each once: left row, right row and similarity.

    Sorted by left row, then right row.
    """
    height, width = len(forward.row), len(backward.row)
    i = np.concatenate([_column(height, forward.row.shape[1]), backward.row.ravel()])
    j = np.concatenate([forward.row.ravel(), _column(width, backward.row.shape[1])])
    score = np.concatenate([forward.score.ravel(), backward.score.ravel()])
    real = (i >= 0) & (j >= 0)
    key, first = np.unique(i[real].astype(np.int64) * max(width, 1) + j[real], return_index=True)
    return key // max(width, 1), key % max(width, 1), score[real][first].astype(np.float64)


def _column(rows: int, width: int) -> np.ndarray:
    return np.repeat(np.arange(rows, dtype=np.int32), width)
