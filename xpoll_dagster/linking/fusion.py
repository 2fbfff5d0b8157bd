"""One score out of three signals: how surely two passages would choose each other.

The evidence for a pair is the weighted sum of its semantic margin, its lexical margin and
its shared concepts. A softmax over all candidates of a passage turns evidence into the
probability that it would choose this partner; the score is the geometric mean of the two
passages' probabilities. So a pair that is one of many equally good ones scores less than a
pair that stands out for both. The weights in `FusionOptions` were chosen on planted pairs
(halves of one passage that must find each other) of three books and checked on others:
`python -m benchmarks.planted_pairs` prints both.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.chance import measure_chance
from xpoll_dagster.linking.model import CONCEPT_STRUCT
from xpoll_dagster.linking.options import FusionOptions, LinkingOptions
from xpoll_dagster.linking.passages import eligible_passages
from xpoll_dagster.linking.semantic import paired_cosines, unit_vectors

PAIR = ["left_chunk", "right_chunk"]
DOMAINS = ["left_domain", "right_domain"]


def fuse_links(
    concept_links: pl.DataFrame,
    lexical_links: pl.DataFrame,
    semantic_links: pl.DataFrame,
    chunks: pl.DataFrame,
    embeddings: np.ndarray,
    options: LinkingOptions,
) -> pl.DataFrame:
    """Score every pair of passages that some signal links.

    Args:
        concept_links: Rows of `LINKS_SCHEMA`.
        lexical_links: Rows of `LINKS_SCHEMA`.
        semantic_links: Rows of `LINKS_SCHEMA`.
        chunks: Rows of `CHUNKS_SCHEMA`, the ones that were linked.
        embeddings: One vector per row of `chunks`.
        options: `fusion`, `random_pairs` and `seed`.

    Returns:
        One row per pair: the ids and domains, `concepts`, `words` (shared words), the
        signals' scores and ranks (null where the signal does not link the pair), `cosine`
        (never null), `closeness` (its deviations above random pairs) and `score` (0 to 1), best
        first.
    """
    joined = _join(concept_links, lexical_links, semantic_links)
    joined = _with_cosines(joined, chunks, embeddings, options)
    scored = _score(joined, options.fusion)
    return scored.sort("score", *PAIR, descending=[True, False, False])


def _join(concept: pl.DataFrame, lexical: pl.DataFrame, semantic: pl.DataFrame) -> pl.DataFrame:
    key = PAIR + DOMAINS
    by_meaning = semantic.select(*key, "margin", margin_rank="rank")
    by_words = lexical.select(
        *key, words="concepts", lexical_score="score", lexical_margin="margin", lexical_rank="rank"
    )
    by_concepts = concept.select(*key, "concepts", concept_score="score", concept_rank="rank")
    joined = by_meaning.join(by_words, on=key, how="full", coalesce=True)
    joined = joined.join(by_concepts, on=key, how="full", coalesce=True)
    nothing = pl.lit([], dtype=pl.List(CONCEPT_STRUCT))
    return joined.with_columns(
        pl.col("concepts").fill_null(nothing), pl.col("words").fill_null(nothing)
    )


def _with_cosines(
    joined: pl.DataFrame, chunks: pl.DataFrame, embeddings: np.ndarray, options: LinkingOptions
) -> pl.DataFrame:
    """The cosine of every pair, also of those that no semantic link names."""
    passages = eligible_passages(chunks, options)
    vectors = unit_vectors(passages, chunks.height, embeddings, centre=True)
    rows = passages.frame.select("chunk_id").with_row_index("row")
    sides = [
        joined.select(chunk_id=name).join(rows, on="chunk_id", how="left", maintain_order="left")
        for name in PAIR
    ]
    if any(side["row"].has_nulls() for side in sides):
        raise ValueError("Some links name chunks that are not among the passages given.")
    left, right = (side["row"].to_numpy() for side in sides)
    cosine = paired_cosines(vectors, left, right)
    chance = measure_chance(passages, vectors, options)
    return joined.with_columns(
        cosine=pl.Series(cosine), closeness=pl.Series(chance.closeness(cosine))
    )


def _score(joined: pl.DataFrame, weights: FusionOptions) -> pl.DataFrame:
    # A pair that a signal does not link is worse than the worst that it does link.
    lowest = pl.col("margin").min().over(DOMAINS).fill_null(0.0)
    evidence = (
        weights.margin * pl.col("margin").fill_null(lowest)
        + weights.lexical * pl.col("lexical_margin").fill_null(0.0)
        + weights.concept * pl.col("concept_score").fill_null(0.0).sqrt() / 10.0
    )
    chosen = (_log_choice("left_chunk") + _log_choice("right_chunk")) / 2.0
    return (
        joined.with_columns(evidence=evidence / weights.temperature)
        .with_columns(score=chosen.exp())
        .drop("evidence")
    )


def _log_choice(side: str) -> pl.Expr:
    """Log of the softmax of the evidence among the same passage's candidates."""
    within = [side, *DOMAINS]
    evidence = pl.col("evidence")
    highest = evidence.max().over(within)
    total = (evidence - highest).exp().sum().over(within)
    return evidence - highest - total.log()
