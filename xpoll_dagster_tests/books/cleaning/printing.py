"""A small printing press: pages of lines with coordinates, as a paged reader gives them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from xpoll_dagster.books.cleaning import CleaningOptions, clean_book
from xpoll_dagster.books.model import Block, Book, Line, RawPage

BOOK = Book("history--press", "history", Path("press"), title="Press")
WIDTH, HEIGHT = 400.0, 600.0
LEFT, RIGHT = 50.0, 350.0
SIZE, PITCH = 10.0, 12.0
COLUMNS = 60


def line(
    text: str,
    y: float,
    x: float = LEFT,
    *,
    right: float | None = None,
    size: float = SIZE,
    bold: bool = False,
    mono: bool = False,
    math: float = 0.0,
) -> Line:
    """One line at a height; its right end from its length unless given."""
    end = x + len(text) * (RIGHT - LEFT) / COLUMNS * size / SIZE if right is None else right
    return Line(text, x, y, end, y + size, size, bold=bold, mono=mono, math=math)


def centred(text: str, y: float, **style: float | bool) -> Line:
    """A line in the middle of the page."""
    half = len(text) * 2.5
    middle = (LEFT + RIGHT) / 2
    size = float(style.get("size", SIZE))
    return Line(
        text, middle - half, y, middle + half, y + size, size, bold=bool(style.get("bold", False))
    )


def set_paragraph(text: str, y: float, *, indent: bool = True, size: float = SIZE) -> list[Line]:
    """Set a paragraph justified: all lines but the last reach the right margin."""
    rows = textwrap.wrap(("  " if indent else "") + text, COLUMNS, break_on_hyphens=False)
    lines = []
    for number, row in enumerate(rows):
        x = LEFT + (15 if indent and number == 0 else 0)
        last = number == len(rows) - 1
        lines.append(
            line(
                row.strip(),
                y + number * PITCH,
                x,
                right=None if last else RIGHT,
                size=size,
            )
        )
    return lines


def page(number: int, lines: Sequence[Line]) -> RawPage:
    """A page of one block."""
    return RawPage(number, (Block("lines", lines=tuple(lines)),), width=WIDTH, height=HEIGHT)


def clean(pages: Sequence[RawPage], **options: bool) -> pl.DataFrame:
    """Clean pages with some switches set."""
    return clean_book(pages, BOOK, CleaningOptions.model_validate(options))


def body(table: pl.DataFrame) -> str:
    """The cleaned text."""
    return "".join(table.filter(pl.col("kind") == "body")["text"])


def blocks(table: pl.DataFrame, kind: str) -> list[str]:
    """Texts of all blocks of a kind, without their separators."""
    return [
        block["text"].strip()
        for of_page in table["blocks"].to_list()
        for block in of_page
        if block["kind"] == kind
    ]
