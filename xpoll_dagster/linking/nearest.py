"""The nearest vectors of another set, in both directions: exact, or by an index of FAISS.

The exact search gives what a flat index of FAISS gives, by torch, whose product is four times
as fast as that of the library bundled with faiss-cpu 1.15, which does not know every processor
(OPENBLAS_CORETYPE would have to be set by hand before the import). It multiplies once for each
direction: taking the best of a product's columns as well costs more than a second product.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from xpoll_dagster.linking.options import SemanticOptions

BLOCK_PRODUCTS = 20_000_000

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
        return (
            _search_exactly(right, left, options.candidates, options.threads),
            _search_exactly(left, right, options.candidates, options.threads),
        )
    return (
        _search_index(right, left, kind, options),
        _search_index(left, right, kind, options),
    )


def _search_exactly(
    base: np.ndarray, queries: np.ndarray, candidates: int, threads: int | None
) -> Neighbours:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        columns = torch.from_numpy(base).T.contiguous()
        rows = max(1, BLOCK_PRODUCTS // max(len(base), 1))
        # One buffer for all blocks: fresh memory for each costs a third of the time.
        product = torch.empty((rows, len(base)))
        best = [
            torch.mm(block, columns, out=product[: len(block)]).topk(
                min(candidates, len(base)), dim=1
            )
            for block in torch.from_numpy(queries).split(rows)
        ]
    finally:
        torch.set_num_threads(before)
    if not best:
        raise ValueError("There are no vectors to search.")
    scores, found = (torch.cat(parts).numpy() for parts in zip(*best, strict=True))
    return scores, found


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
