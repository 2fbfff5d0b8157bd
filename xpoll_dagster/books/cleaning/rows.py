"""Rows: what stands on one line of a page, put together from the reader's fragments.

A reader gives what the file draws; a fraction, a tab or a change of font may cut one
printed line into several. Paragraphs, heads and tables are made elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from xpoll_dagster.books.cleaning.characters import clean_characters
from xpoll_dagster.books.model import Block, BlockKind, Line, RawPage

_WIDE_GAP = 1.8  # in type sizes: further apart, two fragments are cells of a table
_FARTHEST = 1e5  # points; the largest page of a PDF measures 14,400
_TEXT_GAP = re.compile(r" {3,}|\t+")
CELL = " | "


@dataclass(slots=True)
class Row:
    """One printed line; coordinates and sizes in points as in `Line`."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    italic: bool = False
    mono: bool = False
    math: float = 0.0
    cells: tuple[float, ...] = ()  # where each cell begins, if more than one
    given: BlockKind | None = None  # what the reader already knows it to be
    breadth: float = 1.0  # of its letters, against the book's; recognised pages only

    @property
    def height(self) -> float:
        """Height of the line's box in points."""
        return self.y1 - self.y0

    @property
    def width(self) -> float:
        """Width of the line's box in points."""
        return self.x1 - self.x0


@dataclass(slots=True)
class PageRows:
    """A page while it is being cleaned: its rows in reading order, and what was removed."""

    page: int
    width: float
    height: float
    ocr: bool
    rows: list[Row]
    removed: list[str] = field(default_factory=list)


def _upright(line: Line) -> Line:
    """The line with its corners in order and on a page of a possible size."""
    if (
        -_FARTHEST <= line.x0 <= line.x1 <= _FARTHEST
        and -_FARTHEST <= line.y0 <= line.y1 <= _FARTHEST
        and line.size <= _FARTHEST
    ):
        return line
    x0, x1 = sorted((line.x0, line.x1))
    y0, y1 = sorted((line.y0, line.y1))
    x0, y0, x1, y1 = (min(max(value, -_FARTHEST), _FARTHEST) for value in (x0, y0, x1, y1))
    return replace(line, x0=x0, y0=y0, x1=x1, y1=y1, size=min(line.size, _FARTHEST))


def _same_row(row: Row, line: Line) -> bool:
    overlap = min(row.y1, line.y1) - max(row.y0, line.y0)
    smaller = min(row.y1 - row.y0, line.y1 - line.y0)
    return overlap > 0.5 * smaller and line.x0 >= row.x1 - 0.8 * max(row.size, line.size)


def _absorb(row: Row, text: str, line: Line) -> None:
    gap = line.x0 - row.x1
    size = max(row.size, line.size)
    here, there = len(row.text), len(text)
    if gap > _WIDE_GAP * size:
        row.cells = (*(row.cells or (row.x0,)), line.x0)
        row.text = f"{row.text}{CELL}{text}"
    else:
        row.text = f"{row.text} {text}" if gap > -0.5 * size else row.text + text
    total = here + there or 1
    row.math = (row.math * here + line.math * there) / total
    if there > here:
        row.size = line.size
    row.bold = row.bold and line.bold
    row.italic = row.italic and line.italic
    row.mono = row.mono and line.mono
    row.x0, row.y0 = min(row.x0, line.x0), min(row.y0, line.y0)
    row.x1, row.y1 = max(row.x1, line.x1), max(row.y1, line.y1)


def to_rows(lines: Iterable[Line], *, characters: bool) -> Iterator[Row]:
    """Put fragments that stand on one printed line together, in reading order.

    Args:
        lines: A page's lines as the reader gave them.
        characters: Whether to clean their characters as well.

    Yields:
        Rows with text, cells told apart by `CELL`.
    """
    row: Row | None = None
    for given in lines:
        line = _upright(given)
        text = line.text
        if line.mono:
            text = clean_characters(text, mathematical=True, keep_layout=True).rstrip()
        elif characters:
            text = clean_characters(text, mathematical=line.math >= 0.3, keep_layout="   " in text)
        if line.math > 0 and "\ufffd" in text:
            text = text.replace("\ufffd", "")  # large brackets that no code stands for
        if not text or text.isspace() or text == "\ufffd":
            continue
        if row is not None and _same_row(row, line):
            _absorb(row, text.strip(), line)
            continue
        if row is not None:
            yield row
        cells: tuple[float, ...] = ()
        text = text.strip()
        if not line.mono and ("   " in text or "\t" in text):
            parts = [part.strip() for part in _TEXT_GAP.split(text)]
            step = (line.x1 - line.x0) / max(len(text), 1)
            cells = tuple(line.x0 + step * text.find(part) for part in parts)
            text = CELL.join(parts)
        row = Row(
            text=text,
            x0=line.x0,
            y0=line.y0,
            x1=line.x1,
            y1=line.y1,
            size=line.size,
            bold=line.bold,
            italic=line.italic,
            mono=line.mono,
            math=line.math,
            cells=cells,
        )
    if row is not None:
        yield row


def _given_rows(block: Block, *, characters: bool) -> Iterator[Row]:
    """Rows of a block that the reader has recognised: a heading's lines, a table whole."""
    if block.kind != "table" or not block.text:
        for row in to_rows(block.lines, characters=characters):
            row.given = block.kind
            yield row
        return
    text = clean_characters(block.text, keep_layout=True) if characters else block.text
    yield Row(
        text=text.strip(),
        x0=min(line.x0 for line in block.lines),
        y0=min(line.y0 for line in block.lines),
        x1=max(line.x1 for line in block.lines),
        y1=max(line.y1 for line in block.lines),
        size=block.lines[0].size,
        given="table",
    )


def page_rows(page: RawPage, *, characters: bool) -> PageRows:
    """The rows of a paged reader's page."""
    rows: list[Row] = []
    lines: list[Line] = []
    for block in page.blocks:
        if block.kind == "lines":
            lines.extend(block.lines)
            continue
        rows.extend(to_rows(lines, characters=characters))
        lines = []
        if block.lines:
            rows.extend(_given_rows(block, characters=characters))
    rows.extend(to_rows(lines, characters=characters))
    return PageRows(
        page=page.page,
        width=page.width,
        height=page.height,
        ocr=page.method == "ocr",
        rows=rows,
    )
