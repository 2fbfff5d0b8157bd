"""What came of a job: a value, an origin and problems."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from xpoll_dagster.writing.completion.options import CompletionOptions
from xpoll_dagster.writing.completion.parsing import parse_json, without_thoughts
from xpoll_dagster.writing.completion.structured import Structured
from xpoll_dagster.writing.model import Origin

CUT = "cut at the most tokens"
FAILED = "the request failed"
WITHHELD = "withheld by the server's filter"
WRONG_FORM = "the answer has not the form asked for"
_NAMED = {"length": CUT, "error": FAILED, "refused": WITHHELD}


def value_of(
    result: Structured[Any], form: Any, left_to_gates: Collection[str], options: CompletionOptions
) -> Any:
    """The job's value, or the last answer where only the gates can say whether it will do.

    A check's reasons for asking again are coarser than the gates: what still fails one of
    those in `left_to_gates` after the last round is handed on, to be measured by them.

    Args:
        result: What came of a job.
        form: The job's form; None for plain text.
        left_to_gates: Reasons that do not reject by themselves.
        options: The bounds of reading.

    Returns:
        The value; None where there is none.
    """
    if result.value is not None or result.finish_reason != "stop" or not result.problems:
        return result.value
    if _reason(result.problems[0]) not in left_to_gates:
        return None
    if form is None:
        return without_thoughts(result.raw) or None
    return parse_json(result.raw, form, options).value


def problems_of(result: Structured[Any], reasons: Collection[str]) -> tuple[str, ...]:
    """Why there is no value, in words that can be counted; none where there is one.

    Args:
        result: What came of a job.
        reasons: The reasons that the job's check may give, without what follows their colon.
    """
    if not result.problems:
        return ()
    named = _NAMED.get(result.finish_reason)
    found = map(_reason, result.problems)
    return tuple(named or (reason if reason in reasons else WRONG_FORM) for reason in found)


def origin_of(model: str, prompt_sha256: str, result: Structured[Any]) -> Origin:
    """Who wrote it; with the raw answer, or else the error, where it is not as asked for."""
    raw = (result.raw or " ".join(result.problems)) if result.problems else ""
    return Origin("llm", model, prompt_sha256, result.finish_reason, raw)


def _reason(problem: str) -> str:
    return problem.split(":", maxsplit=1)[0].rstrip(".")
