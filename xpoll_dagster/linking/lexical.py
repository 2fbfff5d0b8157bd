"""Links by shared words: TF-IDF neighbours across domains, corrected for hubs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import polars as pl

from xpoll_dagster.linking.blocks import Block, levels, merge_blocks
from xpoll_dagster.linking.cache import PieceCache
from xpoll_dagster.linking.evidence import shared_features
from xpoll_dagster.linking.features import FeatureRows, FeatureTable
from xpoll_dagster.linking.library import (
    CODE,
    LinkedBook,
    LinkedDomain,
    Table,
    open_library,
    split_books,
)
from xpoll_dagster.linking.links import all_links, links_table
from xpoll_dagster.linking.margin import ratio_margin
from xpoll_dagster.linking.neighbours import best_products, places_in_group
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.signals import Linker
from xpoll_dagster.linking.terms import weigh_terms
from xpoll_dagster.storage import fingerprint


def link_lexical(chunks: pl.DataFrame, options: LinkingOptions) -> pl.DataFrame:
    """Link passages of different domains that share rare words and pairs of words.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        options: `lexical` and the eligibility of passages.

    Returns:
        Rows of `LINKS_SCHEMA`. `score` is the cosine of the weighted words;
        `concepts` are the shared words, heaviest first.
    """
    domains = open_library(split_books(chunks, None, None), options)
    return all_links(links for _, links in Linker(LexicalSignal(options)).link(domains))


class LexicalSignal:
    """Shared words."""

    name = "lexical"
    tables: tuple[Table, ...] = ("chunks",)
    block_tables: tuple[Table, ...] = ("chunks",)

    def __init__(self, options: LinkingOptions) -> None:
        self.options = options.lexical
        self.settings = [options.lexical.model_dump(mode="json"), options.min_words, options.kinds]
        self._words: FeatureTable

    def prepare(self, domains: Sequence[LinkedDomain], cache: PieceCache) -> None:
        """Weigh the words of the books that were not weighed before."""

        def words(book: LinkedBook) -> FeatureRows:
            key = fingerprint([CODE, self.settings, book.tables.made_of("chunks")])
            make = lambda: weigh_terms(book.passages(), self.options).to_arrays()  # noqa: E731
            return FeatureRows.from_arrays(cache.arrays("words", book.key, key, make))

        self._words = FeatureTable(domains, words)

    def running(self) -> AbstractContextManager[None]:
        """Nothing in particular."""
        return nullcontext()

    def blocks(self, left: LinkedBook, rights: Sequence[LinkedBook]) -> list[Block]:
        """The most alike passages by their words."""
        if not rights:
            return []
        rows, places = self._words.stacked(rights)
        return best_products(
            self._words.book(left).weights,
            rows.weights,
            places,
            floor=self.options.floor,
            keep=self.options.per_chunk,
            neighbours=self.options.neighbours,
        )

    def links(
        self, left: LinkedDomain, right: LinkedDomain, blocks: Sequence[Block]
    ) -> pl.DataFrame:
        """The most alike passages that share enough different words."""
        own = self.options
        merged = merge_blocks(blocks, left.starts, right.starts)
        i, j, score = merged.left, merged.right, merged.score
        kept = (places_in_group(i, score) < own.per_chunk) | (
            places_in_group(j, score) < own.per_chunk
        )
        i, j, score = i[kept], j[kept], score[kept]
        shared = shared_features(self._words.domain(left), self._words.domain(right), i, j)
        margin = ratio_margin(
            score,
            levels(merged.left_best, own.neighbours)[i],
            levels(merged.right_best, own.neighbours)[j],
            own.denominator_floor,
        )
        table = links_table(left, right, i, j, score, shared, margin=margin)
        return table.filter(pl.Series(shared.list.len() >= own.min_shared))
