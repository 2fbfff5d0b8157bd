"""The best products between the sparse rows of two books, as blocks.

Used by concept and lexical links. Nearly all products of two books' passages are tiny, so each
is cut to what can matter before the next is computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xpoll_dagster.linking.blocks import Block
from xpoll_dagster.linking.sparse import SparseRows

BLOCK_ROWS = 512


def best_products(
    left: SparseRows,
    right: SparseRows,
    rights: Sequence[slice],
    *,
    floor: float,
    keep: int,
    neighbours: int = 0,
    needed: tuple[SparseRows, SparseRows] | None = None,
) -> list[Block]:
    """The pairs of rows of two books with the highest products, seen from either side.

    Args:
        left: Non-negative float32 rows of one book, [n, columns].
        right: The rows of a domain over the same columns.
        rights: The rows of `right` that belong to each of some books.
        floor: Products below this count as none.
        keep: Matches kept for each row of either side.
        neighbours: Highest products given for each row; missing ones are 0.
        needed: Two matrices with the same pattern of entries as `left` and `right`; a
            match counts only where their product is at least 2.

    Returns:
        For each book the union over both sides of every row's best matches.
    """
    rows: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    transposed = right.T.tocsr()
    needed_transposed = needed[1].T.tocsr() if needed is not None else None
    for start in range(0, left.shape[0], BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        product = left[part] @ transposed
        wanted = product.data >= floor
        if needed is not None and needed_transposed is not None:
            # The same pattern of entries gives the same order of results.
            wanted &= (needed[0][part] @ needed_transposed).data >= 2 - 1e-3
        row = np.repeat(np.arange(start, start + product.shape[0]), np.diff(product.indptr))
        rows.append(row[wanted])
        columns.append(product.indices[wanted])
        scores.append(product.data[wanted])
    i, j, score = np.concatenate(rows), np.concatenate(columns), np.concatenate(scores)
    # The product's order depends on which books were multiplied together: equal scores are
    # told apart by their place, so that they are decided alike every time.
    order = np.argsort(i * np.int64(right.shape[0]) + j)
    i, j, score = i[order], j[order], score[order]
    blocks = []
    for book in rights:
        own = (j >= book.start) & (j < book.stop)
        size = book.stop - book.start
        shape = (left.shape[0], size)
        blocks.append(_best(i[own], j[own] - book.start, score[own], shape, keep, neighbours))
    return blocks


def _best(
    i: np.ndarray,
    j: np.ndarray,
    score: np.ndarray,
    shape: tuple[int, int],
    keep: int,
    neighbours: int,
) -> Block:
    place_left, place_right = places_in_group(i, score), places_in_group(j, score)
    kept = (place_left < keep) | (place_right < keep)
    return Block(
        i[kept].astype(np.int32),
        j[kept].astype(np.int32),
        score[kept].astype(np.float32),
        _highest(i, score, place_left, shape[0], neighbours),
        _highest(j, score, place_right, shape[1], neighbours),
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


def _highest(
    group: np.ndarray, score: np.ndarray, place: np.ndarray, size: int, neighbours: int
) -> np.ndarray:
    """The best scores of each group, [size, neighbours]; missing ones are 0."""
    near = place < neighbours
    highest = np.zeros((size, neighbours), np.float32)
    highest[group[near], place[near]] = score[near]
    return highest
