"""Links by shared words: TF-IDF neighbours across domains, corrected for hubs."""

from __future__ import annotations

import os

import polars as pl

from xpoll_dagster.linking.evidence import shared_features
from xpoll_dagster.linking.links import links_table, rank_links
from xpoll_dagster.linking.margin import ratio_margin
from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster.linking.neighbours import Matches, best_products
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.passages import Passages, eligible_passages
from xpoll_dagster.linking.terms import Terms, weigh_terms


def link_lexical(chunks: pl.DataFrame, options: LinkingOptions) -> pl.DataFrame:
    """Link passages of different domains that share rare words and pairs of words.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        options: `lexical` and the eligibility of passages.

    Returns:
        Rows of `LINKS_SCHEMA`. `score` is the cosine of the weighted words;
        `concepts` are the shared words, heaviest first.
    """
    passages = eligible_passages(chunks, options)
    terms = weigh_terms(passages, options.lexical)
    parts = [_link_domains(passages, terms, a, b, options) for a, b in passages.domain_pairs()]
    return rank_links(pl.concat([LINKS_SCHEMA.to_frame(), *parts]))


def _link_domains(
    passages: Passages, terms: Terms, a: int, b: int, options: LinkingOptions
) -> pl.DataFrame:
    own = options.lexical
    left, right = passages.rows(a), passages.rows(b)
    matches: Matches = best_products(
        terms.weights[left],
        terms.weights[right],
        floor=own.floor,
        keep=own.per_chunk,
        neighbours=own.neighbours,
        threads=os.cpu_count() or 1,
    )
    i, j = matches.left + left.start, matches.right + right.start
    shared = shared_features(terms.weights, terms.weights, i, j, terms.names)
    margin = ratio_margin(
        matches.score,
        matches.left_level[matches.left],
        matches.right_level[matches.right],
        own.denominator_floor,
    )
    table = links_table(passages, i, j, matches.score, shared, margin=margin)
    return table.filter(pl.Series(shared.list.len() >= own.min_shared))
