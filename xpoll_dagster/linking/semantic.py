"""Links by meaning: nearest embeddings across domains, corrected for hubs."""

from __future__ import annotations

import os

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import LinkCache
from xpoll_dagster.linking.domain_links import link_domains
from xpoll_dagster.linking.links import links_table
from xpoll_dagster.linking.margin import ratio_margin
from xpoll_dagster.linking.nearest import search_both_ways
from xpoll_dagster.linking.neighbours import union_of_pairs
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.passages import Passages, eligible_passages
from xpoll_dagster.linking.shelf_comparison import BothWays, Nearest, compare_domains

SMALL = 16_000_000  # products of a comparison that one thread makes by itself


def link_semantic(
    chunks: pl.DataFrame,
    embeddings: np.ndarray,
    options: LinkingOptions,
    cache: LinkCache | None = None,
) -> pl.DataFrame:
    """Link passages of different domains whose vectors are nearer than both are used to.

    Candidates are the nearest passages on every shelf of the other domain, scored by the
    ratio margin with neighbours taken in the other domain. The best of each passage's
    candidates are linked.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        embeddings: One vector per row of `chunks`, [n, d].
        options: `semantic`, `shelves` and the eligibility of passages.
        cache: What earlier runs kept; the links are the same without it.

    Returns:
        Rows of `LINKS_SCHEMA`; `score` is the margin.

    Raises:
        ValueError: The vectors are not one per chunk, or not finite.
    """
    passages = eligible_passages(chunks, options)
    own = options.semantic
    vectors = unit_vectors(passages, chunks.height, embeddings, centre=own.centre)
    about = options.version("semantic")
    if cache is not None and own.centre:
        # The mean is that of all books, so what is kept holds for these very books only.
        about += cache.key(
            [book for d in range(len(passages.domains)) for book in passages.books(d)]
        )
    # A passage's level needs its nearest few, however few candidates are wanted.
    candidates = max(own.candidates, own.neighbours)

    def compare(left: slice, right: slice) -> BothWays:
        # Small comparisons go side by side, each by one thread; large ones have all of them.
        products = (left.stop - left.start) * (right.stop - right.start)
        threads = 1 if products < SMALL else own.threads
        search = own.model_copy(update={"candidates": candidates, "threads": threads})
        forward, backward = search_both_ways(vectors[left], vectors[right], search)
        return _nearest(*forward), _nearest(*backward)

    def link(a: int, b: int) -> pl.DataFrame:
        forward, backward = compare_domains(
            passages,
            a,
            b,
            compare,
            cache=cache,
            kind="semantic",
            about=about,
            threads=own.threads or os.cpu_count() or 1,
        )
        left_level, right_level = (
            _levels(forward, own.neighbours),
            _levels(backward, own.neighbours),
        )
        floor = own.denominator_floor
        left, right, margin = union_of_pairs(
            _margins(forward, left_level, right_level, floor).best(own.per_chunk),
            _margins(backward, right_level, left_level, floor).best(own.per_chunk),
        )
        i, j = left + passages.starts[a], right + passages.starts[b]
        cosine = margin * np.maximum((left_level[left] + right_level[right]) / 2.0, floor)
        return links_table(passages, i, j, margin, cosine=cosine, margin=margin)

    return link_domains(passages, link, cache=cache, kind="semantic", about=about)


def unit_vectors(
    passages: Passages, height: int, embeddings: np.ndarray, *, centre: bool
) -> np.ndarray:
    """The passages' vectors, centred on the library's mean, of length 1, float32."""
    if embeddings.ndim != 2 or len(embeddings) != height:
        raise ValueError(f"There are {height} chunks but vectors of shape {embeddings.shape}.")
    vectors = embeddings[passages.source].astype(np.float32, copy=False)
    if centre and len(vectors) > 1:
        vectors -= vectors.mean(axis=0, keepdims=True)
    length = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    if not np.isfinite(length).all():
        raise ValueError("Some vectors hold values that are not finite numbers.")
    vectors /= np.maximum(length, 1e-9)[:, None]
    return vectors


def _nearest(score: np.ndarray, row: np.ndarray) -> Nearest:
    """What a search found; an approximate index marks what it did not find by -1."""
    return Nearest(np.where(row < 0, 0.0, score).astype(np.float32), row.astype(np.int32))


def _levels(found: Nearest, neighbours: int) -> np.ndarray:
    """Mean of each row's nearest few of those that were found, [rows], float32."""
    score = np.where(found.row < 0, -np.inf, found.score)
    nearest = -np.partition(-score, min(neighbours, score.shape[1]) - 1, axis=1)[:, :neighbours]
    real = np.isfinite(nearest)
    total = np.where(real, nearest, 0.0).sum(axis=1, dtype=np.float64)
    return total / np.maximum(real.sum(axis=1), 1)


def _margins(found: Nearest, own: np.ndarray, other: np.ndarray, floor: float) -> Nearest:
    """The margin of each similarity; those of none found sort last."""
    level = own[:, None]
    margin = ratio_margin(found.score, level, other[found.row], floor)
    return Nearest(np.where(found.row < 0, -np.inf, margin), found.row)


def paired_products(
    left: np.ndarray, left_rows: np.ndarray, right: np.ndarray, right_rows: np.ndarray
) -> np.ndarray:
    """Inner products of the given rows of two matrices, one per pair, float64."""
    product = np.empty(len(left_rows))
    block = 4096  # stays in the processor's cache
    for start in range(0, len(left_rows), block):
        part = slice(start, start + block)
        product[part] = np.einsum("nd,nd->n", left[left_rows[part]], right[right_rows[part]])
    return product
