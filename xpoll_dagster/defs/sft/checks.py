"""What must hold of the dataset before anybody trains on it."""

import dagster as dg
import polars as pl

from xpoll_dagster.defs.books.checks import verdict
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.sft.invariants import (
    leaking_chunks,
    lost_texts,
    repeated_rows,
    unbalanced_domains,
    unresolved_rows,
)


@dg.asset_check(asset="sft_dataset", blocking=True)
def no_chunk_in_two_splits(project: Project) -> dg.AssetCheckResult:
    """What is trained on is not tested on."""
    return verdict(leaking_chunks(project.dataset_splits()))


@dg.asset_check(asset="sft_dataset", blocking=True)
def provenance_resolves(project: Project) -> dg.AssetCheckResult:
    """Every row names chunks that exist, with their books and pages."""
    rows = pl.concat(list(project.dataset_splits().values()))
    chunks = project.read_books("chunks").collect()
    return verdict(unresolved_rows(rows, chunks))


@dg.asset_check(asset="sft_dataset", blocking=True)
def rows_are_unique(project: Project) -> dg.AssetCheckResult:
    """No id and no text stands twice."""
    return verdict(repeated_rows(pl.concat(list(project.dataset_splits().values()))))


@dg.asset_check(asset="sft_dataset")
def counts_conserve(project: Project) -> dg.AssetCheckResult:
    """Every text written is a row or left out with a reason, counted from the files."""
    folder = project.store.content("sft_dataset", suffix="")
    texts = project.read_all("pair_texts").select("id").collect()["id"]
    rows = pl.concat(list(project.dataset_splits().values()))
    left_out = pl.read_parquet(folder / "left_out.parquet")
    return verdict(lost_texts(texts, rows, left_out))


@dg.asset_check(asset="sft_dataset")
def domains_are_balanced(project: Project) -> dg.AssetCheckResult:
    """No domain has many more rows than the mean of all."""
    rows = pl.concat(list(project.dataset_splits().values()))
    return verdict(unbalanced_domains(rows), dg.AssetCheckSeverity.WARN)
