"""Paragraphs: rows of a page into drafts of paragraphs, lists, tables, code and formulas.

A line begins a paragraph when it is indented, stands apart, follows a line that stopped
short, or changes type. Headings and footnotes are told apart elsewhere.
"""

from __future__ import annotations

import re

from xpoll_dagster.books.cleaning.drafts import TERMINAL, Draft, JoinLines
from xpoll_dagster.books.cleaning.layout import Column, Layout
from xpoll_dagster.books.cleaning.lists import gather_lists
from xpoll_dagster.books.cleaning.recognised import is_lost_number, without_lost_number
from xpoll_dagster.books.cleaning.row_kinds import (
    STRONG_BULLETS,
    is_bullet,
    is_caption,
    is_code,
    is_division,
    is_enumerated,
    is_formula,
    long_words,
    table_rows,
)
from xpoll_dagster.books.cleaning.rows import Row
from xpoll_dagster.books.model import BlockKind

_OPENING = "\"'“‘(["
_BROKEN_WORD = re.compile("[^\\W\\d_][-\u00ad\u2010¬]$")
_CREDIT = re.compile(r"^\(.+\)\.?$")
_BROAD = 1.3  # letters of a recognised heading, against the book's
_SCRAP = 24  # characters of what a row of fractions leaves above or below its line


def _ended(row: Row) -> bool:
    return bool(TERMINAL.search(row.text[-12:]))


class _Assembly:
    """Goes down one column and begins a draft wherever the print does."""

    def __init__(self, column: Column, layout: Layout, page: int, *, ocr: bool) -> None:
        self.column = column
        self.layout = layout
        self.page = page
        self.ocr = ocr
        self.size_tolerance = 0.3 if ocr else 0.08
        self.indent = (1.0 if ocr else 0.6) * layout.body_size
        self.drafts: list[Draft] = []

    def left_of(self, place: int) -> float:
        """The margin at a row: on a skewed picture, that of the rows around it."""
        if not self.ocr:
            return self.column.left
        near = self.column.rows[max(0, place - 2) : place + 3]
        wide = [row.x0 for row in near if row.width > 0.2 * self.column.width]
        return min(wide or (row.x0 for row in near))

    def is_centred(self, row: Row) -> bool:
        column, size = self.column, self.layout.body_size
        middle = (row.x0 + row.x1 - column.left - column.right) / 2
        inset = 2.2 * size if row.size <= 1.1 * size else 0.5 * size
        return (
            abs(middle) < (0.06 if self.ocr else 0.03) * column.width + 1
            and row.x0 > column.left + inset
        )

    def is_apart(self, above: Row, row: Row) -> bool:
        if self.ocr and max(row.breadth, above.breadth) >= _BROAD:
            # The size is a guess here, the ink is not.
            return row.y0 - above.y1 > 0.6 * max(row.height, above.height)
        pitch = self.layout.pitch * max(row.size, above.size) / self.layout.body_size
        factor = 1.6 if self.ocr else 1.35
        return row.y1 - above.y1 > factor * pitch and row.y0 - above.y0 > factor * pitch

    def changes_type(self, above: Row, row: Row) -> bool:
        if min(len(row.text), len(above.text)) <= 3 or row.math > 0.2 or above.math > 0.2:
            return False
        if abs(row.size - above.size) > self.size_tolerance * max(row.size, above.size):
            return True
        # A paragraph whose first words are bold runs on from a full line.
        stops = above.x1 < self.column.right - 0.08 * self.column.width
        return row.bold != above.bold and stops

    def stopped_short(self, above: Row, row: Row) -> bool:
        column, size = self.column, self.layout.body_size
        rest = column.right - above.x1
        first = row.text.lstrip(_OPENING)[:1]
        if not (first.isupper() or first.isdigit() or row.text[:1] in _OPENING):
            return False
        ended = _ended(above) or above.text[-1:] == ":"
        if self.layout.justified and not self.ocr:
            return rest > (max(0.06 * column.width, 1.5 * size) if ended else 0.25 * column.width)
        word = 0.5 * size * len(row.text.split(" ", 1)[0])
        return ended and rest > max(0.2 * column.width, word + size)

    def stacked(self, above: Row, row: Row) -> bool:
        """Whether a row is a fraction's upper or lower half, or goes on beside one."""
        return not self.ocr and (self.is_scrap(row, above) or self.is_scrap(above, row))

    def is_scrap(self, scrap: Row, line: Row) -> bool:
        """Whether a row is what a line's fractions leave above or below it."""
        if len(scrap.text) > _SCRAP or scrap.size >= self.layout.body_size:
            return False
        overlap = min(scrap.y1, line.y1) - max(scrap.y0, line.y0)
        return (
            overlap > 0.3 * min(scrap.height, line.height)
            and long_words(scrap.text) == 0
            and long_words(line.text) >= 3
        )

    def hangs(self, above: Row, row: Row, draft: Draft) -> bool:
        """Whether a row goes on an item whose further lines are set in from its number."""
        first, size = draft.rows[0], self.layout.body_size
        return (
            0.4 * size < row.x0 - first.x0 < 3.5 * size
            and (is_enumerated(first.text) or is_bullet(first.text))
            and not (is_enumerated(row.text) or is_bullet(row.text))
            and (above is first or abs(row.x0 - above.x0) < 0.6 * size)
            and not (_ended(above) and self.stopped_short(above, row))
            and not self.is_apart(above, row)
            and not self.changes_type(above, row)
        )

    def begins(self, above: Row, row: Row, place: int, draft: Draft) -> bool:
        """Whether a row of prose begins a new draft after a row of prose."""
        low = row.text[:1].islower()
        if low and _BROKEN_WORD.search(above.text[-2:]):
            return False
        if self.stacked(above, row):
            return False
        if self.ocr and is_lost_number(row.text):
            return True
        if self.hangs(above, row, draft):
            return False
        if is_division(above.text) and len(draft.rows) == 1:
            return True
        # A fraction in the line above or below pushes lines of one sentence apart.
        near = low and not _ended(above) and row.y0 - above.y1 < 1.2 * self.layout.pitch
        if near and self.ocr and len(above.text) > 20:
            return False  # margins and heights of a picture tell less than the words
        if (
            near
            and not draft.centred
            and row.x0 - self.left_of(place) <= self.indent
            and not self.changes_type(above, row)
        ):
            return False
        if self.is_apart(above, row) or self.changes_type(above, row):
            return True
        first = draft.rows[0]
        level = is_enumerated(first.text) and abs(row.x0 - first.x0) < 0.6 * self.indent
        if is_enumerated(row.text) and (draft.kind == "list" or level):
            return True
        if self.is_centred(row) != draft.centred:
            return True
        if draft.centred:
            return is_division(above.text)
        left = self.left_of(place)
        inset = row.x0 - left
        before = above.x0 - left
        if inset > self.indent and before < 0.6 * self.indent:
            return True
        block_quote = len(draft.rows) > 1 and before > self.indent
        if block_quote and inset < 0.5 * self.indent and draft.rows[-2].x0 - left > self.indent:
            return True
        if inset > self.indent and before > self.indent and _ended(above):
            # one-line paragraphs below each other
            return len(draft.rows) == 1 and above.x1 < self.column.right - self.indent
        if is_bullet(row.text) and row.x0 <= above.x0 + self.indent:
            item_above = is_bullet(draft.rows[0].text)
            if row.text[0] in STRONG_BULLETS or item_above or _ended(above):
                return True
        return self.stopped_short(above, row)

    def add(self, kind: BlockKind, row: Row, place: int, above: Row | None) -> None:
        draft = Draft(
            kind,
            self.page,
            [row],
            indented=kind == "paragraph" and row.x0 - self.left_of(place) > self.indent,
            centred=self.is_centred(row),
            apart=above is not None and self.is_apart(above, row),
            first=above is None,
        )
        self.drafts.append(draft)

    def run(self) -> list[Draft]:
        rows = self.column.rows
        tables = table_rows(rows, self.layout)
        above: Row | None = None
        for place, row in enumerate(rows):
            last = self.drafts[-1] if self.drafts else None
            kind = self.kind_of(row, above, place, last, tables)
            following = rows[place + 1] if place + 1 < len(rows) else row
            upper = not self.ocr and kind == "paragraph" and self.is_scrap(row, following)
            judged = following if upper else row  # a numerator begins what its line begins
            if (
                last is None
                or above is None
                or kind != last.kind
                or (kind == "paragraph" and self.begins(above, judged, place, last))
                or (kind in ("code", "table") and row.y0 - above.y1 > 3 * self.layout.pitch)
            ):
                self.add(kind, judged, place, above)
                self.drafts[-1].rows[0] = row
            else:
                last.rows.append(row)
            above = row
        for draft in self.drafts:
            end = draft.rows[-1]
            draft.filled = end.x1 > self.column.right - 1.5 * self.layout.body_size
        return self.drafts

    def kind_of(
        self, row: Row, above: Row | None, place: int, last: Draft | None, tables: set[int]
    ) -> BlockKind:
        column, layout = self.column, self.layout
        if row.given is not None:
            return row.given
        if is_code(row, above, column, layout):
            return "code"
        if above is not None and last is not None and last.kind == "code":
            near = row.y0 - above.y1 < 0.5 * layout.body_size
            if near and any(abs(row.x0 - other.x0) < 1.0 for other in last.rows):
                return "code"
        if place in tables:
            return "table"
        if is_formula(row, column, layout):
            return "formula"
        return "paragraph"


