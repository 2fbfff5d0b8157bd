"""From scored candidates to the pairs that texts are written about."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.linking.duplicates import run_overlap
from xpoll_dagster.linking.explanation import explain_pair
from xpoll_dagster.linking.fusion import DOMAINS, PAIR, fuse_links
from xpoll_dagster.linking.model import PAIRS_SCHEMA
from xpoll_dagster.linking.options import LinkingOptions, SelectionOptions

REFUSED_SCHEMA = pl.Schema(
    {
        "left_chunk": pl.String,
        "right_chunk": pl.String,
        "left_domain": pl.String,
        "right_domain": pl.String,
        "score": pl.Float64,
        "signals": pl.List(pl.String),
        "reason": pl.String,
    }
)


@dataclass(frozen=True, slots=True)
class Selection:
    """`pairs` has `PAIRS_SCHEMA`; `refused` (`REFUSED_SCHEMA`) the supported ones not taken."""

    pairs: pl.DataFrame
    refused: pl.DataFrame


def select_pairs(
    concept_links: pl.DataFrame,
    lexical_links: pl.DataFrame,
    semantic_links: pl.DataFrame,
    chunks: pl.DataFrame,
    embeddings: np.ndarray,
    options: LinkingOptions,
) -> Selection:
    """Fuse the three signals and choose the pairs.

    A candidate needs `min_signals` independent signals. Lexical evidence is independent of
    the concepts only where it has words that no shared concept contains. Then copies and
    the candidates with the lowest scores are refused; the best of every pair of domains are
    taken first, then the best of all, under the caps per passage and per pair of domains.

    Args:
        concept_links: Rows of `LINKS_SCHEMA`.
        lexical_links: Rows of `LINKS_SCHEMA`.
        semantic_links: Rows of `LINKS_SCHEMA`.
        chunks: Rows of `CHUNKS_SCHEMA`, the ones that were linked.
        embeddings: One vector per row of `chunks`.
        options: `selection`, `fusion` and `seed`.

    Returns:
        The pairs, best first, and every refused candidate that enough signals support, with
        its reason. Candidates of too few signals are the remaining rows of the links.
    """
    fused = fuse_links(concept_links, lexical_links, semantic_links, chunks, embeddings, options)
    supported = supported_candidates(fused, options.selection)
    supported = _tie_break(supported, options.seed)
    supported = _with_obstacles(supported, chunks, options.selection)
    reasons = choose(supported, options.selection)
    decided = supported.with_columns(pl.Series("reason", reasons, dtype=pl.String))
    refused = decided.filter(pl.col("reason").is_not_null())
    return Selection(
        _described(decided.filter(pl.col("reason").is_null()), chunks),
        refused.select(REFUSED_SCHEMA.names()).cast(REFUSED_SCHEMA),
    )


def supported_candidates(fused: pl.DataFrame, options: SelectionOptions) -> pl.DataFrame:
    """The candidates with enough independent signals, with the column `signals`."""
    word_list = pl.col("words").list.eval(pl.element().struct.field("concept"))
    concept_words = (
        pl.col("concepts")
        .list.eval(pl.element().struct.field("concept"))
        .list.join(" ")
        .str.split(" ")
    )
    single = word_list.list.join(" ").str.split(" ").list.unique()
    strong = fused.with_columns(
        by_concept=(pl.col("concept_rank") >= options.signal_quantile).fill_null(value=False),
        by_words=(pl.col("lexical_rank") >= options.signal_quantile).fill_null(value=False),
        by_meaning=(pl.col("margin_rank") >= options.signal_quantile).fill_null(value=False),
    ).filter(pl.sum_horizontal("by_concept", "by_words", "by_meaning") >= options.min_signals)
    beyond = single.list.set_difference(concept_words).list.len() >= options.independent_words
    by_words = pl.col("by_words") & (~pl.col("by_concept") | beyond)
    signals = pl.concat_list(
        pl.when("by_concept").then(pl.lit("concept")),
        pl.when(by_words).then(pl.lit("lexical")),
        pl.when("by_meaning").then(pl.lit("semantic")),
    ).list.drop_nulls()
    return (
        strong.with_columns(signals=signals)
        .filter(pl.col("signals").list.len() >= options.min_signals)
        .drop("by_concept", "by_words", "by_meaning")
    )


def choose(candidates: pl.DataFrame, options: SelectionOptions) -> list[str | None]:
    """Decide each candidate, best first: None where it is taken, else the reason why not.

    Args:
        candidates: The domains, ids, `score` and `obstacle` (a reason or null), sorted
            from best to worst.
        options: The caps and quotas.

    Returns:
        One entry per candidate.
    """
    reasons: list[str | None] = candidates["obstacle"].to_list()
    open_rows = [row for row, reason in enumerate(reasons) if reason is None]
    scores = candidates["score"].to_numpy()
    bar = float(np.quantile(scores[open_rows], options.score_quantile)) if open_rows else 0.0
    above = int((scores[open_rows] >= bar).sum())
    ids = list(zip(*(candidates[name].to_list() for name in PAIR), strict=True))
    domains = list(zip(*(candidates[name].to_list() for name in DOMAINS), strict=True))
    groups = len(set(domains))
    # Where few pairs of domains exist, a cap on each must leave room for all.
    share = max(options.max_share, 2.0 / groups) if groups > 1 else 1.0
    limit = options.max_pairs or above
    quota = max(options.min_per_domains, math.ceil(share * limit))
    uses: Counter[str] = Counter()
    heard: Counter[tuple[str, str]] = Counter()
    taken: set[int] = set()

    def decide(row: int) -> str | None:
        if max(uses[ids[row][0]], uses[ids[row][1]]) >= options.per_chunk:
            return f"a passage is already in {options.per_chunk} pairs"
        if heard[domains[row]] >= quota:
            return "enough pairs of these domains"
        if options.max_pairs is not None and len(taken) >= options.max_pairs:
            return "enough pairs in all"
        uses.update(ids[row])
        heard[domains[row]] += 1
        taken.add(row)
        return None

    for row in open_rows:
        if heard[domains[row]] < options.min_per_domains:
            reasons[row] = decide(row)
    for row in open_rows:
        if row not in taken:
            below = scores[row] < bar
            reasons[row] = "the score is below the bar" if below else decide(row)
    return reasons


def _tie_break(candidates: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Sort by score; equal scores in an order drawn by the seed."""
    order = np.random.default_rng(seed).permutation(candidates.height)
    return (
        candidates.sort(*PAIR)
        .with_columns(drawn=pl.Series(order))
        .sort("score", "drawn", descending=[True, False])
        .drop("drawn")
    )


