"""Drafts: blocks while they are being made, from rows or from a structured reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xpoll_dagster.books.cleaning.rows import CELL, Row
from xpoll_dagster.books.model import BlockKind

JoinLines = Callable[[Sequence[str]], str]

TERMINAL = re.compile(r"[.!?…][\"'”’»)\]]*\d{0,2}$")
_LOWER_START = re.compile(r"^[\"'“‘(\[]*[^\W\d_]")


@dataclass(slots=True)
class Draft:
    """A block to be: its kind, its page, its rows or its finished text.

    `indented` says that the first line stands in from the margin, `filled` that the last
    one reaches the other margin, `centred` that all lie in the middle, `apart` that
    white space lies above.
    """

    kind: BlockKind
    page: int
    rows: list[Row] = field(default_factory=list)
    text: str = ""
    level: int = 0
    indented: bool = False
    filled: bool = True
    centred: bool = False
    apart: bool = False
    marked: bool = False  # a note that begins with its mark
    first: bool = False  # nothing stands above it on the page
    flows: bool = True  # printed on a page, so that it may run over to the next
    continues: bool = False
    separator: str = "\n\n"

    def write(self, join: JoinLines) -> None:
        """Make the text out of the rows."""
        if not self.rows:
            return
        lines = [row.text for row in self.rows]
        if self.kind == "code":
            self.text = _code(self.rows)
        elif self.kind == "table":
            self.text = "\n".join(lines)
        elif self.kind == "formula":
            self.text = "\n".join(line.replace(CELL, "  ") for line in lines)
        elif self.kind != "list":
            self.text = join([line.replace(CELL, " ") for line in lines])

    @property
    def ended(self) -> bool:
        """Whether the text ends as a sentence does."""
        return bool(TERMINAL.search(self.text[-24:].rstrip()))

    @property
    def starts_low(self) -> bool:
        """Whether the text begins in lower case, so goes on something."""
        match = _LOWER_START.match(self.text)
        return bool(match) and self.text[match.end() - 1].islower()


def _code(rows: Sequence[Row]) -> str:
    """Lines of code with their indentation, in widths of the fixed letter."""
    left = min(row.x0 for row in rows)
    letter = max(
        min((row.width / len(row.text) for row in rows if len(row.text) >= 4), default=5.0), 1.0
    )
    return "\n".join(" " * round((row.x0 - left) / letter) + row.text for row in rows)
