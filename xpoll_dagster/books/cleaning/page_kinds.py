"""What kind of page it is, by its lines: contents, index, or the book's body."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from xpoll_dagster.books.cleaning.rows import CELL, PageRows
from xpoll_dagster.books.model import PageKind

_LEADERS = re.compile(r"(?:\.\s?){4,}|…{2,}|(?:·\s?){4,}|(?:_ ?){5,}")
_ENDS_IN_NUMBER = re.compile(r"(?:^|[\s.|])(?:\d{1,4}|[ivxlc]{1,6})\W{0,2}$")
_INDEX_ENTRY = re.compile(
    r"(?:,|\bto|seqq?\.?,?|\bnote,?)\s*\d{1,4}(?:\s?[–-]\s?\d{0,4})?"
    r"(?:\s*(?:et seqq?\.?|ff?\.|n\.))?"
    r"[,.;]?$"
)
_NUMBERS_ONLY = re.compile(r"^[\d\s,–;.-]+(?:et seqq?\.?)?[,.]?$")
_CONTENTS_TITLE = re.compile(
    r"^(?:table of )?contents\b\W*$|^list of (?:illustrations|figures|plates|tables|maps|charts|"
    r"diagrams)\b\W*$|^illustrations\W*$|^plates\W*$",
    re.IGNORECASE,
)
_INDEX_TITLE = re.compile(
    r"^(?:(?:general|subject|name|author)\s+)?index(?:\s+(?:of|to)\s+[\w ]+)?\W*\d*\W*$",
    re.IGNORECASE,
)
_NUMBER_ENDS = frozenset("0123456789ivxlc.,;)]|’' ")
_LEADER_PAIRS = ("..", ". .", "…", "· ·", "··", "__", "_ _")
_MIN_LINES = 5


def _has_leaders(line: str) -> bool:
    """Whether dots lead over the line; the look at pairs spares most lines the pattern."""
    return any(pair in line for pair in _LEADER_PAIRS) and bool(_LEADERS.search(line))


def _titled(lines: Sequence[str], removed: Sequence[str], pattern: re.Pattern[str]) -> bool:
    heads = [re.sub(r"^[\divxlcIVXLC\W]+\s|\s[\divxlc\W]+$", "", text) for text in removed]
    return any(pattern.match(line.strip()) for line in [*lines[:4], *heads])


def _alphabetical(lines: Sequence[str]) -> float:
    letters = [line[0].lower() for line in lines if line[:1].isalpha()]
    if len(letters) < 8:
        return 0.0
    return sum(a <= b for a, b in pairwise(letters)) / (len(letters) - 1)


def _contents_score(lines: Sequence[str]) -> float:
    numbered = sum(
        _has_leaders(line)
        or (line[-1] in _NUMBER_ENDS and bool(_ENDS_IN_NUMBER.search(line[-12:])))
        for line in lines
    )
    return numbered / len(lines)


def _index_score(lines: Sequence[str]) -> float:
    entries = sum(
        any(digit in line[-40:] for digit in "0123456789")
        and bool(_INDEX_ENTRY.search(line[-40:]) or _NUMBERS_ONLY.match(line))
        for line in lines
    )
    return entries / len(lines)


def mark_kinds(pages: Sequence[PageRows], *, contents: bool, index: bool) -> list[PageKind]:
    """Tell contents and index pages from the body.

    A title ("Contents", "List of Illustrations", "Index"), on the page or in its running
    head, lowers the share of lines that must look the part; so does a neighbouring page
    that is of the kind, for such lists run over pages.
    """
    kinds: list[PageKind] = []
    for place, page in enumerate(pages):
        lines = [row.text.replace(CELL, " ") for row in page.rows]
        before = kinds[-1] if kinds else "body"
        kind: PageKind = "body" if lines else "blank"
        if len(lines) >= _MIN_LINES:
            share = _contents_score(lines)
            leaders = sum(map(_has_leaders, lines)) / len(lines)
            titled = _titled(lines, page.removed, _CONTENTS_TITLE)
            wanted = 0.35 if titled else 0.4 if before == "contents" else 0.75
            if contents and (share >= wanted or leaders >= 0.4):
                late = place > 0.4 * len(pages)
                kind = "contents" if titled or leaders >= 0.25 or not late else kind
            entries = _index_score(lines)
            wanted = 0.3 if _titled(lines, page.removed, _INDEX_TITLE) else 0.35
            named = wanted == 0.3 or before == "index"
            alphabetical = _alphabetical(lines) >= 0.75 and entries >= 0.6
            if index and kind == "body" and entries >= wanted and (named or alphabetical):
                kind = "index"
        elif lines and contents and before == "contents" and _contents_score(lines) > 0.6:
            kind = "contents"
        kinds.append(kind)
    return kinds
