"""Who somebody was, from what stands beside the name, and whom a leading "he" means."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xpoll_dagster.writing.rules.asking.candidate import Candidate, Context

_NAME = (
    r"((?:[A-Z][\w’'-]+|[A-Z]\.)(?: (?:(?:de|von|van|du|la|le|of) )?(?:[A-Z][\w’'-]+|[A-Z]\.))*)"
)
_APPOSITION = re.compile(rf"(?:^|(?<=[a-z] )){_NAME}, ((?:an?|the) [a-z][^,;:]{{8,90}})(?:,|\.$)")
_RELATIVE = re.compile(rf"(?:^|(?<=[a-z] )){_NAME}, who ([a-z][^,;:]{{25,140}})(?:,|\.$)")


def ask_people(sentence: str, context: Context) -> Iterator[Candidate]:
    """Questions for people and places from an apposition or a relative clause."""
    for match in _APPOSITION.finditer(sentence):
        name, said = match[1], match[2]
        kind = context.kinds.get(name, "")
        head = re.match(
            r"(?:an?|the) (?:[\w-]+ ){0,3}?([\w-]+)(?= (?:of|who|in|at|to|and|from|by|for)\b|$)",
            said,
        )
        if head is None:
            continue
        person = context.lexicon.is_person(head[1])
        if kind == "PERSON" and person and not re.search(r"\b(?:other|same|latter|former)\b", said):
            # The tense of the sentence is not known here; history is in the past.
            yield Candidate("apposition", f"Who was {name}?", said)
    for match in _RELATIVE.finditer(sentence):
        name, said = match[1], match[2]
        if context.kinds.get(name, "") == "PERSON" and not re.search(r"\b(?:not|never)\b", said):
            yield Candidate("relative", f"Who {said}?", name)


def person_named(sentence: str, context: Context) -> str:
    """The one person that a sentence opens with; empty where others are named, too."""
    match = re.match(rf"{_NAME}(?=[ ,])", sentence)
    if match is None or context.kinds.get(match[1], "") != "PERSON":
        return ""
    return match[1]


def mentions_people(sentence: str, context: Context, apart_from: str) -> bool:
    """Whether a sentence names a person other than the one given."""
    words = set(apart_from.split())
    return any(
        kind == "PERSON"
        and not words & set(name.split())
        and re.search(rf"\b{re.escape(name)}\b", sentence)
        for name, kind in context.kinds.items()
    )
