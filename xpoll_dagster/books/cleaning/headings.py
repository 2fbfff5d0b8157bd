"""Headings: found by type, place, words and numbering; their levels by rank over the book."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xpoll_dagster.books.cleaning.drafts import Draft
from xpoll_dagster.books.cleaning.layout import Layout

_NUMERAL = r"(?:[IVXLC]+|[ivxlc]+|\d{1,3}|[A-Z]|One|Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten)"
_DIVISION = re.compile(
    rf"^(book|part|volume|chapter|lecture|appendix|unit|lesson|section)\s+{_NUMERAL}\b[.:,—]?",
    re.IGNORECASE,
)
_DIVISION_LEVEL = {"book": 0, "part": 0, "volume": 0, "section": 2}
_MISREAD_NUMERAL = re.compile(r"^(?:CHAPTER|LECTURE|PART) \S{1,6}$")
_NAMED = re.compile(
    r"^(?:the\s+)?(?:preface|foreword|introduction|prologue|epilogue|conclusion|contents|"
    r"table of contents|index|bibliography|references|notes|glossary|appendix|appendices|"
    r"exercises|problems|questions|summary|acknowledge?ments?|further reading|"
    r"list of (?:figures|illustrations|tables|plates|maps))\b[.:]?$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(?:§\s*)?(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+(?=[^\W\d_a-z])")
_NOT_HEADING = re.compile(r"[,;:=—-]$|^[a-z]|\bthe$|\band$")
_LETTERS = re.compile(r"[^\W\d_]")
MAX_HEADING_WORDS = 20
_BROAD = 1.3  # of a recognised heading's letters, against the book's
_SAME_TYPE = 1.25  # lines of one recognised heading differ by less in size
_NEXT_SIZE = 1.12  # between two sizes of recognised headings there is at least such a step


@dataclass(frozen=True, slots=True)
class _Style:
    """What makes two headings equals: kind of division, depth of numbering, size, weight."""

    division: int  # 0 part, 1 chapter, 2 section; 3 where no word says so
    depth: int  # 12.3 has 2; 0 where no number says so
    size: float
    bold: bool
    capitals: bool


def _capitals(text: str) -> bool:
    letters = _LETTERS.findall(text)
    return len(letters) >= 3 and sum(map(str.isupper, letters)) >= 0.75 * len(letters)


def _titled(words: Sequence[str]) -> bool:
    """Whether most words begin with a capital, as in a title."""
    return sum(word[:1].isupper() for word in words) >= 0.6 * len(words)


def _stands_out(draft: Draft, words: Sequence[str]) -> bool:
    """Whether a recognised paragraph is set in broad letters, alone and short, with no end mark."""
    return (
        all(row.breadth >= _BROAD for row in draft.rows)
        and (draft.apart or draft.first)
        and len(draft.rows) <= 3
        and len(words) <= 14
        and draft.text[:1].isupper()
        and not draft.text.endswith((".", ",", ";", ":"))
        and sum(len(word) > 2 and word.isalpha() for word in words) >= 0.4 * len(words)
    )


def _is_heading(draft: Draft, layout: Layout, *, ocr: bool) -> bool:
    if draft.kind != "paragraph" or not draft.rows or len(draft.rows) > 4:
        return False
    text = draft.text
    words = text.split()
    letters = len(_LETTERS.findall(text))
    if not words or len(words) > MAX_HEADING_WORDS or letters < 2 or letters < 0.4 * len(text):
        return False
    if sum(row.math for row in draft.rows) / len(draft.rows) > 0.3:
        return False
    size = max(row.size for row in draft.rows)
    bold = all(row.bold for row in draft.rows)
    larger = size >= (1.45 if ocr else 1.1) * layout.body_size
    smaller = size < 0.9 * layout.body_size
    if ocr and _MISREAD_NUMERAL.match(text):
        return True
    if ocr and _stands_out(draft, words):
        return True
    if _DIVISION.match(text) and (draft.centred or larger or bold or draft.apart):
        return len(words) <= 14 or larger
    if _NAMED.match(text) and (draft.centred or larger or bold or draft.apart or _capitals(text)):
        return True
    sentence = len(words) > 8 and text.endswith(".") and not _NUMBERED.match(text)
    if sentence or (_NOT_HEADING.search(text) and not larger):
        return False
    if larger:
        return not ocr or _capitals(text) or (draft.centred and _titled(words))
    if smaller:
        return False
    numbered = bool(_NUMBERED.match(text))
    if bold:
        return numbered or len(words) <= 12
    if _capitals(text) and letters >= 4:
        return draft.centred or (draft.apart and len(words) <= 10)
    return numbered and draft.apart and len(words) <= 9 and not text.endswith((".", "?", "!"))


def _same_size(above: Draft, draft: Draft, *, ocr: bool) -> bool:
    first, second = above.rows[-1].size, draft.rows[0].size
    if ocr:
        return max(first, second) < _SAME_TYPE * min(first, second)
    return abs(first - second) < 0.5


def _merged(drafts: Sequence[Draft], *, ocr: bool) -> list[Draft]:
    """Put a division's number and its title, printed below it, into one heading."""
    result: list[Draft] = []
    for draft in drafts:
        above = result[-1] if result else None
        if above is not None and above.kind == "heading" and above.page == draft.page:
            rows = len(above.rows) + len(draft.rows)
            short = len(draft.text.split()) <= 10 and rows <= 6
            follows = draft.kind == "heading" and not (
                _DIVISION.match(draft.text) or _NUMBERED.match(draft.text)
            )
            date_line = (
                draft.kind == "paragraph"
                and draft.centred
                and "\n" not in above.text
                and not draft.text.endswith(("?", "!"))
            )
            number_above = bool(_DIVISION.match(above.text) or _MISREAD_NUMERAL.match(above.text))
            same = bool(draft.rows) and _same_size(above, draft, ocr=ocr)
            titled = "\n" in above.text
            if short and (
                (number_above and ((follows and (not titled or same)) or date_line))
                or (follows and same and not above.text.endswith("."))
            ):
                above.text = f"{above.text}\n{draft.text}"
                above.rows = [*above.rows, *draft.rows]
                continue
        result.append(draft)
    return result


