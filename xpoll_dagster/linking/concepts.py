"""Links by shared concepts: names, key terms and defined terms that two domains have in common."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import polars as pl

from xpoll_dagster.linking.blocks import Block, merge_blocks
from xpoll_dagster.linking.cache import PieceCache
from xpoll_dagster.linking.evidence import shared_features
from xpoll_dagster.linking.features import FeatureRows, FeatureTable, feature_rows
from xpoll_dagster.linking.library import (
    CODE,
    LinkedBook,
    LinkedDomain,
    Table,
    open_library,
    split_books,
)
from xpoll_dagster.linking.links import all_links, links_table
from xpoll_dagster.linking.neighbours import best_products, places_in_group
from xpoll_dagster.linking.options import ConceptOptions, LinkingOptions
from xpoll_dagster.linking.signals import Linker
from xpoll_dagster.linking.vectors import centred, paired_cosines
from xpoll_dagster.storage import fingerprint


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
    domains = open_library(split_books(chunks, embeddings, concepts), options)
    signal = ConceptSignal(options, guarded=embeddings is not None)
    return all_links(links for _, links in Linker(signal).link(domains))


def weigh_concepts(ids: pl.Series, concepts: pl.DataFrame, options: ConceptOptions) -> FeatureRows:
    """Weigh every concept of every passage of a book by its rarity in the book.

    Args:
        ids: The passages of one book.
        concepts: Rows of `CONCEPTS_SCHEMA`; those of other chunks are passed over.
        options: `max_share`, `min_allowed`, `min_shared` and `rare_share`.

    Returns:
        One row per passage. `needed` is such that the product of two rows is at least 2
        where they share enough.
    """
    from scipy.sparse import csr_matrix

    where = pl.DataFrame({"chunk_id": ids}).with_row_index("row")
    held = concepts.select("chunk_id", "concept").unique().join(where, on="chunk_id", how="inner")
    size = len(ids)
    named = held.group_by("concept").agg(pl.len().alias("frequency")).sort("concept")
    named = named.filter(
        pl.col("frequency") <= max(float(options.min_allowed), options.max_share * size)
    ).with_row_index("column")
    codes = held.join(named, on="concept").sort("row", "column")
    frequency = codes["frequency"].to_numpy()
    weight = np.log((1.0 + size) / frequency)
    rare = frequency <= max(float(options.min_allowed), options.rare_share * size)
    # Two entries multiply to 2 where one concept is enough, to 2 / min_shared or a little
    # more where it is not.
    enough = rare & codes["concept"].str.contains(r"\s").to_numpy()
    step = np.where(enough, np.sqrt(2.0), np.sqrt(2.0 / options.min_shared))
    entries = (codes["row"].to_numpy(), codes["column"].to_numpy())
    weights = csr_matrix((weight.astype(np.float32), entries), shape=(size, named.height))
    return feature_rows(weights, named["concept"], named["concept"], step.astype(np.float32))


class ConceptSignal:
    """Shared concepts; `guarded` by the vectors against homonyms."""

    name = "concept"
    block_tables: tuple[Table, ...] = ("chunks", "chunk_concepts")

    def __init__(self, options: LinkingOptions, *, guarded: bool = True) -> None:
        self.options = options
        self.guarded = guarded
        self.tables: tuple[Table, ...] = ("chunks", "chunk_embeddings", "chunk_concepts")
        self.settings = [
            options.concept.model_dump(mode="json"),
            options.min_words,
            options.kinds,
            options.random_pairs,
            options.seed,
        ]
        self._concepts: FeatureTable
        self._vectors: dict[str, np.ndarray] = {}

    def prepare(self, domains: Sequence[LinkedDomain], cache: PieceCache) -> None:
        """Weigh the concepts of the books that were not weighed before; read the vectors."""

        def concepts(book: LinkedBook) -> FeatureRows:
            made_of = book.tables.made_of(*self.block_tables)
            return FeatureRows.from_arrays(
                cache.arrays(
                    "concepts",
                    book.key,
                    fingerprint([CODE, self.settings, made_of]),
                    lambda: weigh_concepts(
                        book.ids, book.tables.read("chunk_concepts"), self.options.concept
                    ).to_arrays(),
                )
            )

        self._concepts = FeatureTable(domains, concepts)
        if self.guarded:
            self._vectors = {domain.name: domain.vectors() for domain in domains}

    def running(self) -> AbstractContextManager[None]:
        """Nothing in particular."""
        return nullcontext()

    def blocks(self, left: LinkedBook, rights: Sequence[LinkedBook]) -> list[Block]:
        """The passages that share enough, with the highest scores."""
        if not rights:
            return []
        rows, places = self._concepts.stacked(rights)
        own = self._concepts.book(left)
        return best_products(
            own.weights,
            rows.weights,
            places,
            floor=1e-6,
            keep=self.options.concept.per_chunk,
            needed=(own.needed, rows.needed),
        )

    def links(
        self, left: LinkedDomain, right: LinkedDomain, blocks: Sequence[Block]
    ) -> pl.DataFrame:
        """The highest scores of passages that are closer than chance."""
        keep = self.options.concept.per_chunk
        merged = merge_blocks(blocks, left.starts, right.starts)
        i, j, score = merged.left, merged.right, merged.score
        kept = (places_in_group(i, score) < keep) | (places_in_group(j, score) < keep)
        i, j, score = i[kept], j[kept], score[kept]
        if self.guarded:
            vectors = centred(self._vectors[left.name], self._vectors[right.name])
            alike = paired_cosines(*vectors, i, j) > chance_cosine(*vectors, self.options)
            i, j, score = i[alike], j[alike], score[alike]
        concepts = self._concepts
        shared = shared_features(concepts.domain(left), concepts.domain(right), i, j)
        return links_table(left, right, i, j, score, shared)


def chance_cosine(left: np.ndarray, right: np.ndarray, options: LinkingOptions) -> float:
    """The cosine that random passages of the two domains stay below in most cases."""
    rng = np.random.default_rng(options.seed)
    i = rng.integers(len(left), size=options.random_pairs)
    j = rng.integers(len(right), size=options.random_pairs)
    return float(np.quantile(paired_cosines(left, right, i, j), options.concept.homonym_quantile))
