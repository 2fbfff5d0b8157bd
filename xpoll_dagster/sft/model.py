"""The schema of the dataset's rows and what assembling gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.writing.model import MESSAGE_STRUCT

SPLITS = ("train", "validation", "test")

PAGE_STRUCT = pl.Struct(
    {
        "chunk_id": pl.String,
        "book": pl.String,
        "title": pl.String,
        "section": pl.String,
        "page_start": pl.Int64,
        "page_end": pl.Int64,
        "paged": pl.Boolean,  # False where page is the ordinal of a section
        "licence": pl.String,
    }
)

ROWS_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "text": pl.String,
        "messages": pl.List(MESSAGE_STRUCT),
        "instruction": pl.String,  # null unless the format is qa
        "response": pl.String,  # null unless the format is qa
        "format": pl.String,  # expository | qa | dialogue
        "cross_domain": pl.Boolean,  # False for standalone rows
        "style": pl.String,
        "domains": pl.List(pl.String),
        "books": pl.List(pl.String),
        "titles": pl.List(pl.String),
        "chunk_ids": pl.List(pl.String),
        "pages": pl.List(PAGE_STRUCT),
        "licences": pl.List(pl.String),
        "concepts": pl.List(pl.String),
        "signals": pl.List(pl.String),
        "score": pl.Float64,
        "author": pl.String,
        "model": pl.String,
        "prompt_sha256": pl.String,
        "pair_id": pl.String,
        "quoted_share": pl.Float64,
    }
)

LEFT_OUT_SCHEMA = pl.Schema(
    {
        "id": pl.String,  # of the text; for passages never written about, of the chunk
        "pair_id": pl.String,
        "chunk_ids": pl.List(pl.String),
        "format": pl.String,
        "cross_domain": pl.Boolean,
        "reason": pl.String,
        "detail": pl.List(pl.String),
    }
)


class EmptyDatasetError(Exception):
    """There is not a single row to save; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SftResult:
    """The dataset before it is saved.

    `splits` maps train, validation and test to rows of `ROWS_SCHEMA`; `left_out` has one
    row for everything available that is not in them; `report` is JSON-like and holds the
    counts, which conserve: available = kept + left out.
    """

    splits: dict[str, pl.DataFrame]
    left_out: pl.DataFrame
    report: dict[str, Any]

    @property
    def rows(self) -> int:
        """Rows in all splits together."""
        return sum(frame.height for frame in self.splits.values())
