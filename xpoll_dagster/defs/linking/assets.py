"""Three ways of aligning chunks of different domains, and the pairs that they agree on."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.books.model import BookError
from xpoll_dagster.defs.books import assets as books  # declares what this package builds on
from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.materialization import Built, is_forced, materialise
from xpoll_dagster.defs.metadata import heat_map, histogram, sample_table, table_facts
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.linking import (
    ConceptSignal,
    LexicalSignal,
    SemanticSignal,
    link_into,
    select_from,
)
from xpoll_dagster.linking.cache import PieceCache
from xpoll_dagster.linking.library import BookTables, LinkedDomain, Table, open_library
from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster.linking.signals import Linker, Signal, Work
from xpoll_dagster.storage import Artifact

__all__ = ["books", "concept_links", "cross_domain_pairs", "lexical_links", "semantic_links"]

TABLES: tuple[Table, ...] = ("chunks", "chunk_embeddings", "chunk_concepts")
SIGNALS = {"concept": "concept_links", "lexical": "lexical_links", "semantic": "semantic_links"}


def _cache(context: dg.AssetExecutionContext, project: Project) -> PieceCache:
    """Where pieces of linking are kept; a forced run uses none of them."""
    if is_forced(context):
        return PieceCache()
    return PieceCache(project.settings.artifacts_dir / ".cache" / "linking")


def _read(artifacts: Mapping[Table, Artifact], table: Table) -> pl.DataFrame:
    return pl.read_parquet(artifacts[table].path)


def _library(project: Project, cache: PieceCache) -> list[LinkedDomain]:
    """The passages of all complete books."""
    store = project.store
    tables = []
    for key in project.lineage.complete_books():
        there: dict[Table, Artifact] = {}
        for table in TABLES:
            artifact = store.get(table, key)
            if artifact is not None:
                there[table] = artifact
        hashes: dict[Table, str] = {name: a.content_hash for name, a in there.items()}
        tables.append(BookTables(key, partial(_read, there), hashes))
    if not tables:
        raise BookError("No book has been read yet: run the books job first.")
    return open_library(tables, project.settings.linking, cache)


def _work(work: Work) -> dict[str, int]:
    """How much of a linking stood from the last time."""
    return {
        "book_pairs_compared": work.blocks_computed,
        "book_pairs_reused": work.blocks_reused,
        "domain_pairs_linked": work.domain_pairs_linked,
        "domain_pairs_reused": work.domain_pairs_reused,
    }


def _domain_counts(links: pl.DataFrame) -> dict[tuple[str, str], float]:
    counts = links.group_by("left_domain", "right_domain").len().sort("left_domain", "right_domain")
    return {(left, right): count for left, right, count in counts.iter_rows()}


def _link(
    context: dg.AssetExecutionContext, project: Project, signal: Signal
) -> dg.MaterializeResult:
    """Materialise a folder of links, one table for each pair of domains."""

    def build() -> Built:
        cache = _cache(context, project)
        domains = _library(project, cache)
        linker = Linker(signal, cache)
        standing = project.folder(SIGNALS[signal.name]) if cache.folder else None
        # The numbers are known when the folder is filled.
        numbers: dict[str, Any] = {}

        def fill(folder: Path) -> None:
            numbers.update(_work(link_into(folder, standing, domains, linker)))
            links = pl.scan_parquet(files) if (files := sorted(folder.glob("*.parquet"))) else None
            numbers["n_links"] = links.select(pl.len()).collect().item() if links is not None else 0
            numbers["n_domain_pairs"] = len(files)

        return Built(fill, numbers)

    return materialise(context, project, build, _describe)


def _describe(folder: Path) -> Mapping[str, Any]:
    files = sorted(folder.glob("*.parquet"))
    links = pl.scan_parquet(files) if files else LINKS_SCHEMA.to_frame().lazy()
    light = links.select("left_domain", "right_domain", "score").collect()
    # Whole rows are read of the best links only.
    bar = light["score"].top_k(50).min() if light.height else 0.0
    best = links.filter(pl.col("score") >= bar).head(50).collect()
    return {
        **table_facts(best, rows=light.height),
        "sample": sample_table(best),
        "scores": histogram(light["score"].to_numpy(), "Scores", "score"),
        "domains": heat_map(_domain_counts(light), "Links per pair of domains"),
    }


@dg.asset(
    **declare(
        "concept_links",
        group="linking",
        code=2,
        folder=True,
        inputs=["chunks", "chunk_embeddings", "chunk_concepts"],
        options=lambda s: [s.linking],
        kinds={"scipy", "parquet"},
    )
)
def concept_links(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Chunks that share rare concepts: named people, places and works, terms, definitions."""
    return _link(context, project, ConceptSignal(project.settings.linking))


@dg.asset(
    **declare(
        "lexical_links",
        group="linking",
        code=2,
        folder=True,
        inputs=["chunks", "chunk_embeddings"],
        options=lambda s: [s.linking],
        kinds={"scipy", "parquet"},
    )
)
def lexical_links(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Chunks that share rare words, by TF-IDF."""
    return _link(context, project, LexicalSignal(project.settings.linking))


@dg.asset(
    **declare(
        "semantic_links",
        group="linking",
        code=2,
        folder=True,
        inputs=["chunks", "chunk_embeddings"],
        options=lambda s: [s.linking],
        kinds={"torch", "parquet"},
    )
)
def semantic_links(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Chunks that lie close in the embedding, scored by ratio margin in both directions."""
    return _link(context, project, SemanticSignal(project.settings.linking))


@dg.asset(
    **declare(
        "cross_domain_pairs",
        group="linking",
        code=2,
        inputs=[
            "chunks",
            "chunk_embeddings",
            "concept_links",
            "lexical_links",
            "semantic_links",
        ],
        options=lambda s: [s.linking],
        kinds={"python", "parquet"},
    )
)
def cross_domain_pairs(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """The pairs that at least two signals agree on, each with its evidence in one sentence.

    The candidates that were not chosen are kept beside them, with the reason.
    """

    def build() -> Built:
        cache = _cache(context, project)
        done = select_from(
            {signal: project.folder(asset) for signal, asset in SIGNALS.items()},
            _library(project, cache),
            project.settings.linking,
            cache,
        )
        pairs, refused = done.selection.pairs, done.selection.refused
        work = _work(done.work)
        return Built(
            pairs,
            {
                "n_links": pairs.height,
                "n_domain_pairs": len(_domain_counts(pairs)),
                "n_left_out": refused.height,
                "domain_pairs_linked": work["domain_pairs_linked"],
                "domain_pairs_reused": work["domain_pairs_reused"],
            },
            beside={"left_out": refused},
        )

    def describe(path: Path) -> Mapping[str, Any]:
        pairs = pl.read_parquet(path)
        columns = ["left_domain", "right_domain", "score", "signals", "explanation"]
        return {
            **table_facts(pairs),
            "sample": sample_table(pairs.select(columns), 20),
            "scores": histogram(pairs["score"].to_numpy(), "Scores of the pairs", "score"),
            "domains": heat_map(_domain_counts(pairs), "Pairs per pair of domains"),
        }

    return materialise(context, project, build, describe)
