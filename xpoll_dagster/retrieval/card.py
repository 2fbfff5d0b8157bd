"""The card of the RL dataset, generated from its rows, so that it cannot say otherwise."""

from __future__ import annotations

from typing import Any

import polars as pl
import yaml

from xpoll_dagster.retrieval.index import ChunkIndex
from xpoll_dagster.retrieval.splits import SPLITS

_MOSTLY = 0.8
_SHOWN_MODES = ("dense", "bm25", "fused")

_LIMITS = """\
- Rows with `method: rules` were asked by rules and templates, unreviewed by a person. Expect some \
that are awkward or that need their passage to make sense.
- Difficulty is the rank of the first answering chunk in fused search over the originals; it says \
how hard the chunk is to find, not how hard the question is to answer. `difficulty_guess` is the \
author's own. Questions whose chunk was not found are not in the dataset.
- `gold_chunk_ids` holds the chunk that was asked about and every other that holds the answer \
among the question's words. Found by words, it can miss a chunk that says the same in others.
- Whole chapters are in one split. Chapters of different books may still speak of the same thing.
"""


def dataset_card(rows: pl.DataFrame, index: ChunkIndex, scores: pl.DataFrame | None = None) -> str:
    """The README: YAML header for the hub, then what a person wants to know."""
    header = {
        "language": ["en"],
        "task_categories": ["question-answering", "text-retrieval"],
        "tags": ["reinforcement-learning", "retrieval", "grpo"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"trl/{split}.parquet"} for split in SPLITS
                ],
            }
        ],
    }
    report = index.report()
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n",
        "# Retrieval RL dataset\n",
        f"{rows.height:,} questions about {rows['chunk_id'].n_unique():,} of {report['chunks']:,} "
        f"chunks of {_books(index.table['book'].n_unique())}, to be answered by searching until "
        f"the original is found among {report['paraphrases']:,} paraphrases. Load it with "
        "`datasets.load_from_disk('hf')`; `trl/`, `verifiers/`, `verl/` and `beir/` hold the same "
        "rows as their readers want them.\n",
        "## Splits and difficulty\n",
        _table(
            ["split", "questions", "chapters", "easy", "medium", "hard"],
            [_counts(split, rows.filter(pl.col("split") == split)) for split in SPLITS],
        ),
        _how_easy(rows),
        "## Books\n",
        _table(
            ["book", "domain", "questions"],
            [list(row) for row in rows.group_by("title", "domain").len().sort("title").iter_rows()],
        ),
        "## Who asked\n",
        _table(
            ["method", "model", "template", "questions"],
            [
                list(row)
                for row in rows.group_by("method", "model", "template")
                .len()
                .sort("len", "template", descending=[True, False])
                .iter_rows()
            ],
        ),
    ]
    if scores is not None and scores.height:
        parts += ["## Retrieval\n", _score_table(scores)]
    parts += ["## What these rows can and cannot claim\n", _LIMITS]
    return "\n".join(parts)


def _books(count: int) -> str:
    return "one book" if count == 1 else f"{count:,} books"


def _how_easy(rows: pl.DataFrame) -> str:
    """What a trainer must know before the first run: how little there may be to learn."""
    easy = rows.filter(pl.col("difficulty") == "easy").height
    text = (
        f"{easy / rows.height:.0%} are easy: searching with the question itself finds the chunk "
        "first among the originals"
    )
    if easy > _MOSTLY * rows.height:
        text += (
            ", so that a model learns little about searching from them beyond telling originals "
            "from paraphrases. Questions of a language model share fewer words with their chunk"
        )
    return text + ".\n"


def _counts(split: str, part: pl.DataFrame) -> list[Any]:
    by = dict(part["difficulty"].value_counts().iter_rows())
    return [
        split,
        part.height,
        part["chapter"].n_unique(),
        *(by.get(name, 0) for name in ("easy", "medium", "hard")),
    ]


def _score_table(scores: pl.DataFrame) -> str:
    """The modes that a trainer chooses from; without paraphrases every version is an original."""
    scores = scores.filter(
        pl.col("mode").is_in(_SHOWN_MODES)
        & (pl.col("paraphrases_indexed") | (pl.col("counted") != "any_version"))
    )
    wide = scores.pivot(
        on="metric",
        index=["task", "mode", "paraphrases_indexed", "counted", "queries"],
        values="value",
    )
    body = [
        [f"{cell:.3f}" if isinstance(cell, float) else cell for cell in row]
        for row in wide.iter_rows()
    ]
    return _table(wide.columns, body)


def _table(head: list[str], body: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return (
        "\n".join(
            "| "
            + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in line)
            + " |"
            for line in lines
        )
        + "\n"
    )
