"""From scored candidates to the pairs that texts are written about."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import PieceCache
from xpoll_dagster.linking.candidates import CandidateFinder
from xpoll_dagster.linking.explanation import Wording, explain_pair
from xpoll_dagster.linking.features import hash_names
from xpoll_dagster.linking.fusion import DOMAINS, PAIR
from xpoll_dagster.linking.library import LinkedDomain, open_library, split_books
from xpoll_dagster.linking.model import CANDIDATES_SCHEMA, PAIRS_SCHEMA, REFUSED_SCHEMA
from xpoll_dagster.linking.options import LinkingOptions, SelectionOptions


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

    A candidate needs `min_signals` independent signals (see `candidates`). Then copies and
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
    tables = {"concept": concept_links, "lexical": lexical_links, "semantic": semantic_links}
    domains = open_library(split_books(chunks, embeddings, None), options)
    finder = CandidateFinder(domains, options, PieceCache())
    found = [
        finder.find(left, right, {name: _of(links, left, right) for name, links in tables.items()})
        for left, right in combinations(domains, 2)
    ]
    candidates = pl.concat([CANDIDATES_SCHEMA.to_frame(), *found])
    chosen, refused = decide(candidates, options)
    about = chunks.select("chunk_id", "book", "passage")
    explained = explain(chosen, about)
    return Selection(described(explained, about), refused)


def _of(links: pl.DataFrame, left: LinkedDomain, right: LinkedDomain) -> pl.DataFrame:
    return links.filter(left_domain=left.name, right_domain=right.name)


def decide(candidates: pl.DataFrame, options: LinkingOptions) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Divide the candidates of all pairs of domains into chosen and refused ones.

    Args:
        candidates: Rows with at least the columns of `REFUSED_SCHEMA` but for the reason,
            and `obstacle`.
        options: `selection` and `seed`.

    Returns:
        The chosen rows, best first, and rows of `REFUSED_SCHEMA`.
    """
    ordered = _tie_break(candidates, options.seed)
    reasons = choose(ordered, options.selection)
    decided = ordered.with_columns(pl.Series("reason", reasons, dtype=pl.String))
    refused = decided.filter(pl.col("reason").is_not_null())
    return (
        decided.filter(pl.col("reason").is_null()).drop("reason", "obstacle"),
        refused.select(REFUSED_SCHEMA.names()).cast(REFUSED_SCHEMA),
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
    domains = candidates.select(pl.struct(DOMAINS).rank("dense")).to_series().to_list()
    groups = len(set(domains))
    # Where few pairs of domains exist, a cap on each must leave room for all.
    share = max(options.max_share, 2.0 / groups) if groups > 1 else 1.0
    limit = options.max_pairs or above
    quota = max(options.min_per_domains, math.ceil(share * limit))
    uses: Counter[str] = Counter()
    heard: Counter[int] = Counter()
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
    """Sort by score; equal scores in an order drawn by the seed, for each pair by itself."""
    drawn = pl.concat_str(*PAIR, pl.lit(str(seed)), separator="\x1f").alias("drawn")
    hashed = candidates.select(drawn).select(hash_names("drawn")).to_series()
    return (
        candidates.with_columns(hashed.alias("drawn"))
        .sort("score", "drawn", *PAIR, descending=[True, False, False, False])
        .drop("drawn")
    )


def explain(chosen: pl.DataFrame, about: pl.DataFrame) -> pl.DataFrame:
    """The chosen candidates with `explanation`, a sentence each.

    Args:
        chosen: Rows of `CANDIDATES_SCHEMA` (without `obstacle`).
        about: `chunk_id` and `passage` of the chunks that they name.
    """
    passages = about.select("chunk_id", "passage")
    texts = [
        chosen.select(chunk_id=side).join(
            passages, on="chunk_id", how="left", maintain_order="left"
        )
        for side in PAIR
    ]
    left, right = (Wording.of_all(text["passage"], text["chunk_id"]) for text in texts)
    columns = ["signals", "concepts", "words", "margin_rank", *DOMAINS]
    said = [
        explain_pair(row, a, b)
        for row, a, b in zip(chosen.select(columns).iter_rows(named=True), left, right, strict=True)
    ]
    return chosen.with_columns(pl.Series("explanation", said, dtype=pl.String))


def described(explained: pl.DataFrame, about: pl.DataFrame) -> pl.DataFrame:
    """Rows of `PAIRS_SCHEMA`.

    Args:
        explained: Rows that `explain` gave.
        about: `chunk_id` and `book` of the chunks that they name.
    """
    books = about.select("chunk_id", "book")
    for side in ("left", "right"):
        explained = explained.join(
            books.rename({"chunk_id": f"{side}_chunk", "book": f"{side}_book"}),
            on=f"{side}_chunk",
            how="left",
            maintain_order="left",
        )
    ids = [_pair_id(left, right) for left, right in explained.select(*PAIR).iter_rows()]
    # What a lexical pair shares is evidence too, where no concept is shared.
    shared = pl.when(pl.col("concepts").list.len() > 0).then("concepts").otherwise("words")
    return (
        explained.with_columns(pl.Series("pair_id", ids, dtype=pl.String), concepts=shared)
        .select(PAIRS_SCHEMA.names())
        .cast(PAIRS_SCHEMA)
    )


def _pair_id(left: str, right: str) -> str:
    return hashlib.sha256(f"{left}\x1f{right}".encode()).hexdigest()[:16]
