"""Blocks that come finished from a structured reader (EPUB, HTML, Markdown, text)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xpoll_dagster.books.cleaning.captions import mark_captions
from xpoll_dagster.books.cleaning.characters import clean_characters
from xpoll_dagster.books.cleaning.drafts import Draft
from xpoll_dagster.books.cleaning.leftovers import without_leftovers
from xpoll_dagster.books.cleaning.licence import (
    book_span,
    is_credit,
    is_transcriber_title,
    opens_licence,
)
from xpoll_dagster.books.cleaning.options import CleaningOptions
from xpoll_dagster.books.model import Block, RawPage

_WORDS = ("heading", "paragraph", "list", "note")
_KEEPS_LINES = ("list", "table", "code", "formula")
_BLANK_LINES = re.compile(r"\n\s*\n+")


def _draft(block: Block, page: int, removed: list[str], *, characters: bool) -> Draft | None:
    keep = block.kind in _KEEPS_LINES
    text = block.text
    if characters:
        text = clean_characters(
            text, mathematical=block.kind in ("formula", "code"), keep_layout=keep
        )
        if block.kind in _WORDS:
            text, left = without_leftovers(text, note=block.kind == "note")
            removed.extend(left)
    # A blank line inside a block would read as the end of it.
    text = _BLANK_LINES.sub("\n", text) if block.kind != "code" else text
    text = text.strip("\n") if block.kind == "code" else text.strip()
    if not text.strip():
        return None
    return Draft(block.kind, page, text=text, level=block.level, flows=False, filled=False)


def _transcribers_notes(drafts: Sequence[Draft]) -> set[int]:
    """Places of blocks that belong to a note of the transcriber: its title to the next heading."""
    found: set[int] = set()
    inside = False
    for place, draft in enumerate(drafts):
        if is_transcriber_title(draft.text.split("\n", 1)[0]):
            inside = True
            # A note in one block ends with it, a titled one with the next heading.
            if draft.kind != "heading" and len(draft.text) > 60:
                inside = False
            found.add(place)
        elif draft.kind == "heading":
            inside = False
        elif inside and len(found) < 40:
            found.add(place)
    return found


def finish(
    pages: Sequence[RawPage], options: CleaningOptions
) -> tuple[list[list[Draft]], list[list[str]]]:
    """Clean the blocks of structured pages.

    Args:
        pages: Sections of the document, in order.
        options: The switches.

    Returns:
        For each page its drafts, and what was removed from it.
    """
    drafts: list[Draft] = []
    owners: list[int] = []
    removed: list[list[str]] = [[] for _ in pages]
    for place, page in enumerate(pages):
        for block in page.blocks:
            draft = _draft(block, page.page, removed[place], characters=options.characters)
            if draft is not None:
                drafts.append(draft)
                owners.append(place)
    mark_captions(drafts)
    start, stop = 0, len(drafts)
    notes: set[int] = set()
    if options.licence:
        texts = [draft.text for draft in drafts]
        start, stop = book_span(texts)
        edge = max(60, len(drafts) // 20)
        notes = {
            place
            for place in _transcribers_notes(drafts)
            if place < start + edge or place >= stop - edge
        }
        notes |= {
            place
            for place in range(start, min(start + 12, stop))
            if is_credit(texts[place]) or opens_licence(texts[place])
        }
    kept: list[list[Draft]] = [[] for _ in pages]
    for place, (draft, owner) in enumerate(zip(drafts, owners, strict=True)):
        if start <= place < stop and place not in notes:
            kept[owner].append(draft)
        else:
            removed[owner].append(draft.text)
    return kept, removed
