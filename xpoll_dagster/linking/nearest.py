"""The nearest vectors of another set, in both directions: exact, or by an index of FAISS.

The exact search gives what a flat index of FAISS gives, by torch, whose product is four times
as fast as that of the library bundled with faiss-cpu 1.15, which does not know every processor
(OPENBLAS_CORETYPE would have to be set by hand before the import). One product serves both
directions. The best of a long row lie in the groups of columns whose highest value is among
the best, so only those are sorted; for columns likewise.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from xpoll_dagster.linking.options import SemanticOptions

BLOCK_PRODUCTS = 20_000_000
GROUP = 64
GROUP_ROWS = 8

Neighbours = tuple[np.ndarray, np.ndarray]
"""Inner products [n, k] and row numbers [n, k], best first; -1 where an index found fewer."""


def search_both_ways(
    left: np.ndarray, right: np.ndarray, options: SemanticOptions
) -> tuple[Neighbours, Neighbours]:
    """Each left vector's nearest right ones, and each right vector's nearest left ones.

    Args:
        left: Vectors of length 1, float32, [n, d].
        right: The same, [m, d].
        options: `candidates`, `index`, `exact_limit`, `threads`.

    Returns:
        The neighbours of the left vectors and those of the right ones.
    """
    kind = options.index
    if kind == "auto":
        kind = "exact" if max(len(left), len(right)) <= options.exact_limit else "ivf"
    if kind == "exact":
        return _search_exactly(left, right, options.candidates, options.threads)
    return (
        _search_index(right, left, kind, options),
        _search_index(left, right, kind, options),
    )


def _search_exactly(
    left: np.ndarray, right: np.ndarray, candidates: int, threads: int | None
) -> tuple[Neighbours, Neighbours]:
    import torch

    if not len(left) or not len(right):
        raise ValueError("There are no vectors to search.")
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        columns = torch.from_numpy(right).T.contiguous()
        height = max(GROUP_ROWS, BLOCK_PRODUCTS // len(right))
        # One buffer for all blocks: fresh memory for each costs a third of the time.
        buffer = torch.empty((min(height, len(left)), len(right)))
        forward: list[tuple[Any, Any]] = []
        best = (torch.empty((len(right), 0)), torch.empty((len(right), 0), dtype=torch.int64))
        for start in range(0, len(left), height):
            block = torch.from_numpy(left[start : start + height])
            product = torch.mm(block, columns, out=buffer[: len(block)])
            forward.append(_best_of_rows(product, candidates))
            score, row = _best_of_columns(product, candidates)
            best = _better(best, (score, row + start), candidates)
    finally:
        torch.set_num_threads(before)
    scores, rows = (torch.cat(parts).numpy() for parts in zip(*forward, strict=True))
    return (scores, rows), (best[0].numpy(), best[1].numpy())


def _best_of_rows(product: Any, count: int) -> tuple[Any, Any]:
    """The highest values of each row and their columns."""
    import torch

    height, width = product.shape
    groups = width // GROUP
    if groups <= 4 * count:
        return product.topk(min(count, width), dim=1)
    whole = product[:, : groups * GROUP].unflatten(1, (groups, GROUP))
    chosen = whole.amax(2).topk(count, dim=1).indices
    inside = chosen[:, :, None] * GROUP + torch.arange(GROUP)
    rest = torch.arange(groups * GROUP, width).expand(height, -1)
    places = torch.cat([inside.flatten(1), rest], dim=1)
    score, place = product.gather(1, places).topk(count, dim=1)
    return score, places.gather(1, place)


def _best_of_columns(product: Any, count: int) -> tuple[Any, Any]:
    """The highest values of each column and their rows, as rows of the result."""
    import torch

    height, width = product.shape
    groups = height // GROUP_ROWS
    if groups <= 4 * count:
        return product.T.contiguous().topk(min(count, height), dim=1)
    whole = product[: groups * GROUP_ROWS].unflatten(0, (groups, GROUP_ROWS))
    chosen = whole.amax(1).T.contiguous().topk(count, dim=1).indices
    inside = chosen[:, :, None] * GROUP_ROWS + torch.arange(GROUP_ROWS)
    rest = torch.arange(groups * GROUP_ROWS, height).expand(width, -1)
    places = torch.cat([inside.flatten(1), rest], dim=1)
    flat = places * product.stride(0) + torch.arange(width)[:, None]
    score, place = product.flatten().take(flat).topk(count, dim=1)
    return score, places.gather(1, place)


def _better(one: tuple[Any, Any], other: tuple[Any, Any], count: int) -> tuple[Any, Any]:
    """The highest of two lists of highest values."""
    import torch

    score = torch.cat([one[0], other[0]], dim=1)
    row = torch.cat([one[1], other[1]], dim=1)
    score, place = score.topk(min(count, score.shape[1]), dim=1)
    return score, row.gather(1, place)


def _search_index(
    base: np.ndarray, queries: np.ndarray, kind: str, options: SemanticOptions
) -> Neighbours:
    import faiss

    faiss.omp_set_num_threads(options.threads or os.cpu_count() or 1)
    dimensions = base.shape[1]
    metric = faiss.METRIC_INNER_PRODUCT
    index: Any
    if kind == "flat":
        index = faiss.IndexFlatIP(dimensions)
    elif kind == "hnsw":
        index = faiss.IndexHNSWFlat(dimensions, 32, metric)
    else:
        lists = max(1, int(4 * np.sqrt(len(base))))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimensions), dimensions, lists, metric)
        index.nprobe = max(1, lists // 16)
        index.train(np.ascontiguousarray(base))
    index.add(np.ascontiguousarray(base))
    return index.search(np.ascontiguousarray(queries), min(options.candidates, len(base)))
