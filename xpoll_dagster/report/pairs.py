"""The pairs' part of the page: both passages of each, its evidence, and what was not chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.report.inlining import printable
from xpoll_dagster.report.library import Shelf
from xpoll_dagster.report.limits import single_line
from xpoll_dagster.report.marking import marks, surfaces_by_chunk
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.passages import Passages
from xpoll_dagster.report.sources import ReportError, ReportSources

_MEASURES = ("score", "concept_score", "lexical_score", "cosine", "margin", "margin_rank")
_MAX_CONCEPTS = 12
_QUOTED = re.compile(r"“([^“”]{1,80})”")


@dataclass(frozen=True, slots=True)
class ChosenPairs:
    """The pairs that the page shows, best first, and how many there are."""

    frame: pl.DataFrame
    total: int

    @property
    def chunks(self) -> pl.Series:
        """Ids of their chunks, those of the best pairs first."""
        both = self.frame.select(pl.concat_list("left_chunk", "right_chunk").alias("chunk"))
        return both.explode("chunk", empty_as_null=False)["chunk"].rename("chunk_id")


def choose_pairs(sources: ReportSources, options: ReportOptions) -> ChosenPairs | None:
    """The best pairs up to the limits, or None where no pairs are built."""
    if sources.pairs is None:
        return None
    lazy = sources.pairs.lazy()
    total = int(lazy.select(pl.len()).collect().item())
    # Every pair needs its two passages in the page.
    limit = min(options.max_pairs, options.max_passages // 2)
    best = lazy.sort("score", "pair_id", descending=[True, False]).head(limit).collect()
    return ChosenPairs(best, total)


def pairs_part(chosen: ChosenPairs, sources: ReportSources, passages: Passages) -> dict[str, Any]:
    """The pairs as columns for the page's script.

    `marks` are spans of the left and of the right passage (see `marking.marks`).
    """
    frame = chosen.frame
    lost = [chunk for chunk in chosen.chunks if chunk not in passages.number]
    if lost:
        raise ReportError(
            f"The pairs name a passage that the chunks lack ({lost[0]}): materialise "
            "cross_domain_pairs again."
        )
    surfaces = surfaces_by_chunk(sources.concepts, chosen.chunks)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("left", "right", "concepts", "marks", "signals")
    }
    for row in frame.iter_rows(named=True):
        shared = _shared(row["concepts"] or [], row["explanation"] or "")
        sides = (row["left_chunk"], row["right_chunk"])
        columns["left"].append(passages.number[sides[0]])
        columns["right"].append(passages.number[sides[1]])
        columns["concepts"].append([single_line(name, 80) for name in shared])
        columns["signals"].append(row["signals"])
        columns["marks"].append(
            [marks(passages.text(chunk), shared, surfaces.get(chunk, {})) for chunk in sides]
        )
    return {
        "id": frame["pair_id"].to_list(),
        "explanation": [printable(text or "") for text in frame["explanation"]],
        **columns,
        **{name: [_rounded(value) for value in frame[name]] for name in _MEASURES},
        "total": chosen.total,
    }


def _shared(concepts: Sequence[Mapping[str, Any]], explanation: str) -> list[str]:
    """The shared concepts, then the shared words that the explanation quotes besides."""
    names = [item["concept"] for item in concepts]
    known = " ".join(names).casefold()
    names += [word for word in _QUOTED.findall(explanation) if word.casefold() not in known]
    return names[:_MAX_CONCEPTS]


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.4g}")  # noqa: PLR0124


def pair_counts(sources: ReportSources, shelf: Shelf) -> dict[str, Any] | None:
    """Counts of all pairs for the template: by pair of domains, by signals, left out by reason."""
    if sources.pairs is None:
        return None
    lazy = sources.pairs.lazy()
    domains = lazy.group_by("left_domain", "right_domain").len().collect()
    cells = {frozenset(row[:2]): row[2] for row in domains.iter_rows()}
    names = [name for name in shelf.domains if any(name in pair for pair in cells)]
    signals = (
        lazy.group_by(pl.col("signals").list.sort().list.join(" + "))
        .len()
        .sort("len", "signals", descending=[True, False])
        .collect()
    )
    return {
        "total": sum(cells.values()),
        "domains": names,
        "matrix": [[cells.get(frozenset((a, b)), 0) for b in names] for a in names],
        "signals": signals.rows(),
        "left_out": _left_out(sources),
    }


def _left_out(sources: ReportSources) -> list[tuple[str, int]] | None:
    if sources.pairs_left_out is None:
        return None
    counts = sources.pairs_left_out.lazy().group_by("reason").len()
    return counts.sort("len", "reason", descending=[True, False]).collect().rows()
