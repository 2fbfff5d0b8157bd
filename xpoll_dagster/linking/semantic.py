"""Links by meaning: nearest embeddings across domains, corrected for hubs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
import polars as pl

from xpoll_dagster.linking.blocks import Block, levels, merge_blocks
from xpoll_dagster.linking.cache import PieceCache
from xpoll_dagster.linking.library import LinkedBook, LinkedDomain, Table, open_library, split_books
from xpoll_dagster.linking.links import all_links, links_table
from xpoll_dagster.linking.margin import ratio_margin
from xpoll_dagster.linking.nearest import nearest_block, one_thread_each
from xpoll_dagster.linking.neighbours import places_in_group
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.signals import Linker
from xpoll_dagster.linking.vectors import unit_length


def link_semantic(
    chunks: pl.DataFrame, embeddings: np.ndarray, options: LinkingOptions
) -> pl.DataFrame:
    """Link passages of different domains whose vectors are nearer than both are used to.

    Candidates are the nearest passages of each book of the other domain in both directions,
    scored by the ratio margin with neighbours taken in the other domain.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        embeddings: One vector per row of `chunks`, [n, d].
        options: `semantic` and the eligibility of passages.

    Returns:
        Rows of `LINKS_SCHEMA`; `score` is the margin.

    Raises:
        ValueError: The vectors are not one per chunk, or not finite.
    """
    domains = open_library(split_books(chunks, embeddings, None), options)
    return all_links(links for _, links in Linker(SemanticSignal(options)).link(domains))


class SemanticSignal:
    """Nearest vectors."""

    name = "semantic"
    tables: tuple[Table, ...] = ("chunks", "chunk_embeddings")
    block_tables: tuple[Table, ...] = ("chunks", "chunk_embeddings")

    def __init__(self, options: LinkingOptions) -> None:
        self.options = options.semantic
        self.settings = [
            options.semantic.model_dump(mode="json"),
            options.min_words,
            options.kinds,
        ]
        self._vectors: dict[str, np.ndarray] = {}

    def prepare(self, domains: Sequence[LinkedDomain], cache: PieceCache) -> None:
        """Read the vectors; nothing of them is kept but by the books themselves."""
        del cache
        books = [book for domain in domains for book in domain.books]
        self._vectors = {book.key: self._of(book) for book in books}

    def _of(self, book: LinkedBook) -> np.ndarray:
        vectors = book.vectors()
        if self.options.centre and len(vectors) > 1:
            vectors = unit_length(vectors - vectors.mean(axis=0, keepdims=True))
        return vectors

    def running(self) -> AbstractContextManager[None]:
        """Every thread multiplies by itself."""
        return one_thread_each()

    def blocks(self, left: LinkedBook, rights: Sequence[LinkedBook]) -> list[Block]:
        """Nearest passages of the two books, both ways."""
        return [
            nearest_block(
                self._vectors[left.key],
                self._vectors[right.key],
                keep=self.options.candidates,
                neighbours=self.options.neighbours,
            )
            for right in rights
        ]

    def links(
        self, left: LinkedDomain, right: LinkedDomain, blocks: Sequence[Block]
    ) -> pl.DataFrame:
        """The links with the highest margin of every passage."""
        own = self.options
        merged = merge_blocks(blocks, left.starts, right.starts)
        i, j, cosine = merged.left, merged.right, merged.score
        left_level = levels(merged.left_best, own.neighbours)
        right_level = levels(merged.right_best, own.neighbours)
        margin = ratio_margin(cosine, left_level[i], right_level[j], own.denominator_floor)
        place = np.minimum(places_in_group(i, margin), places_in_group(j, margin))
        kept = place < own.per_chunk
        i, j, cosine, margin = i[kept], j[kept], cosine[kept], margin[kept]
        return links_table(left, right, i, j, margin, cosine=cosine, margin=margin)