def assemble(
    column: Column, layout: Layout, page: int, join: JoinLines, *, ocr: bool
) -> list[Draft]:
    """Make a column's rows into written drafts.

    Args:
        column: Rows between two margins, heads and footnotes taken off.
        layout: The book's habits.
        page: The page they are printed on.
        join: Makes one text of a paragraph's lines.
        ocr: Whether the page was recognised: margins and sizes are then uncertain.

    Returns:
        Drafts of kind paragraph, list, table, code, formula, and note for captions.
    """
    if not column.rows:
        return []
    drafts = _Assembly(column, layout, page, ocr=ocr).run()
    caption = False
    for draft in drafts:
        if ocr and draft.kind == "paragraph":
            draft.rows[0].text = without_lost_number(draft.rows[0].text)
        draft.write(join)
        caption = _is_caption(draft) or (caption and _is_credit(draft))
        if caption:
            draft.kind = "note"
    return gather_lists(drafts)


def _is_caption(draft: Draft) -> bool:
    standing = draft.centred or draft.apart or len(draft.text) < 60
    return (
        draft.kind == "paragraph" and standing and len(draft.rows) <= 4 and is_caption(draft.text)
    )


def _is_credit(draft: Draft) -> bool:
    """Whether a line below a caption says where the picture comes from."""
    return (
        draft.kind == "paragraph"
        and len(draft.rows) <= 2
        and bool(_CREDIT.match(draft.text.strip()))
    )
