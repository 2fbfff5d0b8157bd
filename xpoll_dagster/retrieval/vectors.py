"""Vectors → a FAISS index of inner products: exact, or trained with its recall measured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpoll_dagster.retrieval.options import IndexOptions

_RECALL_AT = 10
_BLUR = 0.3  # length of the noise on a query drawn from the index: cosine 0.96 to its source


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index and what it is.

    `recall` is the share of the ten nearest that a trained index finds, 1.0 where it is exact.
    """

    index: Any
    kind: str
    recall: float
    device: str


def build_vector_index(vectors: np.ndarray, options: IndexOptions) -> BuiltIndex:
    """Index vectors of length 1.

    Args:
        vectors: float32 [n, d], in the order of the rows they stand for.
        options: Which index, and how it is trained.

    Returns:
        The index, in the computer's memory whatever device built it.
    """
    import faiss

    faiss.omp_set_num_threads(os.cpu_count() or 1)
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    count, dimensions = vectors.shape
    kind = options.kind
    if kind == "auto":
        kind = "flat" if count < options.flat_limit else "ivf"
    rng = np.random.default_rng(options.seed)
    metric = faiss.METRIC_INNER_PRODUCT
    index: Any
    if kind == "flat":
        index = faiss.IndexFlatIP(dimensions)
        index.add(vectors)
        return BuiltIndex(index, kind, 1.0, "cpu")
    device = "cpu"
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(dimensions, options.neighbours, metric)
        index.hnsw.efConstruction = 200
        index.hnsw.efSearch = 128
        index.add(vectors)
    else:
        lists = max(1, min(int(4 * np.sqrt(count)), count // 39 or 1))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimensions), dimensions, lists, metric)
        drawn = rng.permutation(count)[: max(options.training_rows, lists)]
        if options.gpu and getattr(faiss, "get_num_gpus", int)() > 0:
            device = "gpu"
            index = faiss.index_cpu_to_all_gpus(index)
        index.train(np.ascontiguousarray(vectors[np.sort(drawn)]))
        index.add(vectors)
        if device == "gpu":
            index = faiss.index_gpu_to_cpu(index)
        index.nprobe = max(1, int(lists * options.probed_share))
    return BuiltIndex(index, kind, _recall(index, vectors, options, rng), device)


def stored_vectors(built: BuiltIndex, count: int) -> np.ndarray:
    """The first vectors of an index, float32 [count, dimensions]."""
    if built.kind == "ivf":
        built.index.make_direct_map()
    return built.index.reconstruct_n(0, count)


def _recall(
    index: Any, vectors: np.ndarray, options: IndexOptions, rng: np.random.Generator
) -> float:
    drawn = np.sort(rng.permutation(len(vectors))[: options.recall_queries])
    noise = rng.standard_normal((len(drawn), vectors.shape[1])).astype(np.float32)
    noise *= _BLUR / np.linalg.norm(noise, axis=1, keepdims=True)
    queries = np.ascontiguousarray(vectors[drawn] + noise)
    wanted = min(_RECALL_AT, len(vectors))
    products = queries @ vectors.T
    nearest = np.argpartition(-products, wanted - 1, axis=1)[:, :wanted]
    found = index.search(queries, wanted)[1]
    hits = [len(np.intersect1d(one, other)) for one, other in zip(nearest, found, strict=True)]
    return float(np.mean(hits)) / wanted
