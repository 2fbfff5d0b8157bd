"""Links by meaning: nearest embeddings across domains, corrected for hubs."""

from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.links import links_table, rank_links
from xpoll_dagster.linking.margin import ratio_margin
from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster.linking.nearest import search_both_ways
from xpoll_dagster.linking.neighbours import places_in_group
from xpoll_dagster.linking.options import LinkingOptions, SemanticOptions
from xpoll_dagster.linking.passages import Passages, eligible_passages


def link_semantic(
    chunks: pl.DataFrame, embeddings: np.ndarray, options: LinkingOptions
) -> pl.DataFrame:
    """Link passages of different domains whose vectors are nearer than both are used to.

    Candidates are the nearest passages of the other domain in both directions, scored by
    the ratio margin with neighbours taken in the other domain.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        embeddings: One vector per row of `chunks`, [n, d].
        options: `semantic` and the eligibility of passages.

    Returns:
        Rows of `LINKS_SCHEMA`; `score` is the margin.

    Raises:
        ValueError: The vectors are not one per chunk, or not finite.
    """
    passages = eligible_passages(chunks, options)
    vectors = unit_vectors(passages, chunks.height, embeddings, centre=options.semantic.centre)
    parts = [
        _link_domains(passages, vectors, a, b, options.semantic) for a, b in passages.domain_pairs()
    ]
    return rank_links(pl.concat([LINKS_SCHEMA.to_frame(), *parts]))


def unit_vectors(
    passages: Passages, height: int, embeddings: np.ndarray, *, centre: bool
) -> np.ndarray:
    """The passages' vectors, centred on the library's mean, of length 1, float32."""
    if embeddings.ndim != 2 or len(embeddings) != height:
        raise ValueError(f"There are {height} chunks but vectors of shape {embeddings.shape}.")
    vectors = embeddings[passages.source].astype(np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError("Some vectors hold values that are not finite numbers.")
    if centre and len(vectors) > 1:
        vectors = vectors - vectors.mean(axis=0, keepdims=True)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _link_domains(
    passages: Passages, vectors: np.ndarray, a: int, b: int, options: SemanticOptions
) -> pl.DataFrame:
    left, right = passages.rows(a), passages.rows(b)
    (forward_score, forward), (backward_score, backward) = search_both_ways(
        vectors[left], vectors[right], options
    )
    left_level = _levels(forward_score, forward, options.neighbours)
    right_level = _levels(backward_score, backward, options.neighbours)

    i = np.concatenate([_column(len(forward), forward.shape[1]), backward.ravel()])
    j = np.concatenate([forward.ravel(), _column(len(backward), backward.shape[1])])
    cosine = np.concatenate([forward_score.ravel(), backward_score.ravel()]).astype(np.float64)
    found = (i >= 0) & (j >= 0)
    key = i[found] * np.int64(len(backward)) + j[found]
    key, first = np.unique(key, return_index=True)
    i, j, cosine = i[found][first], j[found][first], cosine[found][first]
    margin = ratio_margin(cosine, left_level[i], right_level[j], options.denominator_floor)
    place = np.minimum(places_in_group(i, margin), places_in_group(j, margin))
    kept = place < options.per_chunk
    i, j, cosine, margin = i[kept], j[kept], cosine[kept], margin[kept]
    return links_table(
        passages, i + left.start, j + right.start, margin, cosine=cosine, margin=margin
    )


def _levels(score: np.ndarray, found: np.ndarray, neighbours: int) -> np.ndarray:
    """Mean of each row's nearest few; an approximate index may find fewer, marked by -1."""
    real = found[:, :neighbours] >= 0
    total = np.where(real, score[:, :neighbours], 0.0).sum(axis=1)
    return total / np.maximum(real.sum(axis=1), 1)


def _column(rows: int, width: int) -> np.ndarray:
    return np.repeat(np.arange(rows, dtype=np.int64), width)


def paired_cosines(vectors: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Inner products of the given rows of `vectors`, one per pair, float64."""
    cosine = np.empty(len(left))
    block = 4096  # stays in the processor's cache
    for start in range(0, len(left), block):
        part = slice(start, start + block)
        cosine[part] = np.einsum("nd,nd->n", vectors[left[part]], vectors[right[part]])
    return cosine
