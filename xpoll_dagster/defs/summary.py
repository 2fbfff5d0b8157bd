"""What a build made, and how everything stands, as tables for the terminal."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from xpoll_dagster.books.library import shown
from xpoll_dagster.defs.building import BuildReport
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.settings import Settings


def print_summary(
    settings: Settings, report: BuildReport, console: Console, seconds: float
) -> None:
    """Print the build's summary: books, pairs, rows, failures, and where to go from here."""
    lineage = Lineage(settings)
    console.print()
    _print_books(lineage, report, console)
    _print_pairs(lineage, console)
    _print_rows(lineage, console)
    if report.failed:
        console.print("Failed:", style="bold red")
        for name, message in report.failed.items():
            console.print(f"  {name}: {message}", markup=False)
    dataset = lineage.store.get("sft_dataset", None, "")
    if dataset is not None:
        console.print(f"Dataset:  {dataset.path}", markup=False)
        address = lineage.store.address("sft_dataset")
        if address is not None:
            console.print(f"Kept at:  {address}", markup=False)
        console.print(
            f"Load it:  datasets.load_from_disk({str(dataset.path / 'hf')!r})", markup=False
        )
    console.print("Open the UI:  make dev   (then http://127.0.0.1:3000)")
    console.print("Where a row comes from:  .venv/bin/xpoll why ROW_ID")
    console.print(f"{seconds:.0f} s", style="dim")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _print_books(lineage: Lineage, report: BuildReport, console: Console) -> None:
    table = _table("Books", "book", "domain", "pages", "by OCR", "chunks", "concepts")
    for key, book in lineage.library.books.items():
        numbers: dict[str, Any] = {}
        for asset in ("book_pages", "chunks", "chunk_concepts"):
            artifact = lineage.store.get(asset, key)
            numbers.update(artifact.numbers if artifact else {})
        failed = " (failed)" if key in report.failed else ""
        table.add_row(
            f"{key}{failed}",
            book.domain,
            *(
                str(numbers.get(name, "-"))
                for name in ("n_pages", "n_ocr_pages", "n_chunks", "n_concepts")
            ),
        )
    console.print(table)
    for path, reason in lineage.library.passed_over.items():
        console.print(f"  passed over {shown(path.name)}: {reason}", markup=False)


def _print_pairs(lineage: Lineage, console: Console) -> None:
    artifact = lineage.store.get("cross_domain_pairs")
    if artifact is None:
        return
    pairs = pl.read_parquet(artifact.path)
    table = _table("Pairs", "signals", "pairs")
    combined = pairs.with_columns(pl.col("signals").list.sort().list.join(" + "))
    counts = combined.group_by("signals").len().sort("signals")
    for signals, count in counts.iter_rows():
        table.add_row(signals, str(count))
    table.add_row("all", str(pairs.height))
    console.print(table)
    table = _table("Pairs per pair of domains", "domains", "pairs")
    domains = (
        pairs.group_by("left_domain", "right_domain").len().sort("left_domain", "right_domain")
    )
    for left, right, count in domains.iter_rows():
        table.add_row(f"{left} - {right}", str(count))
    console.print(table)


def _print_rows(lineage: Lineage, console: Console) -> None:
    artifact = lineage.store.get("sft_dataset", None, "")
    if artifact is None:
        return
    report = json.loads((artifact.path / "report.json").read_text(encoding="utf-8"))
    for title, name in (
        ("Rows per format", "by_format"),
        ("Rows per domain (a cross-domain row counts for both)", "by_domain"),
        ("Rows per split", "rows_by_split"),
    ):
        table = _table(title, title.split()[2], "rows")
        for key, count in sorted(report.get(name, {}).items()):
            table.add_row(key, str(count))
        console.print(table)


def print_status(lineage: Lineage, console: Console) -> None:
    """Print how every artifact stands; what is current is only counted."""
    standings = list(lineage.standings())
    counts = Counter(standing.state for standing in standings)
    table = _table("Not current", "asset", "book", "state", "why")
    table.columns[1].justify = table.columns[2].justify = table.columns[3].justify = "left"
    for standing in standings:
        if standing.state != "current":
            table.add_row(
                standing.step.asset, standing.partition or "", standing.state, standing.reason
            )
    if table.row_count:
        console.print(table)
    for path, reason in lineage.library.passed_over.items():
        console.print(f"passed over {shown(path.name)}: {reason}", markup=False)
    said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    console.print(said or "The library holds no book.")
