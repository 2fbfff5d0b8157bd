"""Footnotes: smaller type at a column's foot, each beginning with its mark."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xpoll_dagster.books.cleaning.drafts import Draft
from xpoll_dagster.books.cleaning.layout import Column, Layout
from xpoll_dagster.books.cleaning.rows import Row

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_MARK = re.compile(
    rf"^(?:([*∗†‡§‖¶]{{1,3}}|[{_RAISED}]{{1,3}}|\[?\d{{1,3}}\]?|\(\d{{1,2}}\))\.?\s*)"
    r"(?=[^\W\d_]|[\"“‘(])"
)
_OCR_MARK = re.compile(r"^(?:[*∗†‡§+'’‘t'\"°] ?|[?!]\s)(?=[A-Z“])")
_SMALLER = 0.93


def mark_of(text: str) -> str:
    """The mark a note begins with, "" where there is none."""
    match = _MARK.match(text)
    return match[1].strip("[]()") if match else ""


def _starts_note(row: Row, *, ocr: bool) -> bool:
    return bool(_MARK.match(row.text) or (ocr and _OCR_MARK.match(row.text)))


def split_notes(
    column: Column, layout: Layout, page: int, *, ocr: bool, open_note: bool
) -> list[Draft]:
    """Take the footnotes off the end of a column.

    Args:
        column: Its rows; those of notes are taken out.
        layout: The book's habits.
        page: For the drafts.
        ocr: Whether the page was recognised, where marks are often misread.
        open_note: Whether the page before ends inside a note, so that this one's notes
            may begin without a mark.

    Returns:
        One draft of kind "note" for each note, marks spelled with a space behind.
    """
    rows = column.rows
    limit = _SMALLER * layout.body_size
    start = len(rows)
    while start and (rows[start - 1].size <= limit or len(rows[start - 1].text) <= 2):
        start -= 1
    # Not a note: nothing in body type above it on the page.
    if start == 0 or start == len(rows):
        return []
    first = start
    while first < len(rows) and not _starts_note(rows[first], ocr=ocr):
        first += 1
    if open_note and rows[start].y0 - rows[start - 1].y1 > 0.3 * layout.body_size:
        first = start
    if first == len(rows):
        return []
    found = rows[first:]
    column.rows = rows[:first]
    return _notes(found, page, ocr=ocr)


def _notes(rows: Sequence[Row], page: int, *, ocr: bool) -> list[Draft]:
    left = min(row.x0 for row in rows)
    indented = any(row.x0 > left + 0.5 * row.size and _starts_note(row, ocr=ocr) for row in rows)
    drafts: list[Draft] = []
    for row in rows:
        begins = _starts_note(row, ocr=ocr) and (
            not indented or row.x0 > left + 0.5 * row.size or not drafts
        )
        if begins and (match := _MARK.match(row.text)):
            row.text = f"{row.text[: match.end()].rstrip()} {row.text[match.end() :]}"
        if begins or not drafts:
            drafts.append(Draft("note", page))
        drafts[-1].rows.append(row)
    return drafts


def drop_marks(drafts: Sequence[Draft], notes: Sequence[Draft]) -> list[str]:
    """Remove the notes' marks from the words they hang on.

    Args:
        drafts: A page's written blocks of running text, changed in place.
        notes: The written notes of the same page.

    Returns:
        What was removed, each with the word before it, for the page's record.
    """
    removed = []
    place = 0
    for note in notes:
        mark = mark_of(note.text)
        if not mark:
            continue
        hanging = re.compile(
            rf"([^\W\d_]{{2,}}[.,;:!?”’\"')\]]*) ?{re.escape(mark)}(?=[\s,.;:)—]|$)"
            if not mark.isdigit()
            else rf"([^\W\d_]{{2,}}[.,;:!?”’\"')\]]*){mark}(?=[\s,.;:)—]|$)"
        )
        for index in range(place, len(drafts)):
            draft = drafts[index]
            if draft.kind in ("paragraph", "list", "heading") and (
                match := hanging.search(draft.text)
            ):
                draft.text = draft.text[: match.end(1)] + draft.text[match.end() :]
                removed.append(match[0])
                place = index
                break
    return removed
