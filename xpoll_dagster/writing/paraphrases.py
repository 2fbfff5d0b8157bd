"""The table of paraphrases: every attempt with its measures and verdict."""

from __future__ import annotations

import polars as pl

PARAPHRASES_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "chunk_id": pl.String,
        "book": pl.String,
        "style": pl.String,
        "text": pl.String,
        "author": pl.String,  # rules | llm
        "model": pl.String,
        "prompt_sha256": pl.String,
        "finish_reason": pl.String,
        "raw": pl.String,  # the model's answer, where it could not be used
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        # One column per gate measure.
    }
)
