"""Captions of a structured book: paragraphs set in capitals that only name a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xpoll_dagster.books.cleaning.drafts import Draft
from xpoll_dagster.books.cleaning.row_kinds import is_caption, is_division

_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
_MOST_WORDS = 60
_HABIT = 5  # as many of them make it the book's way of setting captions


def _leading_capitals(words: Sequence[str]) -> int:
    count = 0
    for word in words:
        if not word.isupper():
            break
        count += 1
    return count


def _in_capitals(draft: Draft) -> bool:
    words = _WORD.findall(draft.text)
    capitals = _leading_capitals(words)
    if not capitals or len(words) > _MOST_WORDS or sum(map(len, words[:capitals])) < 5:
        return False
    # A sentence goes on in lower case; a caption is followed by another, or by its source.
    return capitals == len(words) or words[capitals][0].isupper()


def mark_captions(drafts: Sequence[Draft]) -> None:
    """Make notes of paragraphs that are captions.

    What begins like "Figure 3" is one. What begins in capitals is one where the book has the
    habit, unless it opens a section, where capitals are an ornament of the first words.
    """
    found = [
        draft
        for above, draft in zip([None, *drafts], drafts, strict=False)
        if draft.kind == "paragraph"
        and (above is not None and above.kind != "heading")
        and not is_division(draft.text)
        and _in_capitals(draft)
    ]
    if len(found) >= _HABIT:
        for draft in found:
            draft.kind = "note"
    for draft in drafts:
        short = len(draft.text) <= 400 and draft.text.count("\n") == 0
        if draft.kind == "paragraph" and short and _numbered_caption(draft.text):
            draft.kind = "note"


def _numbered_caption(text: str) -> bool:
    """Whether it begins "Fig. 3." and does not go on as a sentence about the figure."""
    match = _NUMBERED.match(text)
    return bool(match) and is_caption(text)


_NUMBERED = re.compile(r"^\w+\.? ?[\dIVXL]+(?:[.-]\d+)*(?:[.:—–]| [–—-])\s*\S")
