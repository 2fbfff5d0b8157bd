"""Reading a model's answer: what surrounds it is taken off, broken JSON mended, fields checked.

The answer is hostile until it has been validated: size, nesting and time are bounded.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from xpoll_dagster.writing.completion.options import CompletionOptions

T = TypeVar("T", bound=BaseModel)

_THOUGHTS = ("think", "thinking", "reasoning")
_MAX_STARTS = 50
_MAX_ERRORS = 5
_MAX_REASON_CHARS = 600


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """An answer that was read, or why it could not be: `problem` is a sentence for the model.

    `repaired` says that its JSON was mended, `cut` that it ended at `max_tokens`.
    """

    value: T | None = None
    problem: str = ""
    repaired: bool = False
    cut: bool = False


def without_thoughts(text: str) -> str:
    """The answer without the thinking before it (`<think>…</think>`), white space trimmed.

    Some chat templates open the thinking themselves, so a closing tag alone ends it too;
    thinking that was never closed leaves nothing.
    """
    text = text.strip()
    for name in _THOUGHTS:
        _, closed, after = text.rpartition(f"</{name}>")
        if closed:
            text = after.lstrip()
        elif text.startswith(f"<{name}>"):
            text = ""
    return text


def parse_json(
    text: str, answer: type[T], options: CompletionOptions, *, finished: bool = True
) -> Parsed[T]:
    """Read an answer that should be one JSON object.

    Tried in this order: the whole answer; the first JSON object in it that fits, after the
    thinking and whatever code fence or preamble stands before it; broken JSON, mended by
    json-repair (only of a `finished` answer: a cut one would be closed as if it were whole).
    """
    if len(text) > options.max_answer_chars:
        return Parsed(problem=f"The answer is too long to be read: {len(text)} characters.")
    problem = ""
    try:
        return Parsed(answer.model_validate_json(text.strip()))
    except ValidationError as error:
        if not _is_syntax(error):
            problem = _problem(error)
    bare = without_thoughts(text)
    start = bare.find("{")
    if start < 0:
        return Parsed(problem=problem or _no_object(bare))
    whole = False
    for place, found in _objects(bare, start):
        try:
            return Parsed(_validated(found, answer))
        except ValidationError as error:
            if place == start:
                whole = True
                problem = problem or _problem(error)
    # What stands inside a broken object says nothing of the object.
    if whole or problem or not (options.repair and finished):
        return Parsed(problem=problem or "The answer is not valid JSON.")
    if len(bare) - start > options.max_repair_chars:
        return Parsed(problem="The answer is not valid JSON, and too long to be mended.")
    return _repaired(bare[start:], answer)


def _repaired(text: str, answer: type[T]) -> Parsed[T]:
    import json_repair

    try:
        mended = json_repair.loads(text, skip_json_loads=True)
        return Parsed(_validated(mended, answer), repaired=True)
    except ValidationError as error:
        return Parsed(problem=_problem(error))
    except (ValueError, RecursionError):  # nested deeper than json-repair goes
        return Parsed(problem="The answer is not valid JSON.")


def _objects(text: str, start: int) -> Iterator[tuple[int, Any]]:
    """The JSON objects that begin at an opening brace, with its place; outer before inner."""
    decoder = json.JSONDecoder()
    for _ in range(_MAX_STARTS):
        if start < 0:
            return
        with contextlib.suppress(ValueError, RecursionError):  # no object begins here
            yield start, decoder.raw_decode(text, start)[0]
        start = text.find("{", start + 1)


def _validated(value: Any, answer: type[T]) -> T:
    # Through JSON, so that an object is judged as the plain answer would have been.
    return answer.model_validate_json(json.dumps(value))


def _is_syntax(error: ValidationError) -> bool:
    return any(item["type"] == "json_invalid" for item in error.errors(include_url=False))


def _no_object(text: str) -> str:
    return "The answer holds no JSON object." if text else "The answer is empty."


def _problem(error: ValidationError) -> str:
    """What is wrong, field by field; the wrong values are left out."""
    items = error.errors(include_url=False, include_input=False, include_context=False)
    told = [
        f"{'.'.join(map(str, item['loc'])) or 'the answer'}: {item['msg']}"
        for item in items[:_MAX_ERRORS]
    ]
    if len(items) > _MAX_ERRORS:
        told.append(f"and {len(items) - _MAX_ERRORS} more")
    return f"The JSON does not fit the schema: {'; '.join(told)}."[:_MAX_REASON_CHARS]
