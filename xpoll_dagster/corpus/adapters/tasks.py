"""Adapters of tasks that a text and what is to be made of it define."""

from __future__ import annotations

import polars as pl

from xpoll_dagster.corpus.adapters.model import Adapter, AdapterOptions, Normalised, Record, text
from xpoll_dagster.corpus.adapters.rows import finish_rows

_INPUTS = ("inputs_pretokenized", "inputs", "source", "input")
_TARGETS = ("targets_pretokenized", "targets", "target")


def _has_texts(record: Record, *names: tuple[str, ...]) -> bool:
    return all(any(isinstance(record.get(name), str) for name in some) for some in names)


def _targets(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    defined = pl.col("definition").fill_null("") != ""
    rows = frame.with_columns(
        instruction=pl.when(defined).then(pl.col("definition")).otherwise(pl.col("given")),
        input=pl.when(defined).then(pl.col("given")).otherwise(pl.lit("")),
    )
    return finish_rows(rows, options)


INPUTS_TARGETS = Adapter(
    name="inputs_targets",
    summary="FLAN, P3 (inputs_pretokenized), Aya, Natural Instructions rows (with a definition), "
    "Firefly: {inputs, targets}",
    columns=(
        # Where a set has both, the plain text and not the tokens is what is read.
        text("given", *_INPUTS, required=True),
        text("output", *_TARGETS, required=True),
        text("definition", "definition", "Definition"),
    ),
    adapt=_targets,
    recognise=lambda record: _has_texts(record, _INPUTS, _TARGETS),
    expand=lambda record: [
        # Tokens stand as numbers beside the texts.
        {name: value for name, value in record.items() if not isinstance(value, list)}
    ],
)

_DOCUMENTS = ("document", "article", "dialogue", "Full-Document")
_SUMMARIES = ("summary", "highlights", "Abstract")


def _summaries(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    return finish_rows(frame.with_columns(instruction=pl.lit("Summarise this text.")), options)


SUMMARY = Adapter(
    name="summary",
    summary="XSum, CNN/DailyMail, SAMSum, DialogSum, DebateSum: a text and its summary",
    columns=(
        text("input", *_DOCUMENTS, required=True),
        text("output", *_SUMMARIES, required=True),
    ),
    adapt=_summaries,
    category="analytical",
    recognise=lambda record: _has_texts(record, _DOCUMENTS, _SUMMARIES),
)
