import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.retrieval.dataset import grpo_rows
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.options import RetrievalOptions, SplitOptions
from xpoll_dagster.retrieval.questions import measure_questions
from xpoll_dagster.retrieval.scores import retrieval_scores
from xpoll_dagster.retrieval.views import save_grpo_dataset
from xpoll_dagster_tests.retrieval.library import Built, questions


@pytest.fixture(scope="module")
def saved(built: Built, tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, pl.DataFrame]":
    folder = tmp_path_factory.mktemp("grpo") / "grpo_dataset"
    options = RetrievalOptions(splits=SplitOptions(validation=0.2, test=0.2))
    asked = measure_questions(questions(), built.clean, options)
    rows = grpo_rows(asked, built.clean.index.table)
    scores = retrieval_scores(built.clean, built.noisy, asked)
    save_grpo_dataset(rows, built.noisy.index, folder, scores)
    return folder, rows


Saved = tuple[Path, pl.DataFrame]


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_dataset_loads_and_keeps_its_splits_apart(saved: Saved):
    from datasets import load_from_disk

    folder, rows = saved
    found: Any = load_from_disk(str(folder / "hf"))
    assert set(found) == {"train", "validation", "test"}
    assert sum(part.num_rows for part in found.values()) == rows.height
    seen: dict[str, str] = {}
    for split, part in found.items():
        for row in part:
            assert row["split"] == split
            assert [turn["role"] for turn in row["prompt"]] == ["system", "user"]
            assert "search" in row["prompt"][0]["content"]
            assert row["prompt"][1]["content"] == row["question"]
            assert row["answer"] in row["answers"]
            assert any(row["answer"] in text for text in row["supporting_paragraphs"])
            assert row["chunk_id"] in row["gold_chunk_ids"]
            assert row["difficulty_signals"]["fused_rank"] >= 1
            for name in [*row["gold_chunk_ids"], row["chapter"]]:
                assert seen.setdefault(name, split) == split


def test_a_verifiers_loader_reads_its_view(saved: Saved):
    from datasets import load_dataset

    folder, rows = saved
    found: Any = load_dataset(
        "json", data_files={"train": str(folder / "verifiers" / "train.jsonl")}
    )
    part = found["train"]
    assert part.num_rows == rows.filter(pl.col("split") == "train").height
    for row in part:
        assert isinstance(row["question"], str)
        assert isinstance(row["answer"], str)
        info = json.loads(row["info"])
        assert row["answer"] in info["answers"]
        assert info["gold_chunk_ids"]


def test_the_verl_view_has_its_columns(saved: Saved):
    folder, rows = saved
    frame = pl.read_parquet(folder / "verl" / "train.parquet")
    assert frame.columns == ["data_source", "prompt", "ability", "reward_model", "extra_info"]
    row = frame.row(0, named=True)
    assert row["reward_model"]["style"] == "rule"
    assert row["reward_model"]["ground_truth"]["target"]
    assert row["extra_info"]["split"] == "train"
    corpus = lines(folder / "verl" / "corpus.jsonl")
    assert set(corpus[0]) == {"id", "contents"}
    assert rows.height


def test_the_beir_view_is_of_one_piece(saved: Saved):
    folder, rows = saved
    corpus = {line["_id"] for line in lines(folder / "beir" / "corpus.jsonl")}
    queries = {line["_id"] for line in lines(folder / "beir" / "queries.jsonl")}
    judged = set()
    for split in ("train", "validation", "test"):
        with (folder / "beir" / "qrels" / f"{split}.tsv").open(newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                assert row["corpus-id"] in corpus
                assert row["score"] == "1"
                judged.add(row["query-id"])
    assert judged == queries == set(rows["id"])
    assert any("/" in name for name in corpus)


def test_the_card_counts_the_rows(saved: Saved):
    folder, rows = saved
    card = (folder / "README.md").read_text("utf-8")
    assert card.startswith("---\n")
    assert f"{rows.height:,} questions" in card
    assert "recall@1" in card
    easy = rows.filter(pl.col("difficulty") == "easy").height / rows.height
    assert f"{easy:.0%} are easy" in card


def test_a_library_without_questions_is_said_plainly(built: Built):
    none = built.questions.with_columns(kept=pl.lit(value=False))
    with pytest.raises(RetrievalError, match="No question was kept"):
        grpo_rows(none, built.clean.index.table)
