"""Adapters of single instructions with their answers."""

from __future__ import annotations

from typing import Any

import polars as pl

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
from xpoll_dagster.corpus.categories import labelled_category
from xpoll_dagster.corpus.reading.batches import kind_of

INSTRUCTION = ("instruction", "prompt", "problem", "task", "instructions")
ANSWER = (
    "output",
    "response",
    # Where a record has both, the worked solution says more than the answer.
    "solution",
    "generated_solution",
    "answer",
    "completion",
    "expected_output",
    "target",
    "generation",
    "responses",
)
_NO_INPUT = (
    "<noinput>",
    "no input",
    "n/a",
    "none",
    "nan",
    "no input required",
    "no input needed",
    "not applicable",
)
LABEL = Column("label", Kind.JSON, ("category", "task_type"))


def _alpaca(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    given = pl.col("input").str.strip_chars(" .<>\n").str.to_lowercase()
    said = pl.col("input").fill_null("").str.strip_chars()
    rows = frame.with_columns(
        input=pl.when(given.is_in([word.strip("<>") for word in _NO_INPUT]))
        .then(pl.lit(""))
        # Some copies repeat the instruction as input.
        .when(said == pl.col("instruction").str.strip_chars())
        .then(pl.lit(""))
        .otherwise(said),
    )
    return finish_rows(_labelled(rows), options)


def _labelled(rows: pl.DataFrame) -> pl.DataFrame:
    if "label" not in rows.columns:
        return rows
    return rows.with_columns(_category=labelled_category(pl.col("label")))


ALPACA = Adapter(
    name="alpaca",
    summary="Alpaca, Code Alpaca, Dolly (context, response), MathInstruct, WizardLM, Magicoder "
    "(problem, solution), API-Bank, No Robots: instruction, perhaps input, output",
    columns=(
        text("instruction", *INSTRUCTION, required=True),
        text("input", "input", "context", "inputs"),
        text("output", *ANSWER, required=True),
        text("system", "system", "system_prompt", "system_message"),
        LABEL,
    ),
    adapt=_alpaca,
)


QUESTION = (
    "question",
    "query",
    "questionText",
    "Question",
    "Context",
    "user",
    "human",
    "Q",
    "question_text",
    "user_query",
    "patient",
    "Patient",
    "prompt",
    "instruction",
    "input",
    "Description",
    "post",
    "dilemma",
    "topic",
    "context",
)
REPLY = (
    "answer",
    "response",
    "Response",
    "answerText",
    "Answer",
    "assistant",
    "A",
    "output",
    "answer_text",
    "answers",
    "completion",
    "solution",
    "doctor",
    "Doctor",
    "generated_solution",
    "responses",
    "reply",
    "counsel",
    "argument",
    "rationale",
    "reference_answer",
    "chatgpt",
    "best_answer",
)


def _is_answer(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], str)
    )


def _expand_answers(record: Record) -> list[Record]:
    """Of several answers the first, as NQ-Open lists them by merit."""
    listed = [name for name in REPLY if isinstance(record.get(name), list)]
    if not listed or any(isinstance(record.get(name), str) for name in REPLY):
        return [record]
    answers = record[listed[0]]
    return [{**record, listed[0]: answers[0] if answers else None}]


def _final_answer(said: pl.Expr) -> pl.Expr:
    """GSM8K's answers as a person would write them."""
    return said.str.replace_all(r"<<[^<>\n]*>>", "").str.replace(
        r"\n####[ \t]*([^\n]+?)\s*$", "\nThe answer is $1."
    )


