"""The corpus row, what is kept of rejected and removed rows, and the error of a source."""

from __future__ import annotations

import polars as pl

MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})

ROWS_SCHEMA = pl.Schema(
    {
        # An Alpaca row. Of a conversation: its first exchange; the whole is in `messages`.
        "instruction": pl.String,
        "input": pl.String,
        "output": pl.String,
        "system": pl.String,
        "messages": pl.List(MESSAGE),  # null where the source is no conversation
        "_category": pl.String,
        "_source": pl.String,  # name of the catalogue's entry
        "_license": pl.String,
        "_id": pl.String,  # stable: source and content (and occurrence), never a row number
    }
)
"""The corpus row. Text columns are never null: a field that a source lacks is empty."""

REJECTED_SCHEMA = pl.Schema(
    {
        "_source": pl.String,
        "file": pl.String,  # of a local source or of the download
        "position": pl.Int64,  # 0-based row of the file
        "reason": pl.String,
        "excerpt": pl.String,  # of the raw row, 500 characters at most, printable
    }
)
"""Rows that a source holds and that cannot be used, one row each."""

PREFERENCES_SCHEMA = pl.Schema(
    {
        "prompt": pl.List(MESSAGE),
        "chosen": pl.String,
        "rejected": pl.String,
        "_category": pl.String,
        "_source": pl.String,
        "_license": pl.String,
        "_id": pl.String,  # the `_id` of the row made of prompt and chosen answer
    }
)
"""Natural preferences of sources that have them, beside their rows."""

LEDGER_SCHEMA = pl.Schema(
    {
        "removed_id": pl.String,
        "removed_source": pl.String,
        "kept_id": pl.String,  # null where a row was removed for a test's sake
        "kept_source": pl.String,
        "rule": pl.String,  # exact | near | decontaminated
        "similarity": pl.Float64,  # 1.0 for exact
        "detail": pl.String,  # the test that a decontaminated row gives away
    }
)
"""Every row that merging removed, and what stands for it."""

CATEGORIES = (
    "instruction",
    "dialogue",
    "tool_use",
    "code",
    "maths",
    "analytical",
    "creative",
    "factual",
    "psychology",
    "red_team",
    "moral",
    "cross_domain",
)
"""The categories that mixes weigh."""


class SourceError(Exception):
    """A source, profile or setting cannot be used; the message says why and what to do."""
