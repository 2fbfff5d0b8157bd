"""What was written and judged: acceptance rates, reasons of rejection, rejected samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from xpoll_dagster.report.limits import cut, single_line
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.sources import ReportSources, Table

_SAMPLE_CHARACTERS = 1_500
_MAX_REASONS = 40

# For each kind of text: the columns that tell variants apart, the texts, the chunks.
_KINDS = {
    "pair_texts": ("kind", ("instruction", "response", "text"), ("left_chunk", "right_chunk")),
    "paraphrases": ("style", ("text",), ("chunk_id",)),
    "questions": ("template", ("question", "answer"), ("chunk_id",)),
}
_NAMES = {
    "pair_texts": "texts of pairs",
    "paraphrases": "paraphrases",
    "questions": "questions",
}


def _tables(sources: ReportSources) -> dict[str, Table]:
    tables = {
        "pair_texts": sources.pair_texts,
        "paraphrases": sources.paraphrases,
        "questions": sources.questions,
    }
    return {name: table for name, table in tables.items() if table is not None}


def attempt_counts(sources: ReportSources) -> list[dict[str, Any]]:
    """For each kind of text: attempts, accepted, by variant and author, and by reason.

    A text may fail several gates, so the counts by reason may add up to more than the
    rejected texts.
    """
    return [_counts(name, table) for name, table in _tables(sources).items()]


def _counts(name: str, table: Table) -> dict[str, Any]:
    variant = _KINDS[name][0]
    lazy = table.lazy()
    variants = (
        lazy.group_by(pl.col(variant).alias("variant"), "author", "model")
        .agg(pl.len().alias("attempts"), pl.col("accepted").sum())
        .sort("variant", "author", "model")
        .collect()
    )
    reasons = (
        lazy.filter(~pl.col("accepted"))
        .select(pl.col("rejected_by").explode(empty_as_null=False))
        .group_by("rejected_by")
        .len()
        .sort("len", "rejected_by", descending=[True, False])
        .collect()
    )
    return {
        "key": name,
        "name": _NAMES[name],
        "attempts": int(variants["attempts"].sum()),
        "accepted": int(variants["accepted"].sum()),
        "variants": [
            row
            | {
                "variant": single_line(row["variant"], 80) or "not written",
                "author": single_line(_author(row), 80),
            }
            for row in variants.iter_rows(named=True)
        ],
        "reasons": [
            (single_line(reason, 200), count) for reason, count in reasons.rows()[:_MAX_REASONS]
        ],
        "reasons_not_shown": max(0, reasons.height - _MAX_REASONS),
    }


def _author(row: Mapping[str, Any]) -> str:
    author, model = row["author"] or "", row["model"] or ""
    return author if model in {"", author} else f"{author} ({model})"


def rejected_part(
    sources: ReportSources, number: Mapping[str, int], options: ReportOptions
) -> dict[str, Any]:
    """Rejected texts as columns for the page's script, shared out over their reasons.

    `chunks` are places of the source passages in the page, as far as they are there.
    """
    columns: dict[str, list[Any]] = {
        name: [] for name in ("kind", "variant", "reasons", "text", "raw", "chunks")
    }
    for name, table in _tables(sources).items():
        variant, texts, chunks = _KINDS[name]
        for row in _samples(table, options.max_rejected).iter_rows(named=True):
            said = [row[text].strip() for text in texts if (row[text] or "").strip()]
            columns["kind"].append(name)
            columns["variant"].append(single_line(row[variant], 80))
            columns["reasons"].append([single_line(r, 200) for r in row["rejected_by"] or []])
            columns["text"].append(cut("\n\n".join(dict.fromkeys(said)), _SAMPLE_CHARACTERS))
            columns["raw"].append(cut(row.get("raw") or "", _SAMPLE_CHARACTERS))
            columns["chunks"].append(
                [number[row[chunk]] for chunk in chunks if row[chunk] in number]
            )
    return columns


def _samples(table: Table, limit: int) -> pl.DataFrame:
    """Rejected rows: of each first reason the first by id, then the second, up to the limit."""
    lazy = table.lazy().filter(~pl.col("accepted"))
    keys = lazy.select("id", reason=pl.col("rejected_by").list.first()).collect()
    place = pl.col("id").rank("ordinal").over("reason")
    chosen = keys.sort(place, "reason", "id").head(limit)
    rows = lazy.filter(pl.col("id").is_in(chosen["id"].implode())).collect()
    return rows.sort(pl.col("rejected_by").list.first(), "id").head(limit)
