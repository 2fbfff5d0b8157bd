"""The dataset's part of the page: rows by format, domain and split, and rows to search."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from xpoll_dagster.report.library import Shelf
from xpoll_dagster.report.limits import cut, length_that_fits, sample, single_line
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.sources import ReportError

_SPLITS = ("train", "validation", "test")
_COLUMNS = ("id", "format", "cross_domain", "domains", "text", "pair_id", "score", "chunk_ids")


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """The sampled rows with their `split`, in order of id, and how many rows there are."""

    frame: pl.DataFrame
    total: int


def _scan(folder: Path) -> pl.LazyFrame:
    splits = [
        pl.scan_parquet(files).with_columns(split=pl.lit(split))
        for split in _SPLITS
        if (files := sorted((folder / "parquet").glob(f"{split}-*.parquet")))
    ]
    if not splits:
        raise ReportError(f"{folder} holds no rows: materialise sft_dataset again.")
    return pl.concat(splits)


def choose_rows(folder: Path | None, options: ReportOptions) -> ChosenRows | None:
    """A sample of the dataset's rows, or None where no dataset is built."""
    if folder is None:
        return None
    frame, total = sample(_scan(folder).select(*_COLUMNS, "split"), options.max_rows)
    return ChosenRows(frame, total)


def rows_part(
    rows: ChosenRows, shelf: Shelf, pair_number: dict[str, int], options: ReportOptions
) -> dict[str, Any]:
    """The rows as columns for the page's script; `pair` is the pair's place in the page."""
    frame = rows.frame
    length = length_that_fits(frame["text"], options.row_characters, options.max_text_characters)
    return {
        "id": frame["id"].to_list(),
        "format": frame["format"].to_list(),
        "split": frame["split"].to_list(),
        "cross": frame["cross_domain"].to_list(),
        "domains": [
            [shelf.domains.index(name) for name in names if name in shelf.domains]
            for names in frame["domains"].to_list()
        ],
        "pair": [pair_number.get(pair or "") for pair in frame["pair_id"]],
        "text": [cut(text or "", length) for text in frame["text"]],
        "total": rows.total,
    }


def row_counts(folder: Path) -> dict[str, Any]:
    """Counts of all rows for the template, and what bound them."""
    lazy = _scan(folder)
    counts = lazy.group_by("format", "split", "cross_domain").len().collect()
    domains = (
        lazy.select("split", pl.col("domains").list.unique())
        .explode("domains", empty_as_null=False)
        .group_by("domains", "split")
        .len()
        .collect()
    )
    return {
        "total": int(counts["len"].sum()),
        "splits": [split for split in _SPLITS if split in set(counts["split"])],
        "formats": _table(counts, "format"),
        "domains": _table(domains, "domains"),
        "kinds": _table(
            counts.with_columns(
                kind=pl.when("cross_domain")
                .then(pl.lit("cross-domain"))
                .otherwise(pl.lit("one passage"))
            ),
            "kind",
        ),
        **_said(folder),
    }


def _table(counts: pl.DataFrame, name: str) -> list[dict[str, Any]]:
    """For each name its rows by split and in all, the names in order."""
    found: dict[str, dict[str, int]] = {}
    for key, split, count in counts.select(name, "split", "len").iter_rows():
        of_key = found.setdefault(single_line(str(key), 80), {})
        of_key[split] = of_key.get(split, 0) + count
    return [
        {"name": key, "by_split": by_split, "total": sum(by_split.values())}
        for key, by_split in sorted(found.items())
    ]


def _said(folder: Path) -> dict[str, Any]:
    """From the dataset's own report: what was available, kept and left out, and licences."""
    file = folder / "report.json"
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        accounts = report["accounts"]
        licences = report.get("by_licence", {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"{file} cannot be read: materialise sft_dataset again.") from error
    return {
        "accounts": accounts,
        "licences": sorted(licences.items(), key=lambda item: (-item[1], item[0])),
    }
