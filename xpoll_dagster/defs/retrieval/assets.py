"""The index, the questions, the bundle that holds both, its scores and the RL dataset."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.books.embedding import load_embedder
from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.materialization import Built, materialise
from xpoll_dagster.defs.metadata import (
    bar_chart,
    card,
    plain_numbers,
    sample_table,
    table_facts,
)
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.retrieval import writing_assets  # declares what this module builds on
from xpoll_dagster.retrieval.bundle import (
    CHUNK_FILES,
    INDEX_FOLDER,
    QUESTION_FILES,
    write_chunks,
    write_index,
    write_questions,
)
from xpoll_dagster.retrieval.chunk_table import chunk_table
from xpoll_dagster.retrieval.dataset import grpo_rows
from xpoll_dagster.retrieval.index import ChunkIndex, build_index, embed_paraphrases
from xpoll_dagster.retrieval.questions import measure_questions
from xpoll_dagster.retrieval.scores import retrieval_scores as score_retrieval
from xpoll_dagster.retrieval.search import Searcher
from xpoll_dagster.retrieval.stored import read_index
from xpoll_dagster.retrieval.views import save_grpo_dataset

__all__ = [
    "chunks_pkl",
    "faiss_index",
    "grpo_dataset",
    "questions_json",
    "retrieval",
    "retrieval_scores",
    "writing_assets",
]


@dg.asset(
    **declare(
        "chunks_pkl",
        group="retrieval",
        code=1,
        inputs=["chunks"],
        folder=True,
        kinds={"langchain", "parquet"},
    )
)
def chunks_pkl(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """All chunks of the library, numbered: position 17 of `chunks.pkl` is chunk_17."""

    def build() -> Built:
        table = chunk_table(project.read_books("chunks").collect(), project.book_infos())
        repeated = table["duplicate_of"].is_not_null().sum()
        return Built(
            lambda folder: write_chunks(table, folder),
            {"n_chunks": table.height, "n_repeated": int(repeated)},
        )

    def describe(path: Path) -> Mapping[str, Any]:
        table = pl.read_parquet(path / "chunks.parquet")
        return {
            **table_facts(table),
            "sample": sample_table(table.select("chunk_id", "book", "citation", "text")),
        }

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "questions_json",
        group="retrieval",
        code=2,
        inputs=["chunks_pkl", "chunk_embeddings", "questions"],
        options=lambda s: [s.retrieval, s.embedder],
        folder=True,
        kinds={"json", "parquet"},
    )
)
def questions_json(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """The accepted questions, their difficulty measured over the whole library's originals.

    No paraphrase takes part, so an index with other paraphrases leaves every byte as it is.
    """

    def build() -> Built:
        measured = measure_questions(
            project.read_all("questions").collect(), _originals(project), project.settings.retrieval
        )
        table = _table(project)
        kept = measured.filter("kept")
        return Built(
            lambda folder: write_questions(measured, table, folder),
            {
                "n_questions": kept.height,
                "n_left_out": measured.height - kept.height,
                **{f"n_{name}": kept.filter(difficulty=name).height for name in _DIFFICULTIES},
                **{f"n_{name}": kept.filter(split=name).height for name in _SPLITS},
            },
        )

    def describe(path: Path) -> Mapping[str, Any]:
        measured = pl.read_parquet(path / "questions.parquet")
        kept = measured.filter("kept")
        reasons = measured["left_out"].drop_nulls().str.split(" (").list.first().value_counts()
        columns = ["chunk_id", "question", "answer", "difficulty", "citation"]
        return {
            **table_facts(measured, rows=kept.height),
            "sample": sample_table(kept.select(columns), 12),
            "left_out": dg.MetadataValue.json(dict(sorted(reasons.iter_rows()))),
            "difficulty": bar_chart(
                dict(kept["difficulty"].value_counts().sort("difficulty").iter_rows()),
                "Questions by measured difficulty",
            ),
        }

    return materialise(context, project, build, describe)


_DIFFICULTIES = ("easy", "medium", "hard")
_SPLITS = ("train", "validation", "test")


@dg.asset(
    **declare(
        "faiss_index",
        group="retrieval",
        code=3,
        inputs=["chunks_pkl", "chunk_embeddings", "paraphrased_chunks"],
        options=lambda s: [s.retrieval.index, s.embedder],
        folder=True,
        kinds={"faiss"},
        pool="gpu",
    )
)
def faiss_index(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Originals and accepted paraphrases in one index; every vector knows which it is."""

    def build() -> Built:
        embedder = load_embedder(project.settings.embedder)
        paraphrases = project.read_all("paraphrased_chunks").filter("accepted").collect()
        index = build_index(
            _table(project),
            project.read_books("chunk_embeddings").collect(),
            paraphrases,
            embed_paraphrases(paraphrases, embedder),
            project.settings.retrieval.index,
            embedder,
        )
        rows = index.rows
        copies = int(rows["is_paraphrase"].sum())
        return Built(
            lambda folder: write_index(index, folder),
            {"n_vectors": rows.height, "n_originals": rows.height - copies, "n_paraphrases": copies}
            | plain_numbers(index.report()),
        )

    def describe(path: Path) -> Mapping[str, Any]:
        rows = pl.read_parquet(path / "rows.parquet")
        return {
            "dagster/row_count": rows.height,
            "report": dg.MetadataValue.json(_report(path)),
            "sample": sample_table(rows.filter("is_paraphrase").select("style", "text")),
        }

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "retrieval",
        group="retrieval",
        code=1,
        inputs=["chunks_pkl", "questions_json", "faiss_index"],
        folder=True,
        kinds={"langchain", "faiss", "json"},
    )
)
def retrieval(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """The bundle: `chunks.pkl`, `questions.json` and `faiss_index/` as AutoDidact lays them out.

    Its parts are put together here, so that a reader never sees an index beside the chunks of
    another library. Load it with `xpoll_dagster.retrieval.bundle.Bundle.load`.
    """

    def build() -> Built:
        def fill(folder: Path) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            for name in CHUNK_FILES:
                _link(project.folder("chunks_pkl") / name, folder / name)
            for name in QUESTION_FILES:
                _link(project.folder("questions_json") / name, folder / name)
            source = project.folder("faiss_index")
            shutil.copytree(source, folder / INDEX_FOLDER, copy_function=_link)

        return Built(fill, {"n_files": len(CHUNK_FILES) + len(QUESTION_FILES)})

    return materialise(context, project, build)


@dg.asset(
    **declare(
        "retrieval_scores",
        group="retrieval",
        code=1,
        inputs=["retrieval"],
        options=lambda s: [s.retrieval.search, s.retrieval.index, s.embedder],
        kinds={"python", "parquet"},
    )
)
def retrieval_scores(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Recall and mean reciprocal rank of questions and paraphrases, with and without noise."""

    def build() -> Built:
        measured = pl.read_parquet(project.folder("retrieval") / "questions.parquet")
        noisy = _noisy(project)
        options = project.settings.retrieval
        clean = Searcher(
            noisy.index.originals(options.index),
            load_embedder(project.settings.embedder),
            options.search,
        )
        scores = score_retrieval(clean, noisy, measured)
        return Built(scores, _score_numbers(scores))

    def describe(path: Path) -> Mapping[str, Any]:
        scores = pl.read_parquet(path)
        return {
            **table_facts(scores),
            "scores": dg.MetadataValue.md(_score_table(scores)),
        }

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "grpo_dataset",
        group="retrieval",
        code=2,
        inputs=["retrieval", "retrieval_scores"],
        options=lambda s: [s.retrieval],
        folder=True,
        kinds={"huggingface", "parquet"},
    )
)
def grpo_dataset(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Rows for training a model to search: a Hugging Face dataset, and views for trainers."""

    def build() -> Built:
        measured = pl.read_parquet(project.folder("retrieval") / "questions.parquet")
        index = _noisy(project).index
        rows = grpo_rows(measured, index.table)
        scores = project.store.read("retrieval_scores")
        return Built(
            lambda folder: save_grpo_dataset(rows, index, folder, scores),
            {
                "n_rows": rows.height,
                **{f"n_{name}": rows.filter(split=name).height for name in _SPLITS},
            },
        )

    def describe(path: Path) -> Mapping[str, Any]:
        rows = pl.concat([pl.read_parquet(path / "trl" / f"{split}.parquet") for split in _SPLITS])
        columns = ["question", "answer", "chunk_id", "difficulty", "split"]
        return {
            **table_facts(rows),
            "card": card(path),
            "sample": sample_table(rows.select(columns), 12),
        }

    return materialise(context, project, build, describe)


def _table(project: Project) -> pl.DataFrame:
    return pl.read_parquet(project.folder("chunks_pkl") / "chunks.parquet")


def _originals(project: Project) -> Searcher:
    """Search over the chunks alone."""
    settings = project.settings
    embedder = load_embedder(settings.embedder)
    index = build_index(
        _table(project),
        project.read_books("chunk_embeddings").collect(),
        options=settings.retrieval.index,
        embedder=embedder,
    )
    return Searcher(index, embedder, settings.retrieval.search)


def _noisy(project: Project) -> Searcher:
    """Search over chunks and paraphrases, as the bundle holds them."""
    settings = project.settings
    folder = project.folder("retrieval")
    index: ChunkIndex = read_index(
        folder / INDEX_FOLDER, pl.read_parquet(folder / "chunks.parquet")
    )
    return Searcher(index, load_embedder(settings.embedder), settings.retrieval.search)


def _link(source: str | Path, destination: str | Path) -> None:
    """A hard link where the file system has them: the bundle costs no second copy."""
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)


def _report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "index.json").read_text(encoding="utf-8"))


def _score_numbers(scores: pl.DataFrame) -> dict[str, Any]:
    """The recalls that are worth a plot over time."""
    shown = scores.filter(
        pl.col("counted").eq("original")
        & pl.col("metric").is_in(["recall@1", "recall@5", "mrr"])
        & pl.col("mode").is_in(["dense", "bm25", "fused"])
    )
    return {
        f"{row['task']}_{row['mode']}_{'noisy' if row['paraphrases_indexed'] else 'clean'}"
        f"_{row['metric']}": row["value"]
        for row in shown.iter_rows(named=True)
    }


def _score_table(scores: pl.DataFrame) -> str:
    wide = scores.pivot(
        "metric",
        index=["task", "mode", "paraphrases_indexed", "counted", "queries"],
        values="value",
        maintain_order=True,
    )
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=1000,
        float_precision=3,
    ):
        return str(wide)
