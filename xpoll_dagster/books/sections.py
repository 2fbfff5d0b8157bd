"""Sections: a book's blocks grouped under the headings they stand below.

Everything is kept as offsets into the cleaned text, so that nothing can be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

# The whole title says so: "Problems & Exercises", "Review Questions", "Extended exercise:
# rational functions", and not "Problems with not" or "High-Gain Antenna Problem".
_EXERCISES = re.compile(
    r"^(?:(?:\w+ ){0,2}exercises?\b(?: [ivxlc\d.]+)?(?:$|[:.—])|"
    r"(?:\w+ )?problems?(?:$|[:.] ?$| sets?$| (?:&|and|or) (?:exercises?|questions)$)|"
    r"(?:problems? (?:&|and) )?(?:exercises?|problems? exercises?)$|"
    r"(?:\w+ ){0,2}questions\W?$|self-tests?$|quiz(?:zes)?$|examination questions$)",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^[\W\d_]*(?:(?:chapter|part)\s+[\divxlc]+\W*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A block as it stands on one page: its kind, page and place in the cleaned text."""

    kind: str
    level: int
    page: int
    start: int
    stop: int


@dataclass(slots=True)
class Unit:
    """A whole block: its pieces over one page or several."""

    kind: str
    pieces: list[Piece]

    @property
    def start(self) -> int:
        """Offset of its first character."""
        return self.pieces[0].start

    @property
    def stop(self) -> int:
        """Offset behind its last character."""
        return self.pieces[-1].stop


@dataclass(slots=True)
class Section:
    """The blocks from one heading, or several in a row, to the next."""

    path: tuple[str, ...]
    units: list[Unit] = field(default_factory=list)

    @property
    def has_body(self) -> bool:
        """Whether it holds anything besides headings."""
        return any(unit.kind != "heading" for unit in self.units)


# On scans a numeral is often misread ("CHAPTER IT."), so behind the word any capitals count.
_NUMBER_ALONE = re.compile(
    r"((?:(?:chapter|part|book|section|lecture|lesson|unit|appendix)\s+)?"
    r"(?:\d{1,3}|[ivxlc]+|[a-z]|one|two|three|four|five|six|seven|eight|nine|ten)"
    r"|(?:chapter|part|lecture)\s+(?-i:[A-Z\d]{1,6}))[.:,—-]?",
    re.IGNORECASE,
)


def title(heading: str) -> str:
    """A heading in one line, as it stands in a section path.

    A colon sets a line that is only a number ("CHAPTER II", "Part Three", "7") apart from the
    title below it; a title that merely wraps is joined as it is.
    """
    lines = [" ".join(line.split()) for line in heading.strip().split("\n")]
    number, rest = lines[0], " ".join(lines[1:])
    if not rest:
        return number
    if bare := _NUMBER_ALONE.fullmatch(number):
        return f"{bare[1]}: {rest}"
    return f"{number} {rest}"


def is_exercises(path: Iterable[str]) -> bool:
    """Whether a section's own heading, or one above it, announces exercises."""
    return any(_EXERCISES.match(_NUMBERING.sub("", heading).strip()) for heading in path)


def read_pieces(pages: pl.DataFrame) -> tuple[str, list[Piece], list[bool]]:
    """The cleaned text of a book's body, its pieces, and which of them go on the one before."""
    body = pages.filter(pl.col("kind") == "body")
    texts: list[str] = []
    pieces: list[Piece] = []
    goes_on: list[bool] = []
    offset = 0
    for blocks in body["blocks"].to_list():
        for block in blocks:
            length = len(block["text"])
            if not length:
                continue
            texts.append(block["text"])
            pieces.append(
                Piece(block["kind"], block["level"], block["page"], offset, offset + length)
            )
            goes_on.append(bool(block["continues"]))
            offset += length
    return "".join(texts), pieces, goes_on


def to_units(pieces: list[Piece], goes_on: list[bool]) -> list[Unit]:
    """Put the pieces of a paragraph that runs over page breaks together."""
    units: list[Unit] = []
    for piece, continues in zip(pieces, goes_on, strict=True):
        if continues and units and units[-1].kind != "heading":
            units[-1].pieces.append(piece)
        else:
            units.append(Unit(piece.kind, [piece]))
    return units


def to_sections(text: str, units: list[Unit]) -> list[Section]:
    """Group units under their headings; headings in a row open one section together."""
    stack: list[tuple[int, str]] = []
    sections: list[Section] = []
    for unit in units:
        if unit.kind == "heading":
            level = max(unit.pieces[0].level, 1)
            while stack and stack[-1][0] >= level:
                stack.pop()
            stack.append((level, title(text[unit.start : unit.stop])))
            path = tuple(name for _, name in stack)
            if sections and not sections[-1].has_body and path[:-1] == sections[-1].path:
                sections[-1].path = path
            else:
                sections.append(Section(path))
        elif not sections:
            sections.append(Section(()))
        sections[-1].units.append(unit)
    return sections
