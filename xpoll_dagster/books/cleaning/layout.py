"""A book's layout in numbers: type size, line pitch, margins, columns.

Measured once per book from its rows, so that a page is judged by the book's own habits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from xpoll_dagster.books.cleaning.rows import PageRows, Row


@dataclass(frozen=True, slots=True)
class Layout:
    """The habits of a book's setting; lengths in points.

    `pitch` is the distance from line to line, `justified` whether most lines reach the
    right margin, `indents` whether paragraphs begin with an indented line.
    """

    body_size: float = 10.0
    pitch: float = 12.0
    justified: bool = True
    indents: bool = True


@dataclass(slots=True)
class Column:
    """Rows that stand below each other, between one left and one right margin."""

    rows: list[Row]
    left: float
    right: float

    @property
    def width(self) -> float:
        """Distance between the margins in points."""
        return max(self.right - self.left, 1.0)


def _margin(values: Sequence[float], step: float) -> float:
    """The most frequent value, to the nearest step; the mean of those that fall there."""
    bins = Counter(round(value / step) for value in values)
    best = max(bins.items(), key=lambda item: item[1])[0]
    members = [value for value in values if round(value / step) == best]
    return sum(members) / len(members)


def columns(page: PageRows, layout: Layout) -> list[Column]:
    """Cut a page's rows where the reading order jumps back up, and measure the margins."""
    rows = page.rows
    if not rows:
        return []
    jump = 2.5 * layout.pitch
    groups: list[list[Row]] = [[rows[0]]]
    for above, row in pairwise(rows):
        if row.y1 < above.y0 - jump:
            groups.append([])
        groups[-1].append(row)
    step = max(layout.body_size / 2, 1.0)
    page_left = page_right = None
    found: list[Column] = []
    for group in sorted(groups, key=len, reverse=True):
        widest = max(row.width for row in group)
        wide = [row for row in group if row.width >= 0.6 * widest]
        left = _margin([row.x0 for row in wide], step)
        right = (
            _margin([row.x1 for row in wide], step)
            if len(wide) > 2
            else max(row.x1 for row in wide)
        )
        right = max(right, sorted(row.x1 for row in wide)[len(wide) // 2])
        if page_left is None or page_right is None:
            page_left, page_right = left, right
        # A few stray lines take the margins of the column they stand in.
        elif len(group) < 4 and left >= page_left - step and right <= page_right + step:
            left, right = page_left, page_right
        found.append(Column(group, left, right))
    order = {id(group): place for place, group in enumerate(groups)}
    return sorted(found, key=lambda column: order[id(column.rows)])


def measure(pages: Sequence[PageRows]) -> Layout:
    """Measure a book's layout from all its pages."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for row in page.rows:
            if not row.mono:
                sizes[round(row.size * 2) / 2] += len(row.text)
    if not sizes:
        return Layout()
    body = max(sizes.items(), key=lambda item: item[1])[0] or 10.0
    distances = [
        below.y1 - above.y1
        for page in pages
        for above, below in pairwise(page.rows)
        if abs(above.size - body) < 1 and abs(below.size - body) < 1
        if 0 < below.y1 - above.y1 < 3 * body
    ]
    layout = Layout(body_size=body, pitch=median(distances) if distances else 1.2 * body)
    full = lines = indented = paragraphs = 0
    for page in pages[:: max(1, len(pages) // 40)]:
        for column in columns(page, layout):
            for above, row in pairwise(column.rows):
                if abs(row.size - body) > 0.08 * body or len(above.text) < 30:
                    continue
                lines += 1
                full += abs(above.x1 - column.right) < 0.6 * body
                ended = above.text[-1:] in '.?!:”"' and above.x1 < column.right - 2 * body
                if ended:
                    paragraphs += 1
                    indented += row.x0 > column.left + 0.6 * body
    return replace(
        layout,
        justified=lines == 0 or full / lines >= 0.55,
        indents=paragraphs == 0 or indented / paragraphs >= 0.4,
    )
