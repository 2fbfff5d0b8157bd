"""Many answers of a given form: asked for, read, and asked for again where they are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel

from xpoll_dagster.writing.completion.options import CompletionOptions
from xpoll_dagster.writing.completion.parsing import Parsed, parse_json, without_thoughts
from xpoll_dagster.writing.completion.progress import Progress, ProgressMeter
from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    Engine,
    FinishReason,
    Sampling,
)
from xpoll_dagster.writing.model import Message

T = TypeVar("T")

_MAX_REASON_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """One answer to get.

    `answer` is the form it must have, a pydantic model, or None for plain text. `check` looks
    at an answer of the right form and says in a sentence for the model what is wrong with
    it, or None.
    """

    messages: tuple[Message, ...]
    answer: type[T] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    check: Callable[[T], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Structured(Generic[T]):
    """What came of a job: a `value`, or the `problems` of its last answer.

    `raw` is the model's last answer as it came. `retried_for` are the reasons of the
    retries, so there was one more round than it is long. Tokens are summed over all rounds,
    whether sent or cached; `cached` says that nothing had to be sent. `repaired` tells
    that the JSON was broken and has been mended.
    """

    value: T | None
    problems: tuple[str, ...] = ()
    raw: str = ""
    finish_reason: FinishReason = "stop"
    rounds: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    retried_for: tuple[str, ...] = ()
    repaired: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class _Next:
    """How a job is put again, and why."""

    messages: tuple[Message, ...]
    sampling: Sampling
    raised: bool = False


def complete_structured(
    engine: Engine,
    jobs: Sequence[Job[T]],
    options: CompletionOptions | None = None,
    on_progress: ProgressMeter | Callable[[Progress], None] | None = None,
) -> list[Structured[T]]:
    """Put every job to the engine, one batch a round; `result[i]` is that of `jobs[i]`.

    A wrong answer (not readable, not of the form, or found wrong by the job's check) is asked
    for again with the reason: it stands in the conversation as the model's turn, shortened
    if long, and the reason follows as a further message of the user, so roles alternate as
    chat templates demand, and a cache or temperature 0 cannot repeat the wrong answer.
    An answer that was cut is asked for once more with a larger `max_tokens`, with nothing
    added; cut again, it is given up, as are requests that the engine calls hopeless and
    those that a server's filter withheld.

    Args:
        engine: What completes; in most cases a `CachedEngine`.
        jobs: What to ask.
        options: Rounds and bounds.
        on_progress: What to call with the progress now and then and at the end, or a meter to
            count in, which goes on: its owner asks for its last report.

    Raises:
        EngineError: The engine as a whole cannot go on.
    """
    options = options or CompletionOptions()
    meter = _meter(on_progress, options)
    results: list[Structured[T] | None] = [None] * len(jobs)
    waiting = {place: _Next(job.messages, job.sampling) for place, job in enumerate(jobs)}
    for number in range(1, options.rounds + 1):
        if not waiting:
            break
        places = list(waiting)
        meter.begin(len(places), again=number > 1)
        completions = engine.complete(
            [_request(waiting[place], jobs[place]) for place in places],
            on_completion=lambda _, completion: meter.add(completion),
        )
        again: dict[int, _Next] = {}
        for place, completed in zip(places, completions, strict=True):
            job, completion = jobs[place], _encodable(completed)
            parsed = _parse(completion, job, options)
            results[place] = _joined(results[place], completion, parsed)
            if parsed.problem and number < options.rounds:
                following = _following(waiting[place], job, completion, parsed, options)
                if following is not None:
                    again[place] = following
        waiting = again
    if meter is not on_progress:
        meter.tell()
    return cast("list[Structured[T]]", results)


def _meter(
    on_progress: ProgressMeter | Callable[[Progress], None] | None, options: CompletionOptions
) -> ProgressMeter:
    if isinstance(on_progress, ProgressMeter):
        return on_progress
    return ProgressMeter(on_progress, options.progress_seconds, options.prices)


def first_request(job: Job[Any]) -> ChatRequest:
    """What is sent for a job in the first round."""
    return _request(_Next(job.messages, job.sampling), job)


def _request(following: _Next, job: Job[Any]) -> ChatRequest:
    schema = None if job.answer is None else _schema(job.answer)
    return ChatRequest(following.messages, following.sampling, schema)


@lru_cache(maxsize=256)
def _schema(answer: type[BaseModel]) -> dict[str, Any]:
    return answer.model_json_schema()


def _encodable(completion: Completion) -> Completion:
    """The same without lone surrogates, which neither a server nor a table would take."""
    text = completion.text.encode("utf-8", "replace").decode("utf-8")
    return completion if text == completion.text else replace(completion, text=text)


def _parse(completion: Completion, job: Job[Any], options: CompletionOptions) -> Parsed[Any]:
    finished = completion.finish_reason == "stop"
    if completion.finish_reason == "error":
        return Parsed(problem=completion.error or "The request failed, without any reason given.")
    if completion.finish_reason == "refused":
        return Parsed(problem="The server's filter withheld the answer.")
    parsed: Parsed[Any]
    if job.answer is None:
        text = without_thoughts(completion.text)
        parsed = Parsed(text) if text else Parsed(problem="The answer is empty.")
    else:
        parsed = parse_json(completion.text, job.answer, options, finished=finished)
    # A model may go on with white space after the object's end; such an answer is whole.
    if not finished and (job.answer is None or parsed.problem):
        problem = f"The answer was cut after {completion.completion_tokens} tokens."
        return Parsed(problem=problem, cut=True)
    if not parsed.problem and job.check is not None:
        wrong = job.check(parsed.value)
        if wrong is not None:
            return Parsed(problem=wrong or "The answer is wrong.")
    return parsed


def _joined(
    before: Structured[T] | None, completion: Completion, parsed: Parsed[Any]
) -> Structured[T]:
    now: Structured[T] = Structured(
        value=parsed.value,
        problems=(parsed.problem,) if parsed.problem else (),
        raw=completion.text,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        repaired=parsed.repaired,
        cached=completion.cached,
    )
    if before is None:
        return now
    return replace(
        now,
        # A round that brings no answer at all must not hide the one that was there.
        raw=now.raw or before.raw,
        rounds=before.rounds + 1,
        prompt_tokens=before.prompt_tokens + now.prompt_tokens,
        completion_tokens=before.completion_tokens + now.completion_tokens,
        retried_for=before.retried_for + before.problems,
        cached=before.cached and now.cached,
    )


def _following(
    last: _Next,
    job: Job[Any],
    completion: Completion,
    parsed: Parsed[Any],
    options: CompletionOptions,
) -> _Next | None:
    """How to ask again, or None where that is hopeless."""
    if completion.finish_reason in ("error", "refused"):
        return None
    if parsed.cut:
        limit = min(
            options.max_tokens_cap, math.ceil(last.sampling.max_tokens * options.length_growth)
        )
        if last.raised or limit <= last.sampling.max_tokens:
            return None
        return replace(
            last, sampling=last.sampling.model_copy(update={"max_tokens": limit}), raised=True
        )
    # Always from the first messages: a conversation of failures would grow with every round.
    wrong = _bounded(completion.text.strip(), options.max_quoted_chars) or "(no answer)"
    asked = (
        *job.messages,
        Message("assistant", wrong),
        Message("user", _reason(parsed.problem, job)),
    )
    return replace(last, messages=asked)


def _reason(problem: str, job: Job[Any]) -> str:
    lines = [
        "That answer cannot be used.",
        f"What is wrong with it: {_bounded(problem, _MAX_REASON_CHARS)}",
    ]
    if job.answer is None:
        lines.append("Give the whole answer again, corrected, and nothing else.")
    else:
        fields = ", ".join(f'"{name}"' for name in _schema(job.answer).get("properties", {}))
        lines.append(
            "Give the whole answer again, corrected, as one JSON object"
            + (f" with the fields {fields}" if fields else "")
            + " and nothing else."
        )
    return "\n".join(lines)


def _bounded(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"
