"""A language model as judge of bridges and questions: marks from 1 to 5, against the passages.

Bridges are marked for relevance, faithfulness and the integration of both passages (after
MDCure, arXiv 2410.23463), questions for groundedness, standing alone and answerability (after
the RAG evaluation recipe of the Hugging Face cookbook). The judge says what is wrong before
it marks, and sees the passages: a judge that does not can only guess at faithfulness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from pydantic import BaseModel

from xpoll_dagster.writing.completion.progress import Progress, ProgressMeter
from xpoll_dagster.writing.completion.structured import Job, Structured, complete_structured
from xpoll_dagster.writing.engines.model import Engine
from xpoll_dagster.writing.llm.answers import BridgeMarks, QuestionMarks
from xpoll_dagster.writing.llm.data import harmless, side_of
from xpoll_dagster.writing.llm.options import JudgeOptions, LLMOptions
from xpoll_dagster.writing.llm.outcome import problems_of
from xpoll_dagster.writing.llm.prompts import Prompt, PromptLibrary, sampling_of
from xpoll_dagster.writing.model import Passage

OnProgress = ProgressMeter | Callable[[Progress], None] | None

BRIDGE_MARKS = ("relevance", "faithfulness", "integration")
QUESTION_MARKS = ("groundedness", "standalone", "answerability")

UNWRITTEN = "there is nothing to judge"
TOO_LONG = "too long for a prompt"


def verdicts_schema(marks: Sequence[str]) -> pl.Schema:
    """The columns of a table of verdicts, keyed by `id`, to be joined to the judged table."""
    return pl.Schema(
        {
            "id": pl.String,
            "judge": pl.String,  # the judge's model
            "judge_prompt_sha256": pl.String,
            **{f"judge_{mark}": pl.Int64 for mark in marks},  # 1 to 5, null where there are none
            "judge_score": pl.Float64,  # mean of the marks
            "judge_accepted": pl.Boolean,  # null where there are none
            "judge_reason": pl.String,  # marks and reason in a line; else what came instead
            "judge_raw": pl.String,  # the whole answer
            "judge_problem": pl.String,  # why there are no marks; null where there are
        }
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One row to judge: its id and what the prompt is filled with, or why it cannot be."""

    id: str
    values: Mapping[str, Any]
    problem: str = ""


def judge_bridges(
    engine: Engine,
    texts: pl.DataFrame,
    passages: Mapping[str, Passage],
    options: LLMOptions | None = None,
    on_progress: OnProgress = None,
) -> pl.DataFrame:
    """Judge texts about two passages.

    Args:
        engine: The judge; the author's engine or another.
        texts: `id`, `left_chunk`, `right_chunk` and `text` of each (rows of
            `PAIR_TEXTS_SCHEMA`).
        passages: The passages by chunk.
        options: Prompts, sampling, rounds and the marks that accept.
        on_progress: As in `complete_structured`.

    Returns:
        One row for each text, in order, by `verdicts_schema(BRIDGE_MARKS)`.

    Raises:
        KeyError: A text's chunk is not among the passages.
        EngineError: The engine cannot go on.
    """
    options = options or LLMOptions()
    cases = []
    for row in texts.select("id", "left_chunk", "right_chunk", "text").iter_rows(named=True):
        a, b = (side_of(passages[row[name]]) for name in ("left_chunk", "right_chunk"))
        text = harmless(row["text"] or "").strip()
        problem = _problem(options, text, a["text"], b["text"])
        cases.append(Case(row["id"], {"a": a, "b": b, "text": text}, problem))

    def accepts(marks: Sequence[int], wanted: JudgeOptions) -> bool:
        mean = sum(marks) / len(marks)
        return mean >= wanted.min_bridge_mean and min(marks) >= wanted.min_bridge_mark

    return judge_cases(
        engine, cases, "bridge", BridgeMarks, BRIDGE_MARKS, accepts, options, on_progress
    )


