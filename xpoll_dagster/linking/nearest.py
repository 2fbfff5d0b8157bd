"""The nearest vectors of another set, in both directions: exact, or by an index of FAISS.

The exact search multiplies each block once and takes the best of its rows and of its columns,
where a flat index would multiply once for each direction. It uses torch, whose product is
four times as fast as that of the library bundled with faiss-cpu 1.15, which does not know
today's processors (20,000 x 20,000 x 384: 7 s of processor time against 34 s).
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from xpoll_dagster.linking.options import SemanticOptions

BLOCK_PRODUCTS = 50_000_000

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

    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        from_left, from_right = torch.from_numpy(left), torch.from_numpy(right)
        for_left: list[tuple[Any, Any]] = []
        for_right: tuple[Any, Any] | None = None
        rows = max(1, BLOCK_PRODUCTS // max(len(right), 1))
        for start in range(0, len(left), rows):
            product = from_left[start : start + rows] @ from_right.T
            for_left.append(product.topk(min(candidates, len(right)), dim=1))
            turned = product.T.contiguous()
            score, row = turned.topk(min(candidates, turned.shape[1]), dim=1)
            row += start
            if for_right is not None:
                score, row = torch.cat([for_right[0], score], 1), torch.cat([for_right[1], row], 1)
                score, place = score.topk(min(candidates, score.shape[1]), dim=1)
                row = row.gather(1, place)
            for_right = (score, row)
    finally:
        torch.set_num_threads(before)
    if for_right is None:
        raise ValueError("There are no vectors to search.")
    scores, found = (torch.cat(parts).numpy() for parts in zip(*for_left, strict=True))
    return (scores, found), (for_right[0].numpy(), for_right[1].numpy())


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
