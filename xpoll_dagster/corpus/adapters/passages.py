"""Adapters of questions on a passage that stands in parts, or goes on from question to question."""

from __future__ import annotations

from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.conversations import conversation_rows
from xpoll_dagster.corpus.adapters.model import (
    Adapter,
    AdapterOptions,
    Column,
    Kind,
    Normalised,
    Record,
    WrongTypeError,
    text,
)
from xpoll_dagster.corpus.adapters.rows import finish_rows
from xpoll_dagster.corpus.reading.batches import kind_of

# -- one question ----------------------------------------------------------------------------


def _expand_spans(record: Record) -> list[Record]:
    answers = record.get("answers_spans")
    spans = answers.get("spans") if isinstance(answers, dict) else None
    if not isinstance(spans, list) or not all(isinstance(span, str) for span in spans):
        raise WrongTypeError(f"answers_spans.spans is {kind_of(spans)}, not a list of texts")
    return [
        {
            "instruction": record.get("question"),
            "input": record.get("passage"),
            # The spans of one answer, and the same again by other annotators.
            "output": ", ".join(dict.fromkeys(spans)),
        }
    ]


def _expand_parts(record: Record) -> list[Record]:
    context = record.get("context")
    if isinstance(context, dict):
        context = list(
            zip(context.get("title") or [], context.get("sentences") or [], strict=False)
        )
    parts = []
    for part in context if isinstance(context, list) else []:
        if not (isinstance(part, list | tuple) and len(part) == 2 and isinstance(part[1], list)):
            raise WrongTypeError(f"a part of the context is {kind_of(part)}, not title and text")
        parts.append(f"{part[0]}: {''.join(map(str, part[1])).strip()}")
    return [
        {
            "instruction": record.get("question"),
            "input": "\n\n".join(parts),
            "output": record.get("answer"),
        }
    ]


def _expand_story(record: Record) -> list[Record]:
    document, question, answers = (record.get(n) for n in ("document", "question", "answers"))
    summary = document.get("summary") if isinstance(document, dict) else None
    first = answers[0] if isinstance(answers, list) and answers else None
    return [
        {
            "instruction": question.get("text") if isinstance(question, dict) else question,
            "input": summary.get("text") if isinstance(summary, dict) else None,
            "output": first.get("text") if isinstance(first, dict) else first,
        }
    ]


_FIELDS = (text("instruction", required=True), text("input"), text("output", required=True))


SPANS = Adapter(
    name="drop",
    summary="DROP: {passage, question, answers_spans: {spans}}",
    columns=_FIELDS,
    adapt=finish_rows,
    category="factual",
    recognise=lambda record: {"passage", "question", "answers_spans"} <= set(record),
    expand=_expand_spans,
)

PARTS = Adapter(
    name="hotpot",
    summary="HotpotQA: {question, answer, context: titles with their sentences}",
    columns=_FIELDS,
    adapt=finish_rows,
    category="factual",
    recognise=lambda record: (
        {"question", "answer", "supporting_facts"} <= set(record)
        and isinstance(record.get("context"), dict | list)
    ),
    expand=_expand_parts,
)

STORIES = Adapter(
    name="narrative_qa",
    summary="NarrativeQA: {document: {summary: {text}}, question: {text}, answers: [{text}]}; the "
    "question is put on the summary",
    columns=_FIELDS,
    adapt=finish_rows,
    category="factual",
    recognise=lambda record: (
        isinstance(record.get("document"), dict)
        and isinstance(record.get("question"), dict)
        and isinstance(record.get("answers"), list)
    ),
    expand=_expand_story,
)

# -- one question after the other ------------------------------------------------------------

_NO_ANSWER = ("CANNOTANSWER", "unknown")


def _expand_series(record: Record) -> list[Record]:
    passage = record.get("story", record.get("context"))
    if not isinstance(passage, str):
        raise WrongTypeError(f"the passage is {kind_of(passage)}, not a text")
    passage = passage.strip().removesuffix("CANNOTANSWER").rstrip()
    questions, answers = record.get("questions"), record.get("answers")
    if isinstance(answers, dict):
        answers = answers.get("input_text", answers.get("texts"))
    if not isinstance(questions, list) or not isinstance(answers, list):
        raise WrongTypeError("questions or answers are no list")
    if len(questions) != len(answers):
        raise WrongTypeError("there are not as many answers as questions")
    said: list[Any] = []
    for question, answer in zip(map(_said, questions), map(_said, answers), strict=True):
        asked = question if said else f"{passage}\n\n{question}"
        said += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return [{"turns": said}]


def _said(item: Any) -> str:
    if isinstance(item, dict):
        item = item.get("input_text")
    if isinstance(item, list):  # by several annotators
        item = item[0] if item else None
    if not isinstance(item, str):
        raise WrongTypeError(f"a question or answer is {kind_of(item)}, not a text")
    return item.removesuffix("CANNOTANSWER").strip() or item


def _series(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    said = pl.element().struct.field("content")
    turns = pl.col("turns").list.eval(
        pl.element().struct.with_fields(
            content=pl.when(
                said.is_in(_NO_ANSWER) & (pl.element().struct.field("role") == "assistant")
            )
            .then(pl.lit(options.unanswerable))
            .otherwise(said)
        )
    )
    return conversation_rows(frame.with_columns(turns), options)


SERIES = Adapter(
    name="conversational_qa",
    summary="CoQA (story) and QuAC (context): questions on one passage that follow each other, as "
    "a conversation",
    columns=(Column("turns", Kind.TURNS, ("turns",), required=True),),
    adapt=_series,
    category="factual",
    recognise=lambda record: (
        isinstance(record.get("story", record.get("context")), str)
        and isinstance(record.get("questions"), list)
        and isinstance(record.get("answers"), dict | list)
    ),
    expand=_expand_series,
)
