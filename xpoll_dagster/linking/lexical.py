"""Links by shared words: TF-IDF neighbours across domains, corrected for hubs."""

from __future__ import annotations

import os
from functools import cache as once

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import LinkCache
from xpoll_dagster.linking.domain_links import link_domains
from xpoll_dagster.linking.evidence import shared_features
from xpoll_dagster.linking.links import links_table
from xpoll_dagster.linking.margin import ratio_margin
from xpoll_dagster.linking.neighbours import best_products, union_of_pairs
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.passages import eligible_passages
from xpoll_dagster.linking.shelf_comparison import BothWays, Nearest, compare_domains
from xpoll_dagster.linking.terms import Terms, weigh_terms


def link_lexical(
    chunks: pl.DataFrame, options: LinkingOptions, cache: LinkCache | None = None
) -> pl.DataFrame:
    """Link passages of different domains that share rare words and pairs of words.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        options: `lexical`, `shelves` and the eligibility of passages.
        cache: What earlier runs kept; the links are the same without it.

    Returns:
        Rows of `LINKS_SCHEMA`. `score` is the similarity of the weighted words;
        `concepts` are the shared words, heaviest first.
    """
    passages = eligible_passages(chunks, options)
    own = options.lexical
    about = options.version("lexical")

    @once
    def terms() -> Terms:
        return weigh_terms(passages, own, cache=cache, about=about)

    def compare(left: slice, right: slice) -> BothWays:
        weights = terms().weights
        keep = max(own.per_chunk, own.neighbours)
        return best_products(weights[left], weights[right], floor=own.floor, keep=keep)

    def link(a: int, b: int) -> pl.DataFrame:
        terms()  # before several threads ask for them
        forward, backward = (
            side.best(max(own.per_chunk, own.neighbours))
            for side in compare_domains(
                passages,
                a,
                b,
                compare,
                cache=cache,
                kind="lexical",
                about=about,
                threads=os.cpu_count() or 1,
            )
        )
        left, right, score = union_of_pairs(
            forward.best(own.per_chunk), backward.best(own.per_chunk)
        )
        margin = ratio_margin(
            score,
            _levels(forward, own.neighbours)[left],
            _levels(backward, own.neighbours)[right],
            own.denominator_floor,
        )
        i, j = left + passages.starts[a], right + passages.starts[b]
        weights = terms().weights
        shared = shared_features(weights, weights, i, j, terms().names(a), least=own.min_shared)
        enough = (shared.list.len() >= own.min_shared).to_numpy()
        i, j, score, margin = i[enough], j[enough], score[enough], margin[enough]
        return links_table(passages, i, j, score, shared.filter(enough), margin=margin)

    return link_domains(passages, link, cache=cache, kind="lexical", about=about)


def _levels(best: Nearest, neighbours: int) -> np.ndarray:
    """Mean of each row's best few; missing ones count as 0."""
    return best.score[:, :neighbours].sum(axis=1, dtype=np.float64) / neighbours
