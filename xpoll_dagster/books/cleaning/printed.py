"""Printed pages: from the rows of a paged reader to blocks, one book at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xpoll_dagster.books.cleaning.drafts import Draft, JoinLines
from xpoll_dagster.books.cleaning.headings import mark_headings, set_levels
from xpoll_dagster.books.cleaning.heads import remove_heads
from xpoll_dagster.books.cleaning.hyphens import Hyphenation, line_by_line
from xpoll_dagster.books.cleaning.layout import Layout, columns, measure
from xpoll_dagster.books.cleaning.licence import (
    book_span,
    is_credit,
    is_transcriber_title,
    opens_licence,
)
from xpoll_dagster.books.cleaning.notes import drop_marks, split_notes
from xpoll_dagster.books.cleaning.options import CleaningOptions
from xpoll_dagster.books.cleaning.page_breaks import PageDrafts, close_gaps, join_pages
from xpoll_dagster.books.cleaning.page_kinds import mark_kinds
from xpoll_dagster.books.cleaning.paragraphs import assemble
from xpoll_dagster.books.cleaning.recognised import brush, measure_type, seat_numbers
from xpoll_dagster.books.cleaning.row_kinds import figure_labels
from xpoll_dagster.books.cleaning.rows import PageRows, page_rows
from xpoll_dagster.books.model import PageKind, RawPage

_NOTE_PAGES = 12  # a transcriber's page stands this near to the book's ends


@dataclass(slots=True)
class CleanPage:
    """A page's outcome: its kind, its blocks in order, and what was taken out."""

    kind: PageKind
    drafts: list[Draft]
    removed: list[str]


def _cut_licence(pages: Sequence[PageRows], kinds: list[PageKind]) -> None:
    """Take out what stands outside a distributor's markers, and transcriber's pages."""
    lines = [row.text for page in pages for row in page.rows]
    start, stop = book_span(lines)
    place = 0
    for index, page in enumerate(pages):
        first, place = place, place + len(page.rows)
        inside = [row for offset, row in enumerate(page.rows) if start <= first + offset < stop]
        if len(inside) < len(page.rows):
            keep = {id(row) for row in inside}
            page.removed.extend(row.text for row in page.rows if id(row) not in keep)
            page.rows = inside
            if not inside:
                kinds[index] = "licence"
    marked = [index for index, kind in enumerate(kinds) if kind == "licence"]
    for index, page in enumerate(pages):
        near = min(index, len(pages) - 1 - index, *(abs(index - other) for other in marked[:50]))
        if not page.rows or near > _NOTE_PAGES:
            continue
        texts = [row.text for row in page.rows]
        credit = any(map(is_credit, texts[:3])) or opens_licence(texts[0])
        if any(map(is_transcriber_title, texts)) or (credit and len(texts) < 30):
            kinds[index] = "licence"


def _spaced(left: str, _right: str) -> str:
    return f"{left} "


def _plain(page: PageRows) -> Draft:
    """A page that is not the book's body, line by line."""
    return Draft("paragraph", page.page, text="\n".join(row.text for row in page.rows), flows=False)


def _blocks(
    page: PageRows, layout: Layout, join: JoinLines, options: CleaningOptions, *, open_note: bool
) -> PageDrafts:
    drafts: list[Draft] = []
    notes: list[Draft] = []
    for column in columns(page, layout):
        if options.figure_labels and (labels := figure_labels(column, layout)):
            page.removed.append(" ".join(column.rows[place].text for place in sorted(labels)))
            column.rows = [row for place, row in enumerate(column.rows) if place not in labels]
        if options.footnotes:
            notes.extend(split_notes(column, layout, page.page, ocr=page.ocr, open_note=open_note))
        found = assemble(column, layout, page.page, join, ocr=page.ocr)
        if options.headings:
            found = mark_headings(found, layout, ocr=page.ocr)
        if page.ocr and options.figure_labels:
            page.removed.extend(take_specks(found))
        drafts.extend(found)
    for note in notes:
        note.write(join)
    if options.note_marks:
        page.removed.extend(drop_marks(drafts, notes, ocr=page.ocr))
    return PageDrafts(page.page, drafts, notes)


def take_specks(drafts: list[Draft]) -> list[str]:
    """Take out what dirt on a scan was read as: a block of one or two letters by itself."""
    specks = [
        draft
        for place, draft in enumerate(drafts)
        if draft.kind in ("paragraph", "formula")
        and sum(map(str.isalnum, draft.text)) <= 2
        and not (place == 0 and draft.starts_low)  # the last word of the page before
    ]
    drafts[:] = [draft for draft in drafts if draft not in specks]
    return [draft.text for draft in specks]


def clean_printed(pages: Sequence[RawPage], options: CleaningOptions) -> list[CleanPage]:
    """Clean the pages of a paged book.

    Args:
        pages: Pages with blocks of kind "lines", in order.
        options: The switches.

    Returns:
        One outcome for each page.
    """
    rows = [page_rows(page, characters=options.characters) for page in pages]
    kinds: list[PageKind] = [page.kind for page in pages]
    remove_heads(rows, options)
    measure_type(rows)
    for page in rows:
        seat_numbers(page)
        brush(page)
    if options.licence:
        _cut_licence(rows, kinds)
    found = mark_kinds(rows, contents=options.contents_pages, index=options.index_pages)
    kinds = [new if old == "body" else old for old, new in zip(kinds, found, strict=True)]
    body = [page for page, kind in zip(rows, kinds, strict=True) if kind == "body"]
    hyphens = (
        Hyphenation.of(row.text for page in body for row in page.rows) if options.hyphens else None
    )
    join: JoinLines = hyphens.join if hyphens else line_by_line
    layout = measure(body)
    made: list[PageDrafts] = []
    open_note = False
    note: Draft | None = None  # goes on at the foot of the next page
    for page in body:
        blocks = _blocks(page, layout, join, options, open_note=open_note)
        if note is not None and blocks.notes and not blocks.notes[0].marked:
            note.text = (hyphens.seam if hyphens else _spaced)(note.text, blocks.notes[0].text)
            note.text += blocks.notes.pop(0).text
        if blocks.notes:
            note = blocks.notes[-1]
        open_note = note is not None and not note.ended
        note = note if open_note else None
        blocks.drafts = close_gaps(blocks.drafts, layout, hyphens)
        made.append(blocks)
    headings = [draft for page in made for draft in page.drafts if draft.kind == "heading"]
    set_levels(headings, layout, ocr=any(page.ocr for page in body))
    joined = iter(join_pages(made, layout, hyphens, join=options.join_paragraphs))
    result = []
    for page, kind in zip(rows, kinds, strict=True):
        if kind == "body":
            drafts = next(joined)
            result.append(CleanPage("body" if drafts else "blank", drafts, page.removed))
        else:
            result.append(CleanPage(kind, [_plain(page)] if page.rows else [], page.removed))
    return result
