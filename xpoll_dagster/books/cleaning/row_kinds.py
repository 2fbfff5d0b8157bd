"""What a single row looks like: prose, code, formula, label in a figure, list item, caption."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xpoll_dagster.books.cleaning.layout import Column, Layout
from xpoll_dagster.books.cleaning.rows import CELL, Row

_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_OPERATOR = re.compile(r"[=<>±×÷√∑∏∫≡≤≥≠≈∞∂∇∈⊂→⇒+−∗·]")
STRONG_BULLETS = "•◦▪‣∙●○■□"  # a dash may begin a speech as well
_DIVISION = re.compile(r"^(?:chapter|part|book|volume|lecture|appendix)\s+\S{1,7}$", re.IGNORECASE)
_BULLET = re.compile(r"^[•◦▪‣∙●○■□–—*-] ?(?=[\w\"“‘(\[])")
_ENUMERATOR = re.compile(r"^(?:\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})\)|(?:\d{1,3}|[a-z])\.)\s+(?=\S)")
_CAPTION = re.compile(
    r"^(?:FIG|Fig|Figs|Figure|FIGURE|Plate|PLATE|Table|TABLE|Map|MAP|Illustration)\b[.,]? ?"
    r"(?:[\d?>]|[IVXL]+\b)"
)


_LABEL_LETTERS = 0.35


def long_words(text: str) -> int:
    """How many words of three letters or more stand in a line."""
    return len(_LONG_WORD.findall(text))


def is_bullet(text: str) -> bool:
    """Whether a line begins with a bullet or a dash of a list."""
    return bool(_BULLET.match(text))


def is_enumerated(text: str) -> bool:
    """Whether a line begins with an item's number or letter."""
    return bool(_ENUMERATOR.match(text))


def is_division(text: str) -> bool:
    """Whether a line is a chapter's or part's number and nothing more."""
    return bool(_DIVISION.match(text))


def is_caption(text: str) -> bool:
    """Whether a line begins like the caption of a figure, plate or table."""
    return bool(_CAPTION.match(text))


def is_formula(row: Row, column: Column, layout: Layout) -> bool:
    """Whether a row is a display formula: set in from the margin, hardly a word in it."""
    if row.mono or row.x0 < column.left + 0.8 * layout.body_size:
        return False
    words = len(_LONG_WORD.findall(row.text))
    if row.math >= 0.25:
        return words <= 3
    if not _OPERATOR.search(row.text):
        return row.math > 0 and words == 0
    return words <= 1 and len(row.text) < 90


def is_code(row: Row, above: Row | None, column: Column, layout: Layout) -> bool:
    """Whether a row is a line of code, and not prose that happens to be mostly code."""
    if not row.mono:
        return False
    at_margin = abs(row.x0 - column.left) < 0.5 * layout.body_size
    if above is None or above.mono or not at_margin:
        return not (above is None and at_margin and row.width > 0.9 * column.width)
    close = row.y0 - above.y1 < 0.5 * layout.body_size
    runs_on = above.x1 > column.right - 0.15 * column.width
    return not (close and runs_on)


def _is_label(row: Row, column: Column, layout: Layout) -> bool:
    parts = row.text.replace(CELL, " ").split()
    return (
        not row.mono
        and len(row.text) <= 40
        and all(len(part) <= 3 for part in parts)
        and not _OPERATOR.search(row.text)
        and (row.x0 > column.left + 0.8 * layout.body_size or row.math > 0.5 or len(parts) == 1)
    )


def _is_scatter(row: Row) -> bool:
    """Three or more single capitals on a line: points of a figure, never prose."""
    parts = row.text.replace(CELL, " ").split()
    return len(parts) >= 3 and all(len(part) == 1 and part.isupper() for part in parts)


def figure_labels(column: Column, layout: Layout) -> set[int]:
    """Places of the letters and numbers that stand scattered inside a figure.

    Four or more such rows in a run, or fewer with a line of single capitals among them;
    else they may be a formula in pieces.
    """
    found: set[int] = set()
    run: list[int] = []
    for place, row in enumerate([*column.rows, None]):
        if row is not None and _is_label(row, column, layout):
            run.append(place)
            continue
        parts = " ".join(column.rows[one].text for one in run).split()
        letters = sum(any(map(str.isalpha, part)) for part in parts)
        if letters < _LABEL_LETTERS * len(parts):
            run = []  # a square of numbers, not a figure's points
        bare = len(run) == 3 and all(len(column.rows[one].text) <= 2 for one in run)
        if len(run) >= 4 or bare or any(_is_scatter(column.rows[one]) for one in run):
            found.update(run)
        run = []
    return found


def table_rows(rows: Sequence[Row], layout: Layout) -> set[int]:
    """Places of rows that form tables: three or more in a run whose cells line up."""
    found: set[int] = set()
    run: list[int] = []
    tolerance = 1.2 * layout.body_size

    def aligned(above: Row, below: Row) -> bool:
        starts = above.cells[1:]
        return any(abs(cell - start) < tolerance for cell in below.cells[1:] for start in starts)

    for place in range(len(rows) + 1):
        row = rows[place] if place < len(rows) else None
        if row is not None and row.cells and (not run or aligned(rows[run[-1]], row)):
            run.append(place)
            continue
        if len(run) >= 3:
            found.update(run)
        run = [place] if row is not None and row.cells else []
    return found
