"""Links by shared concepts: names, key terms and defined terms that two domains have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache as once

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import LinkCache
from xpoll_dagster.linking.domain_links import link_domains
from xpoll_dagster.linking.evidence import shared_features
from xpoll_dagster.linking.links import links_table
from xpoll_dagster.linking.neighbours import best_products, union_of_pairs
from xpoll_dagster.linking.options import ConceptOptions, LinkingOptions
from xpoll_dagster.linking.passages import Passages, eligible_passages
from xpoll_dagster.linking.semantic import paired_products, unit_vectors
from xpoll_dagster.linking.shelf_comparison import BothWays, compare_domains
from xpoll_dagster.linking.sparse import SparseRows


@dataclass(frozen=True, slots=True)
class ConceptMatrix:
    """Which passage holds which concept.

    `weights[i]` are passage i's concepts weighed by rarity in its book; `needed` has the
    same entries, so scaled that the product of two rows is at least 2 where they share
    enough; `names` are the columns.
    """

    weights: SparseRows
    needed: SparseRows
    names: pl.Series


def link_concepts(
    chunks: pl.DataFrame,
    concepts: pl.DataFrame,
    embeddings: np.ndarray | None,
    options: LinkingOptions,
    cache: LinkCache | None = None,
) -> pl.DataFrame:
    """Link passages of different domains that share rare concepts.

    A concept weighs ln(passages of its book / passages with it); in too many passages of
    a book it does not count there. Two passages are linked when they share two concepts,
    or a single rare one of several words. The score is the sum over shared concepts of
    the product of their weights. With vectors, links of passages no closer than chance
    are taken for homonyms ("field", "group") and left out.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        concepts: Rows of `CONCEPTS_SCHEMA`.
        embeddings: One vector per row of `chunks`, or None for no guard against homonyms.
        options: `concept`, `shelves` and the eligibility of passages.
        cache: What earlier runs kept; the links are the same without it.

    Returns:
        Rows of `LINKS_SCHEMA`; `concepts` are the shared ones, heaviest first.
    """
    passages = eligible_passages(chunks, options)
    own = options.concept
    vectors = None
    about = options.version("concept")
    if embeddings is not None:
        vectors = unit_vectors(passages, chunks.height, embeddings, centre=False)
    else:
        about += " without vectors"

    @once
    def matrix() -> ConceptMatrix:
        return weigh_concepts(passages, concepts, own)

    def compare(left: slice, right: slice) -> BothWays:
        weights, needed = matrix().weights, matrix().needed
        return best_products(
            weights[left],
            weights[right],
            floor=1e-6,
            keep=own.per_chunk,
            needed=(needed[left], needed[right]),
        )

    def link(a: int, b: int) -> pl.DataFrame:
        matrix()  # before several threads ask for it
        forward, backward = compare_domains(
            passages,
            a,
            b,
            compare,
            cache=cache,
            kind="concept",
            about=about,
            threads=os.cpu_count() or 1,
        )
        i, j, score = union_of_pairs(forward.best(own.per_chunk), backward.best(own.per_chunk))
        left, right = passages.rows(a), passages.rows(b)
        if vectors is not None:
            alike = closer_than_chance(vectors[left], vectors[right], i, j, options)
            i, j, score = i[alike], j[alike], score[alike]
        i, j = i + left.start, j + right.start
        weights = matrix().weights
        shared = shared_features(weights, weights, i, j, matrix().names)
        return links_table(passages, i, j, score, shared)

    return link_domains(passages, link, cache=cache, kind="concept", about=about)


def weigh_concepts(
    passages: Passages, concepts: pl.DataFrame, options: ConceptOptions
) -> ConceptMatrix:
    """Weigh every concept of every passage by its rarity in the passage's book.

    Args:
        passages: The passages.
        concepts: Rows of `CONCEPTS_SCHEMA`; those of other chunks are passed over.
        options: `max_share`, `min_allowed`, `min_shared` and `rare_share`.

    Returns:
        Matrices with one row per passage; concepts of one domain only are left out.
    """
    from scipy.sparse import csr_matrix

    where = passages.frame.select("chunk_id", "book", "domain").with_row_index("row")
    held = concepts.select("chunk_id", "concept").unique().join(where, on="chunk_id", how="inner")
    sizes = where.group_by("book").agg(pl.len().alias("size"))
    frequency = (
        held.group_by("book", "concept").agg(pl.len().alias("frequency")).join(sizes, on="book")
    )
    allowed = pl.max_horizontal(
        pl.lit(float(options.min_allowed)), options.max_share * pl.col("size")
    )
    rare = pl.max_horizontal(
        pl.lit(float(options.min_allowed)), options.rare_share * pl.col("size")
    )
    weighed = held.join(
        frequency.filter(pl.col("frequency") <= allowed).with_columns(
            ((1.0 + pl.col("size")) / pl.col("frequency")).log().alias("weight"),
            (pl.col("frequency") <= rare).alias("rare"),
        ),
        on=["book", "concept"],
    ).filter(pl.col("domain").n_unique().over("concept") > 1)
    names = weighed["concept"].unique().sort()
    codes = weighed.join(names.to_frame("concept").with_row_index("column"), on="concept").sort(
        "row", "column"
    )
    entries = (codes["row"].to_numpy(), codes["column"].to_numpy())
    shape = (len(passages), len(names))
    # Two entries multiply to 2 where one concept is enough, to 2 / min_shared or a little
    # more where it is not.
    enough = codes["rare"].to_numpy() & codes["concept"].str.contains(r"\s").to_numpy()
    step = np.where(enough, np.sqrt(2.0), np.sqrt(2.0 / options.min_shared))
    return ConceptMatrix(
        csr_matrix((codes["weight"].to_numpy().astype(np.float32), entries), shape=shape),
        csr_matrix((step.astype(np.float32), entries), shape=shape),
        names,
    )


def closer_than_chance(
    left: np.ndarray, right: np.ndarray, i: np.ndarray, j: np.ndarray, options: LinkingOptions
) -> np.ndarray:
    """Whether pairs are closer than random passages of the two domains mostly are.

    Args:
        left: Vectors of the first domain, of length 1.
        right: Vectors of the second domain.
        i: Row of each pair in `left`.
        j: Row of each pair in `right`.
        options: `random_pairs`, `seed` and the concepts' `homonym_quantile`.

    Returns:
        One truth value per pair. The cosines are those of the vectors less the mean of
        both domains, whose passages alone thus decide.
    """
    total = left.sum(axis=0, dtype=np.float64) + right.sum(axis=0, dtype=np.float64)
    mean = (total / (len(left) + len(right))).astype(np.float32)

    # |x - m|² and (x - m)·(y - m) from products with m, so that no centred copy is made.
    left_mean, right_mean, square = left @ mean, right @ mean, float(mean @ mean)
    left_length = np.sqrt(np.maximum(1.0 - 2.0 * left_mean + square, 1e-12))
    right_length = np.sqrt(np.maximum(1.0 - 2.0 * right_mean + square, 1e-12))

    def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        product = paired_products(left, one, right, other)
        centred = product - left_mean[one] - right_mean[other] + square
        return centred / (left_length[one] * right_length[other])

    rng = np.random.default_rng(options.seed)
    random = cosines(
        rng.integers(len(left), size=options.random_pairs),
        rng.integers(len(right), size=options.random_pairs),
    )
    return cosines(i, j) > np.quantile(random, options.concept.homonym_quantile)
