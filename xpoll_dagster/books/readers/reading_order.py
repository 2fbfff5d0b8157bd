"""From fragments of text scattered over a page to blocks of lines in reading order.

Columns are found from the gutters between fragments; what crosses a gutter (a heading, a
figure's caption) splits the page into bands that are read one after the other. Fragments on
one baseline become one line. Undoing hyphens and joining lines is cleaning's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from xpoll_dagster.books.model import Block, Line
from xpoll_dagster.books.readers.text_layer import Fragment

# All of these are in units of the font size unless said otherwise.
_NO_SPACE_GAP = 0.12  # a narrower gap between fragments is inside a word
_CELL_GAP = 2.0  # a wider one may be between the cells of a table
_TABLE_ROWS = 3  # rows with such gaps, one under the other, that make a table
_MIN_COLUMN_LINES = 4
_MIN_GUTTER = 0.6
_MAX_DEPTH = 4  # gutters inside gutters


@dataclass(frozen=True, slots=True)
class Ordered:
    """A page's blocks in reading order, and what was noticed on the way.

    `columns` is the largest number of columns side by side; `table_rows` counts the lines
    that look like rows of a table (three cells or more).
    """

    blocks: tuple[Block, ...]
    columns: int
    table_rows: int


def order(fragments: Sequence[Fragment], width: float) -> Ordered:
    """Put the fragments of one page, `width` points wide, in reading order."""
    across = [f for f in fragments if not f.vertical]
    blocks: list[Block] = []
    columns = 1
    table_rows = 0
    if across:
        for region, beside in _regions(across, 0.0, width, 0):
            columns = max(columns, beside)
            rows = _rows(region)
            table_rows += _mark_cells(rows)
            blocks.extend(_blocks(rows))
    blocks.extend(_vertical_blocks([f for f in fragments if f.vertical]))
    return Ordered(tuple(blocks), columns, table_rows)


# -- columns ---------------------------------------------------------------------------------


def _regions(
    fragments: list[Fragment], left: float, right: float, depth: int
) -> list[tuple[list[Fragment], int]]:
    """Cut a region into single-column ones, in reading order, each with its neighbours' count."""
    gutter = _gutter(fragments, left, right) if depth < _MAX_DEPTH else None
    if gutter is None:
        return [(fragments, 1)]
    if depth == 0:
        head, foot = _edge_rows(fragments)
        if head or foot:
            inner = [f for f in fragments if f not in head and f not in foot]
            parts = [[(head, 1)], _regions(inner, left, right, 1), [(foot, 1)]]
            return [(region, beside) for part in parts for region, beside in part if region]
    first = [f for f in fragments if f.x1 <= gutter]
    second = [f for f in fragments if f.x0 >= gutter]
    crossing = sorted(
        (f for f in fragments if f.x0 < gutter < f.x1), key=lambda f: (f.baseline, f.x0)
    )
    edges = [float("-inf"), *(f.baseline for f in crossing), float("inf")]
    result: list[tuple[list[Fragment], int]] = []
    across: list[Fragment] = []
    for start, end, heading in zip(edges, edges[1:], [*crossing, None], strict=False):
        one = [f for f in first if start < f.baseline <= end]
        two = [f for f in second if start < f.baseline <= end]
        if one and two:
            if across:
                result.append((across, 1))
                across = []
            parts = (
                _regions(one, left, gutter, depth + 1),
                _regions(two, gutter, right, depth + 1),
            )
            beside = sum(max(count for _, count in part) for part in parts)
            result.extend((region, beside) for part in parts for region, _ in part)
        else:
            across.extend(one + two)
        if heading is not None:
            across.append(heading)
    if across:
        result.append((across, 1))
    return result


def _edge_rows(fragments: list[Fragment]) -> tuple[list[Fragment], list[Fragment]]:
    """The topmost and the lowest row of a page where white space sets them off.

    A running head or foot in pieces stands over both columns though none of its pieces
    crosses the gutter.
    """
    by_height = sorted(fragments, key=lambda f: f.baseline)
    edges: list[list[Fragment]] = []
    for sequence in (by_height, by_height[::-1]):
        outermost = sequence[0]
        row = [f for f in sequence if abs(f.baseline - outermost.baseline) < 0.5 * outermost.size]
        rest = sequence[len(row) :]
        alone = bool(rest) and abs(rest[0].baseline - outermost.baseline) > 1.6 * rest[0].size
        edges.append(row if alone and len(row) <= 4 else [])
    return edges[0], edges[1]