def mark_headings(drafts: Sequence[Draft], layout: Layout, *, ocr: bool) -> list[Draft]:
    """Turn a page's drafts that are headings into such, levels still open."""
    for draft in drafts:
        if _is_heading(draft, layout, ocr=ocr):
            draft.kind = "heading"
    return _merged(drafts, ocr=ocr)


def _style(draft: Draft, size: float) -> _Style:
    division = _DIVISION.match(draft.text)
    numbered = _NUMBERED.match(draft.text)
    return _Style(
        division=_DIVISION_LEVEL.get(division[1].lower(), 1) if division else 3,
        depth=numbered[1].count(".") + 1 if numbered and not division else 0,
        size=size,
        bold=all(row.bold for row in draft.rows),
        capitals=_capitals(draft.text),
    )


def _sizes(headings: Sequence[Draft], layout: Layout, *, ocr: bool) -> list[float]:
    """The headings' sizes of type, each near its like made equal to it."""
    measured = [
        max((row.size for row in draft.rows), default=layout.body_size) for draft in headings
    ]
    if not ocr:
        return [float(round(size)) for size in measured]
    group: dict[float, float] = {}
    above = 0.0
    for size in sorted(set(measured), reverse=True):
        group[size] = group[above] if above and above < _NEXT_SIZE * size else size
        above = size
    return [group[size] for size in measured]


def set_levels(headings: Sequence[Draft], layout: Layout, *, ocr: bool) -> None:
    """Give every heading of a book its level, 1 for the highest, 6 for the lowest.

    Parts stand above chapters, chapters above everything that is set smaller; numbering
    counts its dots; the rest goes by the rank of its type (size, weight, capitals).
    Sizes of recognised pages (`ocr`) are rough, so they count in groups.
    """
    sizes = _sizes(headings, layout, ocr=ocr)
    styles = [_style(draft, size) for draft, size in zip(headings, sizes, strict=True)]
    parts = any(style.division == 0 for style in styles)
    chapters = [style for style in styles if style.division == 1]
    chapter_level = 2 if parts else 1
    shallowest = min((style.depth for style in styles if style.depth), default=1)
    top_numbers = [style for style in styles if style.depth == 1]

    def looks(style: _Style) -> tuple[float, bool, bool]:
        return (style.size, style.bold, style.capitals)

    reference = max(map(looks, chapters or top_numbers), default=None)
    plain = sorted(
        {looks(style) for style in styles if style.division == 3 and style.depth == 0},
        reverse=True,
    )
    below = [look for look in plain if reference is not None and look < reference]
    base = chapter_level + (1 if chapters else 0)
    for draft, style in zip(headings, styles, strict=True):
        look = looks(style)
        if style.division == 0:
            level = 1
        elif style.division == 1:
            level = chapter_level
        elif style.division == 2:
            level = base
        elif style.depth:
            level = base + style.depth - shallowest
        elif _NAMED.match(draft.text) and look not in below[1:]:
            level = chapter_level if draft.centred or reference is None else base
        elif reference is None:
            level = 1 + plain.index(look)
        elif look in below:
            level = base + below.index(look) + (1 if top_numbers and not chapters else 0)
        else:
            level = chapter_level
        draft.level = min(level, 6)
