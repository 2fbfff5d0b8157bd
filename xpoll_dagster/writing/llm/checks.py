"""What is looked at in an answer at once, so that the model can be told and asked again.

These are few and cheap, and no gates: the gates judge the finished text, whoever wrote it.
Each check gives a sentence for the model, whose part before the colon is also the reason
that a rejected row keeps, or None.
"""

from __future__ import annotations

import re

from xpoll_dagster.writing.gate_options import BridgeGateOptions
from xpoll_dagster.writing.gates.attribution import attribute
from xpoll_dagster.writing.gates.ending import broken_off
from xpoll_dagster.writing.gates.facts import kept_numbers, new_numbers
from xpoll_dagster.writing.gates.known_names import known, new_names
from xpoll_dagster.writing.gates.numbers import numbers
from xpoll_dagster.writing.gates.refusal import meta_talk

_LOST_ESCAPE = re.compile(r"[\x00-\x08\x0b\x0c]|\t(?=[a-z]{2})|\r(?=[a-z]{2})")
_NAMED = 5
_MAX_QUOTED = 300

NOT_A_TEXT = "The answer talks about the task instead of doing it"
UNFINISHED = "The text does not end with a complete sentence"
LENGTH = "The text has not the length asked for"
NEW_NUMBERS = "The text has numbers that the passage lacks"
NEW_NAMES = "The text has names that the passage lacks"
LOST_NUMBERS = "The text leaves out numbers of the passage"
UNSUPPORTED = "A sentence says what neither passage says"
LOST_ESCAPE = "A backslash of a formula was lost"
REASONS = {
    NOT_A_TEXT,
    UNFINISHED,
    LENGTH,
    NEW_NUMBERS,
    NEW_NAMES,
    LOST_NUMBERS,
    UNSUPPORTED,
    LOST_ESCAPE,
}


def prose_fault(text: str, source: str) -> str | None:
    """Whether a text is talk about the task, or breaks off.

    Args:
        text: What the model wrote.
        source: What it was to write about.
    """
    talk = meta_talk(text, source)
    if talk:
        return f"{NOT_A_TEXT}: it {talk}. Write the text alone."
    end = broken_off(text)
    return f"{UNFINISHED}: {end}." if end else None


def length_fault(text: str, fewest: int, most: int) -> str | None:
    """Whether a text has fewer or more words than asked for, with a quarter of slack."""
    words = len(text.split())
    if fewest * 0.75 <= words <= most * 1.25:
        return None
    return f"{LENGTH}: it has {words} words, not {fewest} to {most}."


def invention_fault(text: str, source: str, also: str = "") -> str | None:
    """Whether a text has numbers or names that its source lacks.

    Args:
        text: What the model wrote.
        source: What it was to write about.
        also: What else it may say: titles.
    """
    new = new_numbers(text, (*numbers(source), *numbers(also)))
    if new:
        return f"{NEW_NUMBERS}: {', '.join(new[:_NAMED])}. Take them out."
    strange = new_names(text, known(source, also))
    if strange:
        return f"{NEW_NAMES}: {', '.join(strange[:_NAMED])}. Take them out."
    return None


def omission_fault(text: str, source: str) -> str | None:
    """Whether a text leaves out numbers of its source."""
    said = numbers(text)
    missing = [
        " ".join(number.values)
        for number in numbers(source)
        if kept_numbers((number,), said) == (0, 1)
    ]
    if not missing:
        return None
    return f"{LOST_NUMBERS}: {', '.join(dict.fromkeys(missing[: 2 * _NAMED]))}. Say them too."


def unsupported_fault(text: str, left: str, right: str, about: str) -> str | None:
    """Whether a sentence of a text about two passages is borne out by neither.

    Args:
        text: What the model wrote.
        left: One passage.
        right: The other.
        about: What else it may say: titles, fields.
    """
    missing = attribute(text, left, right, about, BridgeGateOptions()).unattributed
    if not missing:
        return None
    return f"{UNSUPPORTED}: {missing[0][:_MAX_QUOTED]} Say only what the passages say."


def escape_fault(*texts: str) -> str | None:
    r"""Whether JSON made control characters of LaTeX commands: `\frac` read as form feed, rac."""
    if any(_LOST_ESCAPE.search(text) for text in texts):
        return f"{LOST_ESCAPE}: in JSON every backslash is written twice."
    return None
