"""The candidates of two domains: linked by enough independent signals, with what speaks against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import PieceCache
from xpoll_dagster.linking.chance import measure_chance
from xpoll_dagster.linking.duplicates import WordRuns, run_overlap, stack_runs, word_runs
from xpoll_dagster.linking.fusion import fuse_links, gathered
from xpoll_dagster.linking.library import CODE, LinkedBook, LinkedDomain
from xpoll_dagster.linking.model import CANDIDATES_SCHEMA
from xpoll_dagster.linking.options import LinkingOptions, SelectionOptions
from xpoll_dagster.linking.vectors import centred, paired_cosines
from xpoll_dagster.storage import fingerprint


class CandidateFinder:
    """Finds the candidates of pairs of the given domains, whose vectors and texts it reads once."""

    def __init__(
        self, domains: Sequence[LinkedDomain], options: LinkingOptions, cache: PieceCache
    ) -> None:
        self.options = options
        self._vectors = {domain.name: domain.vectors() for domain in domains}
        self._runs = {
            domain.name: stack_runs([_runs(book, cache) for book in domain.books])
            for domain in domains
        }

    def find(
        self, left: LinkedDomain, right: LinkedDomain, links: Mapping[str, pl.DataFrame]
    ) -> pl.DataFrame:
        """The candidates that enough independent signals support.

        Lexical evidence is independent of the concepts only where it has words that no
        shared concept contains.

        Args:
            left: The domain that sorts first.
            right: The other one.
            links: Rows of `LINKS_SCHEMA` of these two, by signal.

        Returns:
            Rows of `CANDIDATES_SCHEMA`; `obstacle` is a reason to refuse the candidate
            whatever its score, or null.
        """
        selection = self.options.selection
        left_ids, right_ids = left.ids, right.ids
        fused = _supported(fuse_links(links, left_ids, right_ids, self.options.fusion), selection)
        named = _independent(gathered(fused, links, left_ids, right_ids), selection)
        i, j = named["left"].to_numpy(), named["right"].to_numpy()
        vectors = centred(self._vectors[left.name], self._vectors[right.name])
        cosine = paired_cosines(*vectors, i, j)
        closeness = measure_chance(*vectors, self.options).closeness(cosine)
        overlap = run_overlap(self._runs[left.name], self._runs[right.name], i, j)
        copies = (cosine > selection.duplicate_cosine) | (overlap >= selection.duplicate_overlap)
        obstacle = np.where(closeness < selection.min_closeness, "hardly closer than chance", "")
        obstacle = pl.Series(np.where(copies, "near-duplicate", obstacle), dtype=pl.String)
        return (
            named.with_columns(
                left_domain=pl.lit(left.name),
                right_domain=pl.lit(right.name),
                cosine=pl.Series(cosine, dtype=pl.Float64),
                obstacle=obstacle.replace("", None),
            )
            .select(CANDIDATES_SCHEMA.names())
            .cast(CANDIDATES_SCHEMA)
        )


def _runs(book: LinkedBook, cache: PieceCache) -> WordRuns:
    def make() -> Mapping[str, np.ndarray]:
        runs = word_runs(book.passages())
        return {"starts": runs.starts, "hashes": runs.hashes}

    # Which chunks are passages is told by their ids.
    key = fingerprint([CODE, book.tables.made_of("chunks"), book.rows.tolist()])
    found = cache.arrays("runs", book.key, key, make)
    return WordRuns(found["starts"], found["hashes"])


def _supported(fused: pl.DataFrame, options: SelectionOptions) -> pl.DataFrame:
    """The rows that enough signals support, with a column for each signal."""
    ranks = {"by_concept": "concept_rank", "by_words": "lexical_rank", "by_meaning": "margin_rank"}
    return fused.with_columns(
        (pl.col(rank) >= options.signal_quantile).fill_null(value=False).alias(name)
        for name, rank in ranks.items()
    ).filter(pl.sum_horizontal(*ranks) >= options.min_signals)


def _independent(named: pl.DataFrame, options: SelectionOptions) -> pl.DataFrame:
    """The rows whose signals do not all say the same thing, with the column `signals`."""

    def words(column: str) -> pl.Expr:
        texts = pl.col(column).list.eval(pl.element().struct.field("concept"))
        return texts.list.join(" ").str.split(" ").list.unique()

    # Lists are looked into only where both signals speak.
    both = named.with_row_index("at").filter(pl.col("by_concept") & pl.col("by_words"))
    beyond = words("words").list.set_difference(words("concepts")).list.len()
    dependent = both.filter(beyond < options.independent_words)["at"]
    by_words = pl.col("by_words") & ~pl.int_range(pl.len()).is_in(
        dependent.cast(pl.Int64).implode()
    )
    signals = pl.concat_list(
        pl.when("by_concept").then(pl.lit("concept")),
        pl.when(by_words).then(pl.lit("lexical")),
        pl.when("by_meaning").then(pl.lit("semantic")),
    ).list.drop_nulls()
    return named.with_columns(signals=signals).filter(
        pl.col("signals").list.len() >= options.min_signals
    )
