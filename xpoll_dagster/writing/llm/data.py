"""Texts of books as data in a prompt: made harmless, bounded, and marked off.

Whatever stands in a book, its title or a model's earlier answer is data. The tags around
it carry a mark that it does not hold, and what chat templates use as control tokens is
broken up, so that no text can end its block, or the turn of the conversation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xpoll_dagster.writing.attribution import plain_title
from xpoll_dagster.writing.fields import field_of
from xpoll_dagster.writing.model import Passage

_MARK_LENGTH = 12
_MAX_NAME = 80
# Control tokens of the chat templates in use: <|eot_id|>, <s>, [INST], <start_of_turn>, <think>.
_CONTROL = re.compile(
    r"<(?=[|｜])|(?<=[|｜])>|<(?=/?(?:s|bos|eos|pad|unk|mask|think|thinking|reasoning|tool_call|"
    r"tool_response|start_of_turn|end_of_turn|start_of_image|unused\d+|image)>)|<(?=</?SYS>>)|"
    r"\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|IMG|"
    r"THINK)\])",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


def harmless(text: str) -> str:
    """A text without control characters, its chat control tokens broken by a space."""
    text = _INVISIBLE.sub("", text).encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(lambda found: f" {found[0]}" if found[0] == ">" else f"{found[0]} ", text)


def side_of(passage: Passage) -> dict[str, str]:
    """What a prompt may say of a passage: title, field, speaker of the field, and text."""
    field = field_of(passage.domain)
    return {
        "title": harmless(plain_title(passage.title)),
        "field": _name(field.name),
        "speaker": _name(field.speaker),
        "text": harmless(passage.text).strip(),
    }


def _name(name: str) -> str:
    return " ".join(harmless(name).split())[:_MAX_NAME].strip()


def end_of(text: str, limit: int) -> str:
    """The last words of a text, in at most `limit` characters."""
    text = harmless(text).strip()
    if len(text) <= limit:
        return text
    return text[len(text) - limit :].split(maxsplit=1)[-1] if limit else ""


def beginning_of(text: str, limit: int) -> str:
    """The first words of a text, in at most `limit` characters."""
    text = harmless(text).strip()
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(maxsplit=1)[0] if limit else ""


def mark_for(values: Any, derived_from: Any) -> str:
    """A mark of 12 hex digits that follows from the content and stands nowhere in it."""
    seed = "\x1f".join(_texts(derived_from))
    held = "\x1f".join(_texts(values)).lower()
    number = 0
    while True:
        digest = hashlib.sha256(f"{number}\x1f{seed}".encode()).hexdigest()[:_MARK_LENGTH]
        if digest not in held:
            return digest
        number += 1


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _texts(each)
