"""The table of questions: every attempt with its measures and verdict."""

from __future__ import annotations

import polars as pl

QUESTIONS_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "chunk_id": pl.String,
        "book": pl.String,
        "question": pl.String,
        "answer": pl.String,
        "template": pl.String,  # the rule that made it, empty for a model
        "score": pl.Float64,  # the rule's ranking, 0 to 1
        "difficulty_guess": pl.String,
        "author": pl.String,  # rules | llm
        "model": pl.String,
        "prompt_sha256": pl.String,
        "finish_reason": pl.String,
        "raw": pl.String,  # the model's answer, where it could not be used
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        "alternates": pl.List(pl.String),  # other chunks of the book that hold the answer
        # One column per gate measure.
    }
)
