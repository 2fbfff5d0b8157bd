"""Whether the facts of a text stand in its source: numbers, units, dates and names."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from xpoll_dagster.writing.gates.known_names import Known, kept_names, new_names
from xpoll_dagster.writing.gates.numbers import Number, numbers, plain
from xpoll_dagster.writing.gates.units import same_unit

_DECADE = re.compile(r"\b(\d{3}0)['’]?s\b")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text adds to its source and what it leaves out.

    `new_numbers` and `new_names` are the additions as the text has them; a number with
    another unit than the source's is one too. `numbers_kept` and `names_kept` are shares
    (0 to 1) of the source's, null where it has none; `facts_kept` is that of both together.
    """

    new_numbers: tuple[str, ...]
    new_names: tuple[str, ...]
    numbers_kept: float | None
    names_kept: float | None
    facts_kept: float | None


def compare_facts(
    text: str, source: str, known: Known, also: str = "", common: Collection[str] = frozenset()
) -> Facts:
    """Compare the facts of a text with its source.

    Args:
        text: The text to judge.
        source: What it must rest on.
        known: The names that the source knows (`names.known`).
        also: Text whose numbers may be said too, as parts of names: the book's title.
        common: Words that the book prints in lower case.
    """
    theirs = numbers(source)
    kept, all_numbers = kept_numbers(theirs, numbers(text))
    names_kept, all_names = kept_names(source, text, common)
    return Facts(
        new_numbers=tuple(new_numbers(text, (*theirs, *numbers(also)))),
        new_names=tuple(new_names(text, known)),
        numbers_kept=kept / all_numbers if all_numbers else None,
        names_kept=names_kept / all_names if all_names else None,
        facts_kept=(kept + names_kept) / (all_numbers + all_names)
        if all_numbers + all_names
        else None,
    )


def new_numbers(text: str, source: tuple[Number, ...]) -> list[str]:
    """The numbers of a text that no number of the source says, in whatever reading.

    Numbers in words up to ten are only judged where a unit follows them, for they count
    what a source lists. A number that the source has with other units only is new.
    """
    units: dict[str, set[str]] = {}
    sequences: set[tuple[str, ...]] = set()
    for number in source:
        for reading in number.readings:
            sequences.add(reading)
            for value in reading:
                units.setdefault(value, set()).add(number.unit if len(reading) == 1 else "")
    decades = {f"{value[:3]}0" for value in units if re.fullmatch(r"\d{4}", value)}
    said_decades = set(_DECADE.findall(text))
    found = []
    for number in numbers(text):
        if not number.digits and not number.required and not number.unit:
            continue
        value = number.values[0]
        if value in said_decades and value in decades:
            continue
        if any(_says(reading, number.unit, units, sequences) for reading in number.readings):
            continue
        found.append(":".join(number.values) + (f" {number.unit}" if number.unit else ""))
    return found


def _says(
    reading: tuple[str, ...], unit: str, units: dict[str, set[str]], sequences: set[tuple[str, ...]]
) -> bool:
    if len(reading) > 1:
        # A time is the same time, or a longer one cut short: 142:54 of 142:54:41.
        return any(
            sequence[at : at + len(reading)] == reading
            for sequence in sequences
            for at in range(len(sequence) - len(reading) + 1)
        ) or all((value,) in sequences for value in reading)
    return any(same_unit(unit, other) for value in reading for other in units.get(value, ()))


def kept_numbers(source: tuple[Number, ...], text: tuple[Number, ...]) -> tuple[int, int]:
    """How many of a source's numbers a text says, and how many it must (each once)."""
    said: set[str] = set()
    for number in text:
        for reading in number.readings:
            said.update(reading)
    wanted = {number.readings: number for number in source if number.required}
    kept = sum(
        any(_is_said(reading, said) for reading in number.readings) for number in wanted.values()
    )
    return kept, len(wanted)


def _is_said(reading: tuple[str, ...], said: set[str]) -> bool:
    if all(value in said for value in reading):
        return True
    # 54.3 seconds may be said of 54.30, and 0.16 as .16: both are plain already; a
    # percentage may be said as a share of one.
    return len(reading) == 1 and plain(float(reading[0]) * 100) in said and float(reading[0]) < 1
