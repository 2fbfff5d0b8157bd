"""The dataset on disk: Hugging Face format, and a view for each trainer and benchmark.

- `hf/`: `datasets.load_from_disk`; all columns;
- `trl/<split>.parquet`: what `GRPOTrainer` hands to rewards and environments;
- `verifiers/<split>.jsonl`: `question`, `answer`, `info` (JSON), `task`;
- `verl/<split>.parquet` and `verl/corpus.jsonl`: Search-R1's rows and corpus;
- `beir/`: `corpus.jsonl`, `queries.jsonl`, `qrels/<split>.tsv`; paraphrases stand in the corpus
  as noise and are judged by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from xpoll_dagster.retrieval.card import dataset_card
from xpoll_dagster.retrieval.index import ChunkIndex
from xpoll_dagster.retrieval.splits import SPLITS
from xpoll_dagster.storage.hugging_face import save_hugging_face

_TRL = (
    "prompt",
    "question",
    "answer",
    "answers",
    "chunk_id",
    "gold_chunk_ids",
    "supporting_paragraphs",
    "difficulty",
    "split",
    "id",
)


def save_grpo_dataset(
    rows: pl.DataFrame, index: ChunkIndex, folder: Path, scores: pl.DataFrame | None = None
) -> None:
    """Fill a folder with the dataset, its views and its card. No network is used.

    Args:
        rows: From `grpo_rows`.
        index: The index that is searched; its chunks and paraphrases are the corpora.
        folder: An empty folder, or one that does not exist yet.
        scores: From `retrieval_scores`, for the card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_hugging_face(
        {split: rows.filter(pl.col("split") == split) for split in SPLITS}, folder / "hf"
    )
    for name in ("trl", "verifiers", "verl"):
        (folder / name).mkdir()
    for split in SPLITS:
        part = rows.filter(pl.col("split") == split)
        part.select(_TRL).write_parquet(folder / "trl" / f"{split}.parquet", compression="zstd")
        _write_lines(
            folder / "verifiers" / f"{split}.jsonl",
            (_verifiers(row) for row in part.iter_rows(named=True)),
        )
        _verl(part).write_parquet(folder / "verl" / f"{split}.parquet", compression="zstd")
    _write_lines(folder / "verl" / "corpus.jsonl", _search_r1_corpus(index))
    _save_beir(rows, index, folder / "beir")
    (folder / "README.md").write_text(dataset_card(rows, index, scores), encoding="utf-8")


def _verifiers(row: Mapping[str, Any]) -> dict[str, Any]:
    info = {
        name: row[name]
        for name in (
            "id",
            "answers",
            "chunk_id",
            "gold_chunk_ids",
            "supporting_paragraphs",
            "difficulty",
            "book",
            "citation",
        )
    }
    return {
        "prompt": row["prompt"],
        "question": row["question"],
        "answer": row["answer"],
        "info": json.dumps(info, ensure_ascii=False),
        "task": "retrieval",
    }


def _verl(part: pl.DataFrame) -> pl.DataFrame:
    return part.with_row_index("index").select(
        data_source=pl.lit("xpoll"),
        prompt="prompt",
        ability=pl.lit("fact-reasoning"),
        reward_model=pl.struct(
            style=pl.lit("rule"), ground_truth=pl.struct(target=pl.col("answers"))
        ),
        extra_info=pl.struct(
            "split",
            pl.col("index").cast(pl.Int64),
            "id",
            "question",
            "chunk_id",
            "gold_chunk_ids",
            "difficulty",
        ),
    )


def _search_r1_corpus(index: ChunkIndex) -> Iterable[dict[str, str]]:
    citations = index.table["citation"].to_list()
    for row in index.rows.iter_rows(named=True):
        # Search-R1 reads the title from the first line, in quotation marks.
        title = citations[row["number"]].replace('"', "'")
        yield {"id": row["document_id"], "contents": f'"{title}"\n{row["text"]}'}


def _save_beir(rows: pl.DataFrame, index: ChunkIndex, folder: Path) -> None:
    (folder / "qrels").mkdir(parents=True)
    citations = index.table["citation"].to_list()
    _write_lines(
        folder / "corpus.jsonl",
        (
            {
                "_id": row["document_id"],
                "title": citations[row["number"]],
                "text": row["text"],
                "metadata": {"chunk_id": row["chunk_id"], "is_paraphrase": row["is_paraphrase"]},
            }
            for row in index.rows.iter_rows(named=True)
        ),
    )
    _write_lines(
        folder / "queries.jsonl",
        (
            {"_id": row["id"], "text": row["question"], "metadata": {"split": row["split"]}}
            for row in rows.iter_rows(named=True)
        ),
    )
    for split in SPLITS:
        part = rows.filter(pl.col("split") == split)
        part.select(
            pl.col("id").alias("query-id"), pl.col("gold_chunk_ids").alias("corpus-id")
        ).explode("corpus-id").with_columns(score=pl.lit(1)).write_csv(
            folder / "qrels" / f"{split}.tsv", separator="\t"
        )


def _write_lines(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for item in objects:
            stream.write(json.dumps(item, ensure_ascii=False) + "\n")
