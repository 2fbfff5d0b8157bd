"""One page that shows everything built: it opens offline, in any browser."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.defs.corpus import assets as corpus  # declares what this package builds on
from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.lineage import BOOK_CHAIN
from xpoll_dagster.defs.materialization import Built, materialise
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.retrieval import assets as retrieval
from xpoll_dagster.report import ReportSources, write_report

__all__ = ["corpus", "report", "retrieval"]


@dg.asset(
    **declare(
        "report",
        group="report",
        code=1,
        inputs=["chunks", "chunk_embeddings", "chunk_concepts", "book_pages"],
        optional=[
            "cross_domain_pairs",
            "pair_texts",
            "sft_dataset",
            "paraphrased_chunks",
            "questions",
            "retrieval",
            "retrieval_scores",
            "merged_corpus",
            "profile_mix",
        ],
        options=lambda s: [s.report],
        folder=True,
        kinds={"html"},
    )
)
def report(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Library, pairs side by side with their evidence, rows, rejected texts, scores, a map.

    What is not built yet is left out of the page, and said there.
    """

    def build() -> Built:
        sources = _sources(project)
        numbers: dict[str, Any] = {}

        def fill(folder: Path) -> None:
            written = asdict(write_report(folder, sources, project.settings.report))
            numbers.update(
                {name: value for name, value in written.items() if isinstance(value, int | float)}
            )

        return Built(fill, numbers)

    def describe(path: Path) -> Mapping[str, Any]:
        return {"page": dg.MetadataValue.path(path / "index.html")}

    return materialise(context, project, build, describe)


def _sources(project: Project) -> ReportSources:
    store, lineage = project.store, project.lineage
    failures = {
        key: failure.message
        for key in lineage.library.books
        for asset in BOOK_CHAIN
        if (failure := store.failure(asset, key)) is not None
    }
    pairs = store.get("cross_domain_pairs")
    beside = pairs.path.with_name("cross_domain_pairs.left_out.parquet") if pairs else None
    scores = store.get("retrieval_scores")
    mixes = store.partitions("profile_mix", "")
    return ReportSources(
        chunks=project.read_books("chunks"),
        pages=project.read_books("book_pages"),
        embeddings=project.read_books("chunk_embeddings"),
        concepts=project.read_books("chunk_concepts"),
        pairs=pl.scan_parquet(pairs.path) if pairs else None,
        pairs_left_out=pl.scan_parquet(beside) if beside and beside.exists() else None,
        pair_texts=_books_table(project, "pair_texts"),
        paraphrases=_books_table(project, "paraphrased_chunks"),
        questions=_books_table(project, "questions"),
        retrieval_scores=pl.scan_parquet(scores.path) if scores else None,
        sft_dataset=_folder(project, "sft_dataset"),
        retrieval=_folder(project, "retrieval"),
        merged_corpus=_folder(project, "merged_corpus"),
        mixes={name: artifact.path for name, artifact in mixes.items()},
        books=project.book_infos(),
        failed=failures,
        passed_over={path.name: why for path, why in lineage.library.passed_over.items()},
    )


def _books_table(project: Project, asset: str) -> pl.LazyFrame | None:
    artifacts = project.store.partitions(asset)
    paths = [artifacts[key].path for key in project.lineage.complete_books() if key in artifacts]
    return pl.scan_parquet(paths) if paths else None


def _folder(project: Project, asset: str) -> Path | None:
    artifact = project.store.get(asset, suffix="")
    return artifact.path if artifact else None
