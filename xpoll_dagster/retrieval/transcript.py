"""A completion, in any of the shapes trainers pass, → the searches made and the answer given.

Shapes: a list of messages (TRL, conversational), a dictionary with `messages` (ReZero's
trainer), a string (plain). Only what a tool returned counts as found: the messages of the roles
`tool`, `ipython` and `function`, and a user's message that is one `<information>` block, as
ReZero's loop inserts it. Text of the model itself is never evidence, so a plain string, in which
nobody can tell who wrote what, shows no search.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xpoll_dagster.retrieval.tool import read_results

_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?(?:answer|think|search|information)>", re.IGNORECASE)
_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_QUERY = re.compile(r"<search>(.*?)</search>", re.DOTALL | re.IGNORECASE)
_INFORMATION = re.compile(r"\s*<information>(.*)</information>\s*", re.DOTALL | re.IGNORECASE)
_TOOL_ROLES = frozenset({"tool", "ipython", "function"})
MAX_TEXT = 200_000
"""Characters of one message that are looked at."""


@dataclass(frozen=True, slots=True)
class Search:
    """One search: what was asked, and the ids of the texts that came back."""

    query: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a completion shows.

    `answer` is what stands between the answer tags of the last message, else that message
    without its thoughts; empty where there is none. `well_formed` says that the last message
    gives exactly one answer between tags, and nothing after it.
    """

    answer: str
    well_formed: bool
    searches: tuple[Search, ...]


def read_transcript(completion: Any) -> Transcript:
    """Read a completion; whatever has another shape shows nothing."""
    if isinstance(completion, str):
        return _finished(completion, ())
    messages = completion.get("messages") if isinstance(completion, Mapping) else completion
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        return Transcript("", well_formed=False, searches=())
    waiting: list[str] = []
    searches: list[Search] = []
    last = ""
    for message in messages:
        if not isinstance(message, Mapping):
            continue
        role, content = message.get("role"), _text(message.get("content"))
        if role == "assistant":
            calls = _queries(message.get("tool_calls"))
            waiting = calls or [query.strip() for query in _QUERY.findall(content)]
            last = "" if calls else content
        elif isinstance(role, str) and role in _TOOL_ROLES:
            searches.append(_search(waiting, content))
        elif role == "user" and (told := _INFORMATION.fullmatch(content)):
            searches.append(_search(waiting, told[1]))
    return _finished(last, tuple(searches))


def _finished(text: str, searches: tuple[Search, ...]) -> Transcript:
    text = text[:MAX_TEXT]
    outside = _THINK.sub("", text)
    answers = _ANSWER.findall(outside)
    answer = (answers[-1] if answers else outside).strip()
    well_formed = (
        len(answers) == 1
        and bool(answer)
        and _TAG.search(answer) is None
        and outside.rstrip().lower().endswith("</answer>")
    )
    if _TAG.search(answer):
        answer = _TAG.sub(" ", answer).strip()
    return Transcript(answer, well_formed, searches)


def _search(waiting: list[str], content: str) -> Search:
    return Search(waiting.pop(0) if waiting else "", tuple(read_results(content)))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content[:MAX_TEXT]
    if isinstance(content, Sequence):
        parts = [
            part["text"]
            for part in content
            if isinstance(part, Mapping) and isinstance(part.get("text"), str)
        ]
        return "".join(parts)[:MAX_TEXT]
    return ""


def _queries(calls: Any) -> list[str]:
    if isinstance(calls, str) or not isinstance(calls, Sequence):
        return []
    found = []
    for call in calls:
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            continue
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except (ValueError, RecursionError):
                arguments = None
        query = arguments.get("query") if isinstance(arguments, Mapping) else None
        found.append(query if isinstance(query, str) else "")
    return found
