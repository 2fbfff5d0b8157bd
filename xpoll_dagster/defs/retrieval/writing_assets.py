"""What an author writes about single chunks: paraphrases, and questions with their answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.books.embedding import load_embedder
from xpoll_dagster.defs.authors import Writer, write_each
from xpoll_dagster.defs.books import assets as books  # declares what this module builds on
from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.metadata import bar_chart, sample_table, table_facts, written_by
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.several_partitions import MANY_PARTITIONS_A_RUN, ManyResults
from xpoll_dagster.writing.pair_texts import load_passages
from xpoll_dagster.writing.paraphrases import write_paraphrases
from xpoll_dagster.writing.questions import write_questions

__all__ = ["books", "paraphrased_chunks", "questions"]

_INPUTS = ("chunks", "chunk_embeddings", "chunk_concepts")


@dg.asset(
    **declare(
        "paraphrased_chunks",
        group="retrieval",
        code=1,
        inputs=_INPUTS,
        options=lambda s: [s.writing, s.embedder, *s.authorship],
        partitioned_by="book",
        kinds={"python", "parquet"},
        pool="gpu",
        backfill_policy=MANY_PARTITIONS_A_RUN,
    )
)
def paraphrased_chunks(context: dg.AssetExecutionContext, project: Project) -> ManyResults:
    """Each chunk in other words, in every style: all attempts, with their gates' verdicts."""
    settings = project.settings

    def write(book: str, writer: Writer) -> tuple[pl.DataFrame, Mapping[str, Any]]:
        texts = write_paraphrases(
            project.store.read("chunks", book),
            project.book_infos(),
            writer.author,
            settings.writing.styles,
            settings.writing_with_notes,
            project.store.read("chunk_embeddings", book),
            load_embedder(settings.embedder),
            project.store.read("chunk_concepts", book),
        )
        return texts, {}

    yield from write_each(context, project, write, _describe_paraphrases, with_embedder=True)


def _describe_paraphrases(path: Path) -> Mapping[str, Any]:
    texts = pl.read_parquet(path)
    accepted = texts.filter("accepted")
    by_style = dict(accepted.group_by("style").len().sort("style").iter_rows())
    return {
        **table_facts(texts, partition=True),
        "written_by": written_by(texts),
        "sample": sample_table(accepted.select("style", "text", "copied", "similarity", "rank")),
        "rejected": sample_table(
            texts.filter(~pl.col("accepted")).select("style", "rejected_by", "text"), 10
        ),
        "styles": bar_chart(by_style, "Accepted paraphrases by style"),
    }


@dg.asset(
    **declare(
        "questions",
        group="retrieval",
        code=4,
        inputs=_INPUTS,
        options=lambda s: [s.writing, s.embedder, *s.authorship],
        partitioned_by="book",
        kinds={"python", "parquet"},
        pool="gpu",
        backfill_policy=MANY_PARTITIONS_A_RUN,
    )
)
def questions(context: dg.AssetExecutionContext, project: Project) -> ManyResults:
    """Questions whose answer stands in one chunk: all attempts, with their gates' verdicts."""
    settings = project.settings

    def write(book: str, writer: Writer) -> tuple[pl.DataFrame, Mapping[str, Any]]:
        chunks = project.store.read("chunks", book)
        infos = project.book_infos()
        concepts = project.store.read("chunk_concepts", book)
        passages = load_passages(chunks, chunks["chunk_id"], infos, concepts)
        found = write_questions(
            chunks,
            infos,
            writer.author,
            settings.writing_with_notes,
            project.store.read("chunk_embeddings", book),
            load_embedder(settings.embedder),
            concepts,
            judge=writer.question_judge(passages),
        )
        return found, _coverage(found)

    yield from write_each(context, project, write, _describe_questions, with_embedder=True)


def _coverage(found: pl.DataFrame) -> dict[str, Any]:
    """Chunks asked about, those with an accepted question, and those that are no prose."""
    by_chunk = found.group_by("chunk_id").agg(
        pl.col("accepted").any(), (pl.col("question") != "").any().alias("asked")
    )
    return {
        "n_chunks": by_chunk.height,
        "n_chunks_asked": int(by_chunk["asked"].sum()),
        "n_chunks_with_question": int(by_chunk["accepted"].sum()),
    }


def _describe_questions(path: Path) -> Mapping[str, Any]:
    found = pl.read_parquet(path)
    accepted = found.filter("accepted")
    by_template = dict(
        accepted.group_by("template").len().sort("len", descending=True).head(15).iter_rows()
    )
    return {
        **table_facts(found, partition=True),
        "written_by": written_by(found),
        "sample": sample_table(accepted.select("question", "answer", "template", "rank")),
        "rejected": sample_table(
            found.filter(~pl.col("accepted")).select("question", "answer", "rejected_by"), 10
        ),
        "templates": bar_chart(
            {name or "(model)": count for name, count in by_template.items()},
            "Accepted questions by template",
        ),
    }
