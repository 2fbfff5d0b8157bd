"""What must hold of the dataset before anybody trains on it."""

from __future__ import annotations

import json

import dagster as dg
import polars as pl

from xpoll_dagster.defs.books.checks import verdict
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.sft.assemble import SPLITS
from xpoll_dagster.sft.invariants import (
    leaking_chunks,
    repeated_rows,
    unbalanced,
    unresolved_rows,
)


def _splits(project: Project) -> dict[str, pl.DataFrame]:
    folder = project.store.path("sft_dataset", suffix="") / "parquet"
    return {
        split: pl.read_parquet(files)
        for split in SPLITS
        if (files := sorted(folder.glob(f"{split}-*.parquet")))
    }


@dg.asset_check(asset="sft_dataset", blocking=True)
def no_chunk_in_two_splits(project: Project) -> dg.AssetCheckResult:
    """What is trained on is not tested on."""
    return verdict(leaking_chunks(_splits(project)))


@dg.asset_check(asset="sft_dataset", blocking=True)
def provenance_resolves(project: Project) -> dg.AssetCheckResult:
    """Every row names chunks that exist, with their books and pages."""
    rows = pl.concat(list(_splits(project).values()))
    chunks = project.read_books("chunks").collect()
    return verdict(unresolved_rows(rows, chunks))


@dg.asset_check(asset="sft_dataset", blocking=True)
def rows_are_unique(project: Project) -> dg.AssetCheckResult:
    """No id and no text stands twice."""
    return verdict(repeated_rows(pl.concat(list(_splits(project).values()))))


@dg.asset_check(asset="sft_dataset")
def counts_conserve(project: Project) -> dg.AssetCheckResult:
    """Texts written = rows + left out with a reason + rejected by a gate."""
    path = project.store.path("sft_dataset", suffix="") / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    accounted = report["rows"] + report["left_out"] + report["texts_rejected"]
    breaks = []
    if accounted != report["texts_written"]:
        breaks.append(f"{report['texts_written']} texts were written, {accounted} accounted for")
    return verdict(breaks)


@dg.asset_check(asset="sft_dataset")
def domains_are_balanced(project: Project) -> dg.AssetCheckResult:
    """No domain has many more rows than the mean of all."""
    path = project.store.path("sft_dataset", suffix="") / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    limit = project.settings.sft.max_over_mean
    return verdict(
        unbalanced(report["rows_by_domain"], limit, "domain"), dg.AssetCheckSeverity.WARN
    )
