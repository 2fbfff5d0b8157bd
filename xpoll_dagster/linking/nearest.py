"""The nearest vectors of two books, in both directions and exactly: a block.

A product's last bits depend on the shapes that are multiplied. So two books are multiplied in
pieces that depend on their sizes alone, each on one thread: the same two books give the same
block in every library and on any number of processors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from xpoll_dagster.linking.blocks import Block

PRODUCTS = 4_000_000
"""Products held at a time by each thread: 16 MB."""


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Every thread that multiplies does so by itself; afterwards all is as it was before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def nearest_block(left: np.ndarray, right: np.ndarray, *, keep: int, neighbours: int) -> Block:
    """Each left vector's nearest right ones and each right vector's nearest left ones.

    Args:
        left: Vectors of length 1, float32, [n, d].
        right: The same, [m, d].
        keep: Nearest vectors kept for each vector of either side.
        neighbours: Highest products given for each vector; missing ones are `-inf`.

    Returns:
        The union over both directions; scores are inner products.
    """
    import torch

    torch.set_num_threads(1)  # a thread's own setting, restored by `one_thread_each`
    # Tensors of their own: their memory is aligned alike, which the product's bits may feel.
    a, b = torch.tensor(left), torch.tensor(right)
    width = max(keep, neighbours)
    if len(left) * len(right) <= PRODUCTS:
        product = torch.mm(a, b.T)
        forward = product.topk(min(width, len(right)), dim=1)
        backward = product.T.contiguous().topk(min(width, len(left)), dim=1)
        found = [tuple(x.numpy() for x in pair) for pair in (forward, backward)]
    else:
        found = [_search(x, y, width) for x, y in ((a, b), (b, a))]
    (forward_score, forward_row), (backward_score, backward_row) = found
    i = np.concatenate([_rows(forward_row[:, :keep]), backward_row[:, :keep].ravel()])
    j = np.concatenate([forward_row[:, :keep].ravel(), _rows(backward_row[:, :keep])])
    score = np.concatenate([forward_score[:, :keep].ravel(), backward_score[:, :keep].ravel()])
    key = i * np.int64(len(right)) + j
    order = np.argsort(key, kind="stable")
    order = order[np.concatenate([[True], np.diff(key[order]) > 0])]
    return Block(
        i[order].astype(np.int32),
        j[order].astype(np.int32),
        score[order],
        _padded(forward_score, neighbours),
        _padded(backward_score, neighbours),
    )


def _search(queries: Any, base: Any, width: int) -> tuple[np.ndarray, np.ndarray]:
    import torch

    step = max(1, PRODUCTS // len(base))
    columns = base.T

    def piece(start: int) -> tuple[Any, Any]:
        torch.set_num_threads(1)  # a thread's own setting
        return torch.mm(queries[start : start + step], columns).topk(min(width, len(base)), dim=1)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        parts = list(pool.map(piece, range(0, len(queries), step)))
    scores, rows = (torch.cat([part[n] for part in parts]).numpy() for n in range(2))
    return scores, rows


def _rows(found: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(found), dtype=np.int64), found.shape[1])


def _padded(scores: np.ndarray, width: int) -> np.ndarray:
    missing = max(width - scores.shape[1], 0)
    return np.pad(scores[:, :width], ((0, 0), (0, missing)), constant_values=-np.inf)
