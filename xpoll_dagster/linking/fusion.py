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
from xpoll_dagster.linking.passages import Passages, eligible_passages
from xpoll_dagster.linking.semantic import paired_products, unit_vectors

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
    scored = score_candidates(concept_links, lexical_links, semantic_links, options.fusion)
    scored = with_shared(scored, concept_links, lexical_links)
    passages = eligible_passages(chunks, options)
    scored = with_cosines(scored, passages, chunks.height, embeddings, options)
    return scored.sort("score", *PAIR, descending=[True, False, False])


def score_candidates(
    concept: pl.DataFrame, lexical: pl.DataFrame, semantic: pl.DataFrame, weights: FusionOptions
) -> pl.DataFrame:
    """As `fuse_links`, in no order and without the vectors' columns and what passages share.

    The score of a pair depends on the links of its two domains alone.
    """
    key = PAIR + DOMAINS
    by_meaning = semantic.select(*key, "margin", margin_rank="rank")
    by_words = lexical.select(
        *key, lexical_score="score", lexical_margin="margin", lexical_rank="rank"
    )
    by_concepts = concept.select(*key, concept_score="score", concept_rank="rank")
    joined = _join(_join(by_meaning, by_words), by_concepts)
    return _score(joined, weights)


def _join(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """The pairs of either table, in a fixed order.

    So that sums over the same links are the same to the last bit.
    """
    new = other.join(one, on=PAIR, how="anti", maintain_order="left")
    both = one.join(other.drop(DOMAINS), on=PAIR, how="left", maintain_order="left")
    return pl.concat([both, new], how="diagonal")


def with_shared(
    candidates: pl.DataFrame, concept: pl.DataFrame, lexical: pl.DataFrame
) -> pl.DataFrame:
    """Add `concepts` and `words`, what the passages of each pair share; empty lists for nothing."""
    nothing = pl.lit([], dtype=pl.List(CONCEPT_STRUCT))
    for name, links in (("words", lexical), ("concepts", concept)):
        shared = links.select(*PAIR, pl.col("concepts").alias(name))
        candidates = candidates.join(
            shared, on=PAIR, how="left", maintain_order="left"
        ).with_columns(pl.col(name).fill_null(nothing))
    return candidates


def with_cosines(
    joined: pl.DataFrame,
    passages: Passages,
    height: int,
    embeddings: np.ndarray,
    options: LinkingOptions,
) -> pl.DataFrame:
    """Add `cosine` and `closeness` to every pair, also to those that no semantic link names.

    Args:
        joined: `left_chunk` and `right_chunk`.
        passages: The passages that were linked.
        height: Number of chunks.
        embeddings: One vector per chunk.
        options: `random_pairs` and `seed`.

    Returns:
        The table with the two columns. Vectors are centred on the library's mean.
    """
    vectors = unit_vectors(passages, height, embeddings, centre=True)
    rows = passages.frame.select("chunk_id").with_row_index("row")
    sides = [
        joined.select(chunk_id=name).join(rows, on="chunk_id", how="left", maintain_order="left")
        for name in PAIR
    ]
    if any(side["row"].has_nulls() for side in sides):
        raise ValueError("Some links name chunks that are not among the passages given.")
    left, right = (side["row"].to_numpy() for side in sides)
    cosine = paired_products(vectors, left, vectors, right)
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
    scored = joined.with_columns(evidence=evidence / weights.temperature)
    value = scored["evidence"].to_numpy()
    left, right = _contests(scored)
    chosen = (_log_choice(value, left) + _log_choice(value, right)) / 2.0
    return scored.drop("evidence").with_columns(score=pl.Series(np.exp(chosen), dtype=pl.Float64))


def _contests(candidates: pl.DataFrame) -> list[np.ndarray]:
    """Numbers of the contests that each pair takes part in, one for each of its passages.

    A passage's candidates of one other domain are in one contest.
    """
    sides = (("left_chunk", "right_domain"), ("right_chunk", "left_domain"))
    return [
        candidates.select(
            pl.col(chunk).cast(pl.Categorical).to_physical().cast(pl.Int64) * candidates.height
            + pl.col(domain).rank("dense")
        )
        .to_series()
        .rank("dense")
        .to_numpy()
        .astype(np.int64)
        - 1
        if candidates[domain].n_unique() > 1
        else candidates[chunk].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
        for chunk, domain in sides
    ]


def _log_choice(evidence: np.ndarray, contest: np.ndarray) -> np.ndarray:
    """Log of the softmax of the evidence among the candidates of the same contest."""
    size = int(contest.max(initial=-1)) + 1
    highest = np.full(size, -np.inf)
    np.maximum.at(highest, contest, evidence)
    above = evidence - highest[contest]
    total = np.bincount(contest, weights=np.exp(above), minlength=size)
    return above - np.log(total)[contest]
