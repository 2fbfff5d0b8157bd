"""Recognised pages: what a picture's rows lack and how it is made up for.

Recognition gives each line a box of ink and no type. The box's height depends on which
letters stand in the line, but its width over its letters hardly does, so the size of type is
read from that. Numbers that stand in a column of their own go back to their items.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from xpoll_dagster.books.cleaning.rows import CELL, PageRows, Row

# Widths of letters relative to a lower-case n, as in most roman types.
_WIDTHS = (
    dict.fromkeys("ijlI1'’‘|.,:;!", 0.55)
    | dict.fromkeys("frt()[]- ", 0.7)
    | dict.fromkeys("mwMW", 1.65)
    | dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZÆŒ", 1.4)
)
_LONG = 40  # characters of a line that tells the book's type
_ENOUGH = 16  # characters of a line that tells its own type
_BODY = (0.93, 1.25)  # what lies between is set in the book's type, unevenly recognised
_TINY = 0.8  # a short line that is narrow and low beyond this is set small for certain
_SMALLEST, _LARGEST = 0.5, 4.0
_ITEM_NUMBER = re.compile(r"^\(?(?:\d{1,3}|[a-z])[.)]$")
_LOST_NUMBER = re.compile(r"^\. (?=[A-Z“])")
_STROKE = re.compile(r"(?:^|(?<=\S) )[_~¦](?: |$)")
_LEADERS = re.compile(r"[.…·_]{3,}|(?:[.·] ){3,}")


def letter_width(row: Row) -> float:
    """How wide a row is for each lower-case n that its letters amount to, in points."""
    return row.width / max(sum(_WIDTHS.get(letter, 1.0) for letter in row.text), 1.0)


def _tells(row: Row) -> bool:
    signs = sum(map(str.isalnum, row.text))
    return CELL not in row.text and signs >= 0.6 * len(row.text) and not _LEADERS.search(row.text)


def measure_type(pages: Sequence[PageRows]) -> None:
    """Give the rows of recognised pages the size of type that their letters' width tells.

    What comes near the book's usual type is taken for it. A short line tells little: it
    takes the type of the line above unless it is much larger, or small in both directions.
    """
    rows = [row for page in pages if page.ocr for row in page.rows]
    heights = [row.size for row in rows if len(row.text) > 20]
    widths = [letter_width(row) for row in rows if len(row.text) >= _LONG and _tells(row)]
    if not heights or not widths or min(median(widths), median(heights)) <= 0:
        return
    usual, width = median(heights), median(widths)
    for page in pages:
        if not page.ocr:
            continue
        above: Row | None = None
        for row in page.rows:
            tells = _tells(row)
            share = letter_width(row) / width if tells else 1.0
            row.breadth = min(max(share, _SMALLEST), _LARGEST)
            small, large = _BODY
            if share >= large and len(row.text) >= 4:
                # Words far apart make a line wide as well, but not tall.
                row.size = usual * row.breadth if row.size >= 0.85 * usual else usual
            elif len(row.text) < _ENOUGH or not tells:
                near = above is not None and 0 <= row.y0 - above.y1 < usual
                if max(share, row.size / usual) < _TINY:
                    row.size = usual * row.breadth
                else:
                    row.size = above.size if above is not None and near else usual
            else:
                row.size = usual if share >= small else usual * row.breadth
            above = row
        _even_out(page.rows, usual)


def _even_out(rows: Sequence[Row], usual: float) -> None:
    """A single small line between two of the usual size is of that size too."""
    for (above, row), below in zip(pairwise(rows), rows[2:], strict=False):
        if row.size < usual and above.size >= usual <= below.size:
            row.size = usual


def brush(page: PageRows) -> None:
    """Take out the strokes that dirt beside or between words was read as ("to bring _ it")."""
    if not page.ocr:
        return
    for row in page.rows:
        strokes = _STROKE.findall(row.text)
        if strokes and len(row.text) > _ENOUGH:
            page.removed.extend(stroke.strip() for stroke in strokes)
            row.text = _STROKE.sub(" ", row.text).strip()


def seat_numbers(page: PageRows) -> None:
    """Put the numbers of items, recognised as a column of their own, before their items.

    A scrap of one or two letters left of a line, where a number would stand, is a number
    misread: it is removed and kept in the page's record.
    """
    scraps = [row for row in page.rows if len(row.text) <= 4]
    if not page.ocr or not scraps:
        return
    gone: set[int] = set()
    for scrap in scraps:
        host = min(
            (
                row
                for row in page.rows
                if len(row.text) > 12
                and min(row.y1, scrap.y1) - max(row.y0, scrap.y0) > 0.6 * scrap.height
                and -0.3 * row.size <= row.x0 - scrap.x1 < 3 * row.size
            ),
            key=lambda row: row.x0,
            default=None,
        )
        if host is None:
            continue
        gone.add(id(scrap))
        if _ITEM_NUMBER.match(scrap.text):
            host.text = f"{scrap.text} {host.text}"
            host.x0 = scrap.x0
        else:
            page.removed.append(scrap.text)
    page.rows = [row for row in page.rows if id(row) not in gone]


def is_lost_number(text: str) -> bool:
    """Whether an item's number was lost and only its full stop recognised."""
    return bool(_LOST_NUMBER.match(text))


def without_lost_number(text: str) -> str:
    """The line without the full stop of a lost number."""
    return _LOST_NUMBER.sub("", text)
