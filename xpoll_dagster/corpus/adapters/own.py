"""Adapters of what this project makes itself: its dataset of pairs, and its questions."""

from __future__ import annotations

from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.conversations import conversation_rows
from xpoll_dagster.corpus.adapters.model import (
    UNIT,
    Adapter,
    AdapterOptions,
    Column,
    Kind,
    Normalised,
    Record,
    text,
)
from xpoll_dagster.corpus.adapters.rows import finish_rows
from xpoll_dagster.corpus.licences import strictness


def _expand_row(record: Record) -> list[Record]:
    return [{**record, "licence": joined_licence(record.get("licences"))}]


def joined_licence(licences: Any) -> str | None:
    """The licence of a text made from several: all of them, the strictest first."""
    if not isinstance(licences, list):
        return None
    known = {one.strip() for one in licences if isinstance(one, str) and one.strip()}
    return " AND ".join(sorted(known, key=lambda one: (-strictness(one), one))) or None


def _dataset(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    crossing = pl.col("cross_domain") == 1.0
    return conversation_rows(
        frame.with_columns(
            _category=pl.when(crossing).then(pl.lit("cross_domain")), _license=pl.col("licence")
        ),
        options,
    )


DATASET = Adapter(
    name="own_dataset",
    summary="The project's cross-pollinated dataset",
    columns=(
        Column("turns", Kind.TURNS, ("messages",), required=True),
        Column("cross_domain", Kind.NUMBER, ("cross_domain",), required=True),
        text("licence"),
    ),
    adapt=_dataset,
    category="factual",
    recognise=lambda record: {"messages", "cross_domain", "licences", "chunk_ids"} <= set(record),
    expand=_expand_row,
)


def _questions(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    accepted = pl.col("accepted").fill_null(1.0) == 1.0
    why = pl.col("rejected_by").list.join(", ").fill_null("")
    refused = frame.filter(~accepted).select(
        UNIT, reason=pl.lit("a gate refused the question: ") + why
    )
    return finish_rows(frame.filter(accepted), options, rejected=refused)


QUESTIONS = Adapter(
    name="own_questions",
    summary="The project's questions about its books",
    columns=(
        text("instruction", "question", required=True),
        text("output", "answer", required=True),
        Column("accepted", Kind.NUMBER, ("accepted",)),
        Column("rejected_by", Kind.TEXTS, ("rejected_by",)),
    ),
    adapt=_questions,
    category="factual",
    recognise=lambda record: {"question", "answer", "chunk_id"} <= set(record),
)