def _question_answer(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    title = pl.col("title").fill_null("").str.strip_chars()
    question = pl.col("instruction").fill_null("").str.strip_chars()
    # A forum's title begins many a question; where it is not its beginning, it says more.
    asked = (
        pl.when(question == "")
        .then(title)
        .when((title == "") | question.str.starts_with(title))
        .then(question)
        .otherwise(title + "\n\n" + question)
    )
    context = pl.col("input").fill_null("").str.strip_chars()
    # The marks of worked sums tell the category better than any word.
    sums = pl.col("output").str.contains(r"<<[\d.+*/() -]+=|\n####[ \t]*[-$]?[\d.,]+\s*$")
    rows = frame.with_columns(
        _category=pl.when(sums).then(pl.lit("maths")).otherwise(labelled_category(pl.col("label"))),
        instruction=asked,
        input=pl.when(context == question).then(pl.lit("")).otherwise(context),
    )
    if options.calculator_marks == "remove":
        rows = rows.with_columns(output=_final_answer(pl.col("output")))
    return finish_rows(rows, options)


QUESTION_ANSWER = Adapter(
    name="question_answer",
    summary="GSM8K, OpenOrca (system_prompt), MetaMath (query), counselling sets (Context and "
    "Response, questionText and answerText): a question and its answer",
    columns=(
        text("instruction", *QUESTION, required=True),
        text("title", "questionTitle", "question_title"),
        text("input", "context", "passage", "article", "support"),
        text("output", *REPLY, required=True),
        text("system", "system_prompt", "system", "system_message"),
        LABEL,
    ),
    adapt=_question_answer,
    recognise=lambda record: (
        any(isinstance(record.get(n), str) for n in QUESTION)
        and any(_is_answer(record.get(n)) for n in REPLY)
        and not {"choices", "options"} & set(record)
    ),
    expand=_expand_answers,
)


# -- tasks with instances ------------------------------------------------------------------


def _expand_task(record: Record) -> list[Record]:
    instances = record.get("instances", record.get("Instances"))
    definition = record.get("Definition")
    if isinstance(definition, list) and all(isinstance(part, str) for part in definition):
        definition = "\n".join(definition)
    if not isinstance(instances, list):
        raise WrongTypeError(f"instances is {kind_of(instances)}, not a list")
    units: list[Record] = []
    for instance in instances:
        if not isinstance(instance, dict):
            raise WrongTypeError(f"an instance is {kind_of(instance)}, not an object")
        output = instance.get("output")
        units.append(
            {
                "instruction": record.get("instruction", definition),
                "input": instance.get("input"),
                "output": output[0] if isinstance(output, list) and output else output,
            }
        )
    return units


SELF_INSTRUCT = Adapter(
    name="self_instruct",
    summary="Self-Instruct seed tasks and Super-NaturalInstructions: an instruction with instances",
    columns=(text("instruction", required=True), text("input"), text("output")),
    adapt=_alpaca,
    recognise=lambda record: (
        ("instruction" in record and isinstance(record.get("instances"), list))
        or ("Definition" in record and isinstance(record.get("Instances"), list))
    ),
    expand=_expand_task,
)


# -- function calls --------------------------------------------------------------------------


def _calls(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    hint = "Answer with calls of these functions, as a JSON list:\n"
    rows = frame.with_columns(
        system=pl.lit(hint) + pl.col("tools"),
        output=pl.col("output"),
        _category=pl.lit("tool_use"),
    )
    return finish_rows(rows, options)


FUNCTION_CALLS = Adapter(
    name="function_calls",
    summary="xLAM and Berkeley style function calling: {query, tools, answers} as JSON",
    columns=(
        text("instruction", "query", "question", "user_query", "instruction", required=True),
        Column("tools", Kind.JSON, ("tools", "functions", "api_list"), required=True),
        Column(
            "output",
            Kind.JSON,
            ("answers", "answer", "calls", "tool_calls", "output"),
            required=True,
        ),
    ),
    adapt=_calls,
    category="tool_use",
    recognise=lambda record: (
        any(isinstance(record.get(n), str) for n in ("query", "question"))
        and any(n in record for n in ("tools", "functions", "api_list"))
        and any(n in record for n in ("answers", "answer", "calls", "tool_calls"))
    ),
)


# -- judged by turns -------------------------------------------------------------------------


def _expand_benchmark(record: Record) -> list[Record]:
    turns, answers = record.get("turns", record.get("prompt")), record.get("reference") or []
    if not isinstance(turns, list):
        raise WrongTypeError(f"turns is {kind_of(turns)}, not a list")
    if not isinstance(answers, list):
        raise WrongTypeError(f"reference is {kind_of(answers)}, not a list")
    said: list[Any] = []
    for question, answer in zip(turns, answers, strict=False):
        said += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return [
        {
            "instruction": turns[0] if turns else None,
            # A later question stands on the first, which an unanswered row cannot show else.
            "input": "\n\n".join(map(str, turns[1:])) if not answers else "",
            "output": answers[0] if answers else None,
            "turns": said or None,
            "field": record.get("category"),
        }
    ]


_FIELDS = {
    "writing": "creative",
    "roleplay": "creative",
    "reasoning": "analytical",
    "math": "maths",
    "coding": "code",
    "extraction": "instruction",
    "stem": "factual",
    "humanities": "analytical",
}


def _benchmark(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    rows = frame.rename({"turns": "messages"}).with_columns(
        _category=pl.col("field").replace_strict(_FIELDS, default=None, return_dtype=pl.String)
    )
    return finish_rows(rows, options)


MT_BENCH = Adapter(
    name="mt_bench",
    summary="MT-Bench questions: {question_id, category, turns, reference}; for decontamination",
    columns=(
        text("instruction", required=True),
        text("input"),
        text("output"),
        Column("turns", Kind.TURNS, ("turns",)),
        text("field"),
    ),
    adapt=_benchmark,
    recognise=lambda record: (
        ("question_id" in record and isinstance(record.get("turns"), list))
        or ("prompt_id" in record and isinstance(record.get("prompt"), list))
    ),
    expand=_expand_benchmark,
)
