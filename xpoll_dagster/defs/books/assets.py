"""The four assets of a book, each a partition of the library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.books.chunking import chunk_book
from xpoll_dagster.books.concepts import extract_concepts
from xpoll_dagster.books.embedding import load_token_counter
from xpoll_dagster.books.reading import read_pages
from xpoll_dagster.defs.books.embedding import embedding
from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.materialization import Built, materialise
from xpoll_dagster.defs.metadata import histogram, sample_table, table_facts
from xpoll_dagster.defs.progress import told_by_tenths
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.several_partitions import (
    MANY_PARTITIONS_A_RUN,
    ManyResults,
    materialise_each,
)


@dg.asset(
    **declare(
        "book_pages",
        group="books",
        code=1,
        reads_files=True,
        options=lambda s: [s.reading_without_cache, s.cleaning],
        partitioned_by="book",
        kinds={"python", "parquet"},
        pool="ocr",
    )
)
def book_pages(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Clean pages of one book: text, method (text layer or OCR), confidence, what was removed.

    The file is read in a child process under limits of time and memory.
    """

    def build() -> Built:
        settings = project.settings
        book = project.book(context.partition_key)
        read = read_pages(
            book,
            settings.reading_with_cache,
            settings.cleaning,
            settings.limits,
            progress=told_by_tenths(context, "pages"),
        )
        pages = read.pages
        body = pages.filter(pl.col("kind") == "body")
        return Built(
            pages,
            {
                "n_pages": pages.height,
                "n_body_pages": body.height,
                "n_ocr_pages": int((pages["method"] == "ocr").sum()),
                "mean_confidence": pages["confidence"].mean(),
                "n_removed_lines": int(pages["removed"].list.len().sum() or 0),
                "n_characters": int(body["text"].str.len_chars().sum() or 0),
                "n_warnings": int(pages["warnings"].list.len().sum() or 0),
                "title": read.title,
                "authors": list(read.authors),
                "paged": read.paged,
            },
        )

    def describe(path: Path) -> Mapping[str, Any]:
        pages = pl.read_parquet(path)
        removed = pages.explode("removed").filter(pl.col("removed").is_not_null())
        warnings = pages.explode("warnings").filter(pl.col("warnings").is_not_null())
        return {
            **table_facts(pages, partition=True),
            "sample": sample_table(pages.select("page", "label", "kind", "method", "text")),
            "removed": sample_table(removed.select("page", "removed"), 15),
            "warnings": sample_table(warnings.select("page", "warnings"), 15),
        }

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "chunks",
        group="books",
        code=1,
        inputs=["book_pages"],
        options=lambda s: [s.chunking, s.embedder],
        partitioned_by="book",
        kinds={"python", "parquet"},
    )
)
def chunks(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Whole paragraphs of one section, up to the embedder's window: the unit downstream.

    Joining the texts of a book's chunks gives its cleaned text back.
    """

    def build() -> Built:
        settings = project.settings
        pages = project.store.read("book_pages", context.partition_key)
        frame = chunk_book(
            pages, load_token_counter(settings.embedder).count_tokens, settings.chunking
        )
        prose = frame.filter(pl.col("kind") == "prose")
        return Built(
            frame,
            {
                "n_chunks": frame.height,
                "n_prose_chunks": prose.height,
                "mean_tokens": prose["n_tokens"].mean(),
            },
        )

    def describe(path: Path) -> Mapping[str, Any]:
        frame = pl.read_parquet(path)
        columns = ["ordinal", "kind", "section", "page_start", "n_tokens", "text"]
        return {
            **table_facts(frame, partition=True),
            "sample": sample_table(frame.select(columns)),
            "sizes": histogram(frame["n_tokens"].to_list(), "Chunk sizes", "tokens"),
        }

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "chunk_embeddings",
        group="books",
        code=1,
        inputs=["chunks"],
        options=lambda s: [s.embedder],
        partitioned_by="book",
        kinds={"sentence-transformers", "parquet"},
        pool="gpu",
        backfill_policy=MANY_PARTITIONS_A_RUN,
    )
)
def chunk_embeddings(context: dg.AssetExecutionContext, project: Project) -> ManyResults:
    """One L2-normalised vector per chunk, with the model that made it and its weights' hash.

    The books of a run are one stream of batches, in this process or on a Ray cluster. Of a
    book that has changed only those chunks are embedded that it did not have before.
    """
    yield from materialise_each(context, project, embedding(context, project))


@dg.asset(
    **declare(
        "chunk_concepts",
        group="books",
        code=1,
        inputs=["chunks"],
        options=lambda s: [s.concepts],
        partitioned_by="book",
        kinds={"spacy", "parquet"},
    )
)
def chunk_concepts(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Named entities, key terms and defined terms of each chunk, normalised."""

    def build() -> Built:
        book = project.book(context.partition_key)
        frame = project.store.read("chunks", context.partition_key)
        concepts = extract_concepts(frame, book.language, project.settings.concepts)
        return Built(
            concepts,
            {
                "n_concepts": concepts["concept"].n_unique(),
                "n_mentions": int(concepts["count"].sum() or 0),
            },
        )

    def describe(path: Path) -> Mapping[str, Any]:
        concepts = pl.read_parquet(path)
        top = (
            concepts.group_by("concept", "kind")
            .agg(pl.len().alias("chunks"), pl.col("count").sum().alias("mentions"))
            .sort("chunks", "concept", descending=[True, False])
        )
        return {
            **table_facts(concepts, partition=True),
            "top": sample_table(top.head(20), 20),
            "sample": sample_table(concepts, 12),
        }

    return materialise(context, project, build, describe)
