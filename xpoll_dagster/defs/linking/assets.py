"""Three ways of aligning chunks of different domains, and the pairs that they agree on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from xpoll_dagster.defs.books import assets as books  # declares what this package builds on
from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.materialization import Built, materialise
from xpoll_dagster.defs.metadata import heat_map, histogram, sample_table, table_facts
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.linking import link_concepts, link_lexical, link_semantic, select_pairs

__all__ = ["books", "concept_links", "cross_domain_pairs", "lexical_links", "semantic_links"]


def _library(project: Project) -> tuple[pl.DataFrame, np.ndarray]:
    """Chunks of all complete books and, row by row, their vectors."""
    chunks = project.read_books("chunks").collect()
    vectors = project.read_books("chunk_embeddings").collect()
    joined = chunks.select("chunk_id").join(
        vectors.select("chunk_id", "embedding"), on="chunk_id", how="left", maintain_order="left"
    )
    return chunks, joined["embedding"].to_numpy()


def _domain_counts(links: pl.DataFrame) -> dict[tuple[str, str], float]:
    counts = links.group_by("left_domain", "right_domain").len()
    return {(left, right): count for left, right, count in counts.iter_rows()}


def _numbers(links: pl.DataFrame, left_out: pl.DataFrame | None = None) -> dict[str, Any]:
    return {
        "n_links": links.height,
        "n_domain_pairs": len(_domain_counts(links)),
        **({} if left_out is None else {"n_left_out": left_out.height}),
    }


def _describe(path: Path) -> Mapping[str, Any]:
    links = pl.read_parquet(path)
    return {
        **table_facts(links),
        "sample": sample_table(links.sort("score", descending=True).head(50)),
        "scores": histogram(links["score"].to_list(), "Scores", "score"),
        "domains": heat_map(_domain_counts(links), "Links per pair of domains"),
    }


@dg.asset(
    **declare(
        "concept_links",
        group="linking",
        code=1,
        inputs=["chunks", "chunk_embeddings", "chunk_concepts"],
        options=lambda s: [s.linking],
        kinds={"scipy", "parquet"},
    )
)
def concept_links(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Chunks that share rare concepts: named people, places and works, terms, definitions."""

    def build() -> Built:
        chunks, vectors = _library(project)
        concepts = project.read_books("chunk_concepts").collect()
        links = link_concepts(chunks, concepts, vectors, project.settings.linking)
        return Built(links, _numbers(links))

    return materialise(context, project, build, _describe)


@dg.asset(
    **declare(
        "lexical_links",
        group="linking",
        code=1,
        inputs=["chunks", "chunk_embeddings"],
        options=lambda s: [s.linking],
        kinds={"scikit-learn", "parquet"},
    )
)
def lexical_links(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Chunks that share rare words, by TF-IDF."""

    def build() -> Built:
        chunks = project.read_books("chunks").collect()
        links = link_lexical(chunks, project.settings.linking)
        return Built(links, _numbers(links))

    return materialise(context, project, build, _describe)


@dg.asset(
    **declare(
        "semantic_links",
        group="linking",
        code=1,
        inputs=["chunks", "chunk_embeddings"],
        options=lambda s: [s.linking],
        kinds={"faiss", "parquet"},
    )
)
def semantic_links(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Chunks that lie close in the embedding, scored by ratio margin in both directions."""

    def build() -> Built:
        chunks, vectors = _library(project)
        links = link_semantic(chunks, vectors, project.settings.linking)
        return Built(links, _numbers(links))

    return materialise(context, project, build, _describe)


@dg.asset(
    **declare(
        "cross_domain_pairs",
        group="linking",
        code=1,
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
        chunks, vectors = _library(project)
        store = project.store
        selection = select_pairs(
            store.read("concept_links"),
            store.read("lexical_links"),
            store.read("semantic_links"),
            chunks,
            vectors,
            project.settings.linking,
        )
        return Built(
            selection.pairs,
            _numbers(selection.pairs, selection.refused),
            beside={"left_out": selection.refused},
        )

    def describe(path: Path) -> Mapping[str, Any]:
        pairs = pl.read_parquet(path)
        columns = ["left_domain", "right_domain", "score", "signals", "explanation"]
        return {
            **table_facts(pairs),
            "sample": sample_table(pairs.select(columns), 20),
            "scores": histogram(pairs["score"].to_list(), "Scores of the pairs", "score"),
            "domains": heat_map(_domain_counts(pairs), "Pairs per pair of domains"),
        }

    return materialise(context, project, build, describe)