def _with_obstacles(
    candidates: pl.DataFrame, chunks: pl.DataFrame, options: SelectionOptions
) -> pl.DataFrame:
    involved = (
        chunks.filter(
            pl.col("chunk_id").is_in(pl.concat([candidates[name] for name in PAIR]).implode())
        )
        .select("chunk_id", "passage")
        .sort("chunk_id")
        .with_row_index("row")
    )
    left, right = (
        candidates.select(chunk_id=name)
        .join(involved, on="chunk_id", how="left", maintain_order="left")["row"]
        .to_numpy()
        for name in PAIR
    )
    overlap = pl.Series("overlap", run_overlap(involved["passage"], left, right))
    copies = (pl.col("cosine") > options.duplicate_cosine) | (overlap >= options.duplicate_overlap)
    far = pl.col("closeness") < options.min_closeness
    return candidates.with_columns(
        obstacle=pl.when(copies)
        .then(pl.lit("near-duplicate"))
        .when(far)
        .then(pl.lit("hardly closer than chance"))
    )


def _described(chosen: pl.DataFrame, chunks: pl.DataFrame) -> pl.DataFrame:
    """Rows of `PAIRS_SCHEMA` with books, ids and explanations."""
    about = chunks.select("chunk_id", "book", "passage")
    for side in ("left", "right"):
        chosen = chosen.join(
            about.rename({"book": f"{side}_book", "passage": f"{side}_passage"}),
            left_on=f"{side}_chunk",
            right_on="chunk_id",
            how="left",
            maintain_order="left",
        )
    rows = chosen.to_dicts()
    ids = [_pair_id(row["left_chunk"], row["right_chunk"]) for row in rows]
    texts = [explain_pair(row, row["left_passage"], row["right_passage"]) for row in rows]
    # What a lexical pair shares is evidence too, where no concept is shared.
    shared = pl.when(pl.col("concepts").list.len() > 0).then("concepts").otherwise("words")
    return (
        chosen.with_columns(
            pl.Series("pair_id", ids, dtype=pl.String),
            pl.Series("explanation", texts, dtype=pl.String),
            shared.alias("concepts"),
        )
        .select(PAIRS_SCHEMA.names())
        .cast(PAIRS_SCHEMA)
    )


def _pair_id(left: str, right: str) -> str:
    return hashlib.sha256(f"{left}\x1f{right}".encode()).hexdigest()[:16]
