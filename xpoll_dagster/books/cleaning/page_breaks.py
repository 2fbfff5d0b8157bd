"""Page breaks: paragraphs that run over them are joined, what stands between moves behind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from xpoll_dagster.books.cleaning.drafts import Draft
from xpoll_dagster.books.cleaning.hyphens import Hyphenation
from xpoll_dagster.books.cleaning.layout import Layout

_RUNNING = ("paragraph", "list")
_WORD = re.compile(r"[^\W\d_]{3,}")
_BROKEN_WORD = re.compile("[^\\W\\d_][-\u00ad\u2010¬]$")


@dataclass(slots=True)
class PageDrafts:
    """One page's blocks: its running text in order, and its notes apart."""

    page: int
    drafts: list[Draft]
    notes: list[Draft] = field(default_factory=list)


def _goes_on(end: Draft, start: Draft, layout: Layout) -> bool:
    """Whether one page's last paragraph goes on in the next page's first."""
    if end.kind not in _RUNNING or start.kind != "paragraph" or start.centred or end.centred:
        return False
    text = end.text.rstrip()
    if text.endswith(("-", "\u00ad", "¬")) and start.text[:1].isalpha():
        return True
    if start.starts_low:
        return not end.ended or not start.indented
    if start.indented or (end.rows and start.rows and end.rows[-1].mono != start.rows[0].mono):
        return False
    if not end.ended:
        # A line that stops short of the margin without a full stop is a title or a verse.
        return end.filled and not text.endswith(":")
    return layout.indents and end.filled


def _interrupted(end: Draft, drafts: Sequence[Draft]) -> int | None:
    """Place of the first running text behind notes and captions at a page's beginning."""
    broken = bool(_BROKEN_WORD.search(end.text[-2:]))
    for place, draft in enumerate(drafts[:6]):
        if broken and _wordless(draft):
            continue
        if draft.kind in _RUNNING:
            return place
        if draft.kind not in ("note", "table"):
            return None
    return None


def _wordless(draft: Draft) -> bool:
    return draft.kind in ("note", "formula") or not _WORD.search(draft.text)


def close_gaps(drafts: list[Draft], layout: Layout, hyphens: Hyphenation | None) -> list[Draft]:
    """Within a page, move captions and what is left of figures behind the paragraph they cut.

    A caption gives way to a paragraph that goes on in lower case; anything without words
    gives way where the line above it ends in the middle of a word.
    """
    result: list[Draft] = []
    for draft in drafts:
        place = len(result) - 1
        while place >= 0 and place >= len(result) - 6 and _wordless(result[place]):
            place -= 1
        host = result[place] if place >= 0 else None
        between = result[place + 1 :]
        if (
            between
            and host is not None
            and draft.starts_low
            and not host.ended
            and (all(one.kind == "note" for one in between) or _BROKEN_WORD.search(host.text[-2:]))
            and _goes_on(host, draft, layout)
        ):
            host.text = _seam(host.text, draft.text, hyphens) + draft.text
            host.rows = [*host.rows, *draft.rows]
            host.filled = draft.filled
            continue
        result.append(draft)
    return result


def _floating(drafts: list[Draft]) -> list[Draft]:
    """Take off a page's end the captions that follow a paragraph which is not over."""
    end = len(drafts)
    while end and drafts[end - 1].kind == "note":
        end -= 1
    cut = end
    while cut and _wordless(drafts[cut - 1]):
        cut -= 1
    if cut and _BROKEN_WORD.search(drafts[cut - 1].text[-2:]):
        end = cut  # what is left of a figure or a fraction, behind half a word
    host = drafts[end - 1] if end else None
    if host is None or host.kind not in _RUNNING or host.ended:
        return []
    floating = drafts[end:]
    del drafts[end:]
    return floating


def _seam(end: str, start: str, hyphens: Hyphenation | None) -> str:
    return hyphens.seam(end, start) if hyphens else f"{end} "


def join_pages(
    pages: Sequence[PageDrafts], layout: Layout, hyphens: Hyphenation | None, *, join: bool
) -> list[list[Draft]]:
    """Join paragraphs over page breaks and put every note behind its paragraph.

    Args:
        pages: The body pages in order; their drafts are changed in place.
        layout: The book's habits.
        hyphens: Decides hyphens at the break; None leaves them.
        join: Whether to join at all.

    Returns:
        For each page its drafts with separators set: nothing or a space where the text goes
        on over the page break, a line break where a formula belongs to its paragraph, else
        a blank line.
    """
    result: list[list[Draft]] = []
    waiting: list[Draft] = []  # notes of a paragraph that is not over yet
    open_end: Draft | None = None
    for page in pages:
        drafts = list(page.drafts)
        if open_end is not None and drafts:
            place = _interrupted(open_end, drafts)
            if place is not None and _goes_on(open_end, drafts[place], layout):
                going_on = drafts.pop(place)
                seam = _seam(open_end.text, going_on.text, hyphens)
                text = open_end.text
                open_end.text = seam.rstrip(" ") if seam.endswith(" ") else seam
                open_end.separator = seam[len(open_end.text) :]
                going_on.continues = True
                going_on.indented = False
                # Only the page's whole text may end open: nothing follows but the rest.
                if not text:
                    going_on.continues = False
                drafts.insert(0, going_on)
            elif result:
                result[-1].extend(waiting)
                waiting = []
        elif result and drafts:
            result[-1].extend(waiting)
            waiting = []
        if drafts:
            floating = _floating(drafts)
            last = drafts[-1]
            only_going_on = len(drafts) == 1 and last.continues
            if waiting and not only_going_on:
                drafts[1:1] = waiting
                waiting = []
            open_end = last if join and last.kind in _RUNNING and last.flows else None
            waiting.extend([*floating, *page.notes])
            if open_end is None:
                drafts.extend(waiting)
                waiting = []
        else:
            waiting.extend(page.notes)
        result.append(drafts)
    if result:
        result[-1].extend(waiting)
    _glue(result)
    return result


def _glue(pages: Sequence[list[Draft]]) -> None:
    """Tie a display formula to the paragraph it stands in."""
    for drafts in pages:
        for before, after in pairwise(drafts):
            if before.separator != "\n\n":
                continue
            leads_in = after.kind == "formula" and before.kind in _RUNNING and not before.ended
            leads_out = (
                before.kind == "formula"
                and after.kind == "paragraph"
                and not after.indented
                and (after.starts_low or not before.ended)
            )
            if leads_in or leads_out or (before.kind == after.kind == "formula"):
                before.separator = "\n"