def judge_questions(
    engine: Engine,
    questions: pl.DataFrame,
    passages: Mapping[str, Passage],
    options: LLMOptions | None = None,
    on_progress: OnProgress = None,
) -> pl.DataFrame:
    """Judge questions with their answers against the passage they are about.

    Args:
        engine: The judge; the author's engine or another.
        questions: `id`, `chunk_id`, `question` and `answer` of each (rows of
            `QUESTIONS_SCHEMA`).
        passages: The passages by chunk.
        options: Prompts, sampling, rounds and the marks that accept.
        on_progress: As in `complete_structured`.

    Returns:
        One row for each question, in order, by `verdicts_schema(QUESTION_MARKS)`.

    Raises:
        KeyError: A question's chunk is not among the passages.
        EngineError: The engine cannot go on.
    """
    options = options or LLMOptions()
    cases = []
    for row in questions.select("id", "chunk_id", "question", "answer").iter_rows(named=True):
        source = side_of(passages[row["chunk_id"]])
        asked = harmless(row["question"] or "").strip()
        answer = harmless(row["answer"] or "").strip()
        problem = _problem(options, asked, answer, source["text"])
        values = {"source": source, "question": asked, "answer": answer}
        cases.append(Case(row["id"], values, problem))

    def accepts(marks: Sequence[int], wanted: JudgeOptions) -> bool:
        return min(marks) >= wanted.min_question_mark

    return judge_cases(
        engine, cases, "question", QuestionMarks, QUESTION_MARKS, accepts, options, on_progress
    )


def judge_cases(
    engine: Engine,
    cases: Sequence[Case],
    style: str,
    form: type[BaseModel],
    names: Sequence[str],
    accepts: Callable[[Sequence[int], JudgeOptions], bool],
    options: LLMOptions,
    on_progress: OnProgress = None,
) -> pl.DataFrame:
    """Put every case to the judge and tabulate its verdicts.

    Args:
        engine: The judge.
        cases: What to judge.
        style: The prompt's file among those of the task `judge`.
        form: The answer's form, with `reason` and a field for each mark.
        names: The marks' names.
        accepts: Whether the marks are good enough.
        options: Prompts, sampling, rounds and the marks that accept.
        on_progress: As in `complete_structured`.

    Returns:
        One row for each case, in order, by `verdicts_schema(names)`.
    """
    prompt = PromptLibrary(options.prompts_dir).get("judge", style)
    jobs: list[Job[Any]] = [
        Job(prompt.fill(case.values), form, sampling_of(prompt, options))
        for case in cases
        if not case.problem
    ]
    results = iter(complete_structured(engine, jobs, options.completion, on_progress))
    rows = [
        _row(case, prompt, engine.model, names, accepts, options.judge, results) for case in cases
    ]
    return pl.DataFrame(rows, schema=verdicts_schema(names), orient="row")


def _row(
    case: Case,
    prompt: Prompt,
    model: str,
    names: Sequence[str],
    accepts: Callable[[Sequence[int], JudgeOptions], bool],
    wanted: JudgeOptions,
    results: Any,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": case.id,
        "judge": model,
        "judge_prompt_sha256": prompt.sha256,
        "judge_problem": case.problem or None,
    }
    if case.problem:
        return row
    result: Structured[Any] = next(results)
    row["judge_raw"] = result.raw
    if result.value is None:
        problem = ", ".join(problems_of(result, ()))
        return row | {"judge_problem": problem, "judge_reason": f"{problem}: {result.raw}"}
    marks = [getattr(result.value, name) for name in names]
    said = ", ".join(f"{name} {mark}" for name, mark in zip(names, marks, strict=True))
    return row | {
        **{f"judge_{name}": mark for name, mark in zip(names, marks, strict=True)},
        "judge_score": sum(marks) / len(marks),
        "judge_accepted": accepts(marks, wanted),
        "judge_reason": f"{said}: {result.value.reason.strip()}",
    }


def _problem(options: LLMOptions, *texts: str) -> str:
    if not all(texts):
        return UNWRITTEN
    return TOO_LONG if any(len(text) > options.max_passage_chars for text in texts) else ""
