"""The rows of the RL dataset: a prompt with its answer, gold chunks, difficulty and split."""

from __future__ import annotations

import polars as pl

from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.questions import SIGNALS
from xpoll_dagster.retrieval.tool import prompt_messages
from xpoll_dagster.retrieval.windows import paragraphs

_MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})

GRPO_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "prompt": pl.List(_MESSAGE),
        "question": pl.String,
        "answer": pl.String,  # the answer alone
        "answers": pl.List(pl.String),
        "chunk_id": pl.String,
        "gold_chunk_ids": pl.List(pl.String),
        "supporting_paragraphs": pl.List(pl.String),
        "difficulty": pl.String,
        "difficulty_guess": pl.String,
        "difficulty_signals": SIGNALS,
        "book": pl.String,
        "domain": pl.String,
        "title": pl.String,
        "citation": pl.String,
        "chapter": pl.String,
        "split": pl.String,
        "source": pl.String,  # xpoll
        "method": pl.String,  # rules | llm: who asked
        "model": pl.String,
        "template": pl.String,
    }
)


def grpo_rows(questions: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the dataset, of all splits, in order of the chunks.

    Args:
        questions: From `measure_questions`.
        table: From `chunk_table`.

    Returns:
        A frame of `GRPO_SCHEMA`.

    Raises:
        RetrievalError: No question was kept.
    """
    kept = questions.filter(pl.col("kept"))
    if kept.is_empty():
        raise RetrievalError(
            "No question was kept: look at `left_out` in questions.parquet and at `rejected_by` in "
            "the questions of the books."
        )
    texts = table["text"]
    return (
        kept.with_columns(
            prompt=pl.Series(
                [prompt_messages(question) for question in kept["question"]],
                dtype=pl.List(_MESSAGE),
            ),
            supporting_paragraphs=pl.Series(
                [paragraphs(texts[number]) for number in kept["number"]], dtype=pl.List(pl.String)
            ),
            source=pl.lit("xpoll"),
            method=pl.col("author"),
        )
        .select(GRPO_SCHEMA.names())
        .cast(GRPO_SCHEMA)
    )