def _gutter(fragments: list[Fragment], left: float, right: float) -> float | None:
    """The x of a gutter between two columns of prose or of entries, or None."""
    if len(fragments) < 2 * _MIN_COLUMN_LINES:
        return None
    middle = (left + right) / 2
    # The quick way out for the ordinary page: most lines run across the middle.
    over = sum(1 for f in fragments if f.x0 < middle < f.x1 and f.x1 - f.x0 > (right - left) / 2)
    if over > 0.5 * len(fragments):
        return None
    size = sorted(f.size for f in fragments)[len(fragments) // 2]
    best: tuple[float, float] | None = None
    for x in sorted({round(f.x0, 1) for f in fragments}):
        if not left + 0.15 * (right - left) < x < left + 0.85 * (right - left):
            continue
        starts = [f for f in fragments if f.x0 >= x - 0.5]
        before = [f for f in fragments if f.x1 <= x - _MIN_GUTTER * size]
        crossing = len(fragments) - len(starts) - len(before)
        if min(len(starts), len(before)) < _MIN_COLUMN_LINES or crossing > len(fragments) / 3:
            continue
        if not (_is_column(before, left, x) and _is_column(starts, x, right)):
            continue
        shared = min(max(f.y1 for f in starts), max(f.y1 for f in before)) - max(
            min(f.y0 for f in starts), min(f.y0 for f in before)
        )
        if shared < _MIN_COLUMN_LINES * size:
            continue
        score = len(starts) + len(before) - 3 * crossing
        if best is None or score > best[0]:
            best = (score, x - _MIN_GUTTER * size / 2)
    return None if best is None else best[1]


def _is_column(side: list[Fragment], left: float, right: float) -> bool:
    """Whether fragments look like a column: lines of prose, or a long list of entries."""
    inner_left, inner_right = min(f.x0 for f in side), max(f.x1 for f in side)
    breadth = min(right - left, inner_right - inner_left)
    if breadth <= 0:
        return False
    prose = [f for f in side if f.x1 - f.x0 > 0.6 * breadth and len(f.text) >= 20]
    if len(prose) >= max(_MIN_COLUMN_LINES, 0.4 * len(side)):
        return True
    aligned = sum(1 for f in side if f.x0 - inner_left < 2.5 * f.size)
    letters = sum(sum(c.isalpha() for c in f.text) for f in side)
    signs = sum(len(f.text) for f in side)
    return len(side) >= 20 and aligned >= 0.8 * len(side) and letters >= 0.5 * signs


# -- rows ------------------------------------------------------------------------------------


def _rows(fragments: list[Fragment]) -> list[list[Fragment]]:
    """Group the fragments of one column into rows of one baseline, top to bottom."""
    rows: list[list[Fragment]] = []
    marks: list[Fragment] = []
    for fragment in sorted(fragments, key=lambda f: (f.baseline, f.x0)):
        if rows:
            row = rows[-1]
            anchor = row[0] if len(row) == 1 else max(row, key=lambda f: f.size)
            tolerance = 0.25 * min(fragment.size, anchor.size)
            if abs(fragment.baseline - anchor.baseline) <= tolerance:
                rows[-1].append(fragment)
                continue
        if len(fragment.text.strip()) <= 3:
            marks.append(fragment)
        rows.append([fragment])
    for mark in marks:
        _attach(mark, rows)
    for row in rows:
        row.sort(key=lambda f: f.x0)
    return [row for row in rows if row]


def _attach(mark: Fragment, rows: list[list[Fragment]]) -> None:
    """Move a raised note mark or a drop capital into the row that it belongs to."""
    home = next((i for i, row in enumerate(rows) if len(row) == 1 and row[0] is mark), None)
    if home is None:
        return
    for index in range(max(0, home - 4), min(len(rows), home + 3)):
        row = rows[index]
        if index == home or not row:
            continue
        raised = any(
            mark.size < 0.85 * f.size
            and f.baseline - 0.7 * f.size < mark.baseline < f.baseline + 0.1 * f.size
            and -0.3 * f.size <= min(abs(mark.x0 - f.x1), abs(f.x0 - mark.x1)) <= 0.5 * f.size
            for f in row
        )
        first = min(row, key=lambda f: f.x0)
        drop_capital = (
            mark.size > 1.6 * first.size
            and mark.text.strip().isalpha()
            and first.y0 >= mark.y0 - 0.5 * first.size
            and first.y1 < mark.baseline
            and 0 <= first.x0 - mark.x1 + 0.2 * first.size < 1.5 * first.size
        )
        if raised or drop_capital:
            rows[home] = []
            row.append(mark)
            below = any(
                f is not mark
                and f.x0 < mark.x1
                and f.x1 > mark.x0
                and 0.4 * mark.size < f.baseline - mark.baseline < 1.8 * mark.size
                for other in rows
                for f in other
            )
            if raised and not below and mark.text.strip().isdigit():
                mark.text = mark.text.strip().translate(_RAISED)
            return


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _mark_cells(rows: list[list[Fragment]]) -> int:
    """Append a tab to cells of what is really a table; returns the number of its rows."""
    wide = [
        sum(_is_cell_gap(a, b) for a, b in pairwise(row)) if len(row) > 2 else 0 for row in rows
    ]
    found = start = 0
    for end in range(len(rows) + 1):
        if end < len(rows) and wide[end] >= 2:
            continue
        if end - start >= _TABLE_ROWS:
            found += end - start
            for row in rows[start:end]:
                for a, b in pairwise(row):
                    if _is_cell_gap(a, b):
                        a.text = a.text.rstrip() + "\t"
        start = end + 1
    return found


def _is_cell_gap(left: Fragment, right: Fragment) -> bool:
    """A wide gap, unless it is one between the dots that lead to a page number."""
    dots = not left.text.strip(" .·…") or not right.text.strip(" .·…")
    return not dots and right.x0 - left.x1 > _CELL_GAP * left.size


def _line(row: list[Fragment]) -> Line:
    if len(row) == 1:
        f = row[0]
        return Line(
            f.text.strip(), f.x0, f.y0, f.x1, f.y1, f.size, f.bold, f.italic, f.mono, f.math
        )
    text = row[0].text
    for left, right in pairwise(row):
        drop_capital = left.size > 1.6 * right.size and len(left.text.strip()) == 1
        gap = right.x0 - left.x1
        if not drop_capital and gap > _NO_SPACE_GAP * min(left.size, right.size):
            text = text if text.endswith((" ", "\t")) else f"{text} "
        text += right.text.lstrip() if text.endswith((" ", "\t")) else right.text
    weights = [len(f.text.strip()) or 1 for f in row]
    total = sum(weights)
    main = row[weights.index(max(weights))]
    return Line(
        text=text.strip(),
        x0=min(f.x0 for f in row),
        y0=min(f.y0 for f in row),
        x1=max(f.x1 for f in row),
        y1=max(f.y1 for f in row),
        size=main.size,
        bold=2 * sum(w for f, w in zip(row, weights, strict=True) if f.bold) > total,
        italic=2 * sum(w for f, w in zip(row, weights, strict=True) if f.italic) > total,
        mono=2 * sum(w for f, w in zip(row, weights, strict=True) if f.mono) > total,
        math=sum(f.math * w for f, w in zip(row, weights, strict=True)) / total,
    )


def _blocks(rows: list[list[Fragment]]) -> list[Block]:
    """One block for each run of rows that MuPDF saw as one."""
    blocks: list[Block] = []
    lines: list[Line] = []
    last: set[int] = set()
    for row in rows:
        numbers = {f.block for f in row}
        if lines and not numbers & last:
            blocks.append(Block("lines", lines=tuple(lines)))
            lines = []
        lines.append(_line(row))
        last = numbers
    if lines:
        blocks.append(Block("lines", lines=tuple(lines)))
    return blocks


def _vertical_blocks(fragments: list[Fragment]) -> list[Block]:
    """Lines of vertical writing: columns from right to left, each read downwards."""
    lines: list[Line] = []
    column: list[Fragment] = []
    for fragment in [*sorted(fragments, key=lambda f: (-round(f.x0), f.y0)), None]:
        if column and (fragment is None or abs(fragment.x0 - column[-1].x0) > 0.5 * fragment.size):
            merged = replace(column[0], text="".join(f.text for f in column))
            merged.y1, merged.x1 = column[-1].y1, max(f.x1 for f in column)
            lines.append(_line([merged]))
            column = []
        if fragment is not None:
            column.append(fragment)
    return [Block("lines", lines=tuple(lines))] if lines else []
