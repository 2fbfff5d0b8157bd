"""Footnotes: smaller type at a column's foot, each beginning with its mark."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xpoll_dagster.books.cleaning.drafts import Draft
from xpoll_dagster.books.cleaning.layout import Column, Layout
from xpoll_dagster.books.cleaning.row_kinds import is_caption
from xpoll_dagster.books.cleaning.rows import Row

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_MARK = re.compile(
    rf"^(?:([*∗†‡§‖¶]{{1,3}}|[{_RAISED}]{{1,3}}|\[?\d{{1,3}}\]?|\(\d{{1,2}}\))\.?\s*)"
    r"(?=[^\W\d_]|[\"“‘(])"
)
# A small raised digit comes out of recognition as one of these.
_MISREAD_MARK = re.compile(
    r"^(?:[*∗†‡§+'’‘\"°?!|>»&] ?|[tlI] (?=[A-Z][a-z])|[tl](?=[A-Z]))(?=[A-Z“\"©«(])"
)
_SMALLER = 0.93
_APART = 1.25  # in line pitches: white space, or a rule, stands above the notes
_LEAST = 30  # characters of a note whose mark was lost


def mark_of(text: str) -> str:
    """The mark a note begins with, "" where there is none."""
    match = _MARK.match(text)
    return match[1].strip("[]()") if match else ""


def _starts_note(row: Row, *, ocr: bool) -> bool:
    return bool(_MARK.match(row.text) or (ocr and _MISREAD_MARK.match(row.text)))


def _small(rows: Sequence[Row], limit: float) -> bool:
    """Whether rows are set small on the whole; single ones may be measured badly."""
    letters = sum(len(row.text) for row in rows)
    return letters > 0 and sum(row.size * len(row.text) for row in rows) <= limit * letters


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
    if ocr and first > start and _stands_as_notes(rows, start, layout):
        first = start
    if first == len(rows) or not _small(rows[first:], limit):
        return []
    found = rows[first:]
    column.rows = rows[:first]
    return _notes(found, page, ocr=ocr)


def _stands_as_notes(rows: Sequence[Row], start: int, layout: Layout) -> bool:
    """Whether small rows below a gap are a note whose mark recognition lost."""
    body, found = rows[start - 1], rows[start:]
    return (
        found[0].y1 - body.y1 > _APART * layout.pitch
        and found[0].y0 > max(row.y1 for row in rows[:start]) - 0.5 * layout.body_size
        and sum(len(row.text) for row in found) >= _LEAST
        and found[0].text[:1].isupper()
        and not any(is_caption(row.text) for row in found)
        and found[-1].y1 - found[0].y0 < 1.2 * layout.pitch * len(found)
    )


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
            drafts.append(Draft("note", page, marked=begins))
        drafts[-1].rows.append(row)
    return drafts


def _hanging(mark: str) -> re.Pattern[str]:
    """A mark behind the word it hangs on; a digit touches it."""
    space = "" if mark.isdigit() else " ?"
    return re.compile(rf"([^\W\d_]{{2,}}[.,;:!?”’\"')\]]*){space}{re.escape(mark)}(?=[\s,.;:)—]|$)")


# Recognition's exclamation mark behind a full stop, "fruit.!"; a quotation mark that nothing
# opens is taken where that is not found.
_MISREAD = re.compile(r"([^\W\d_]{2,}[.,;:][”\"]?)[!?*°+|](?=\s|$)")
_STRAY_QUOTE = re.compile(r"([^\W\d_]{2,}[.,;:])[’‘'](?=\s|$)")
_BEHIND_NUMBER = r"(\d\.){mark}(?=\s+[A-Z]|$)"


def _cut(
    drafts: Sequence[Draft], place: int, pattern: re.Pattern[str], *, alone: str = ""
) -> tuple[int, str] | None:
    """Cut the first hanging mark from a place on; None where no block has one.

    `alone` names characters that the block must not hold before it.
    """
    for index in range(place, len(drafts)):
        draft = drafts[index]
        if draft.kind not in ("paragraph", "list", "heading"):
            continue
        for match in pattern.finditer(draft.text):
            if any(sign in draft.text[: match.end(1)] for sign in alone):
                continue
            draft.text = draft.text[: match.end(1)] + draft.text[match.end() :]
            return index, match[0]
    return None


def drop_marks(drafts: Sequence[Draft], notes: Sequence[Draft], *, ocr: bool = False) -> list[str]:
    """Remove the notes' marks from the words they hang on.

    Args:
        drafts: A page's written blocks of running text, changed in place.
        notes: The written notes of the same page; a misread mark is cut off them.
        ocr: Whether the page was recognised, where a note's mark may read otherwise in the
            text, and either may be misread.

    Returns:
        What was removed, each with the word before it, for the page's record.
    """
    removed = []
    place = 0
    for note in notes:
        if not note.marked:
            continue
        mark = mark_of(note.text)
        if not mark and (misread := _MISREAD_MARK.match(note.text)):
            removed.append(misread[0].strip())
            note.text = note.text[misread.end() :]
        found = _cut(drafts, place, _hanging(mark)) if mark else None
        if found is None and ocr:
            found = _cut(drafts, place, _MISREAD)
        if found is None and ocr and mark.isdigit():
            found = _cut(drafts, place, re.compile(_BEHIND_NUMBER.format(mark=mark)))
        if found is None and ocr:
            found = _cut(drafts, place, _STRAY_QUOTE, alone="‘'")
        if found is not None:
            place = found[0]
            removed.append(found[1])
    return removed
