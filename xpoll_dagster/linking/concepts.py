"""Links by shared concepts: names, key terms and defined terms that two domains have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.linking.evidence import shared_features
from xpoll_dagster.linking.links import links_table, rank_links
from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster.linking.neighbours import best_products
from xpoll_dagster.linking.options import ConceptOptions, LinkingOptions
from xpoll_dagster.linking.passages import Passages, eligible_passages
from xpoll_dagster.linking.semantic import paired_cosines, unit_vectors
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
        options: `concept` and the eligibility of passages.

    Returns:
        Rows of `LINKS_SCHEMA`; `concepts` are the shared ones, heaviest first.
    """
    passages = eligible_passages(chunks, options)
    matrix = weigh_concepts(passages, concepts, options.concept)
    vectors = None
    if embeddings is not None:
        vectors = unit_vectors(passages, chunks.height, embeddings, centre=True)
    parts = [
        _link_domains(passages, matrix, vectors, a, b, options) for a, b in passages.domain_pairs()
    ]
    return rank_links(pl.concat([LINKS_SCHEMA.to_frame(), *parts]))


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


def _link_domains(
    passages: Passages,
    matrix: ConceptMatrix,
    vectors: np.ndarray | None,
    a: int,
    b: int,
    options: LinkingOptions,
) -> pl.DataFrame:
    left, right = passages.rows(a), passages.rows(b)
    matches = best_products(
        matrix.weights[left],
        matrix.weights[right],
        floor=1e-6,
        keep=options.concept.per_chunk,
        needed=(matrix.needed[left], matrix.needed[right]),
        threads=os.cpu_count() or 1,
    )
    i, j, score = matches.left + left.start, matches.right + right.start, matches.score
    if vectors is not None:
        near = chance_cosine(vectors[left], vectors[right], options)
        alike = paired_cosines(vectors, i, j) > near
        i, j, score = i[alike], j[alike], score[alike]
    shared = shared_features(matrix.weights, matrix.weights, i, j, matrix.names)
    return links_table(passages, i, j, score, shared)


def chance_cosine(left: np.ndarray, right: np.ndarray, options: LinkingOptions) -> float:
    """The cosine that random passages of the two domains stay below in most cases."""
    rng = np.random.default_rng(options.seed)
    i = rng.integers(len(left), size=options.random_pairs)
    j = rng.integers(len(right), size=options.random_pairs)
    cosine = np.einsum("nd,nd->n", left[i], right[j])
    return float(np.quantile(cosine, options.concept.homonym_quantile))
