"""Running heads and feet: what stands at a page's edge because of the page, not the text.

Three kinds of evidence, each over the ten nearest pages of the same parity and the ten
nearest of any: the line recurs (digits folded, spelling fuzzy); its number runs on from
page to page; it stands where the neighbours' heads stand. A line is only ever removed
when everything between it and the page's edge is removed too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from xpoll_dagster.books.cleaning.options import CleaningOptions
from xpoll_dagster.books.cleaning.page_numbers import (
    REACH,
    NumberSequence,
    PrintedNumber,
    printed_numbers,
)
from xpoll_dagster.books.cleaning.row_kinds import is_division
from xpoll_dagster.books.cleaning.rows import CELL, PageRows, Row

_EDGE_BANDS = 3
_FOLD = re.compile(r"\d+")
_NOT_LETTERS = re.compile(r"[\W_]+")
_SECTION = re.compile(r"^(?:§\s*)?\d+(?:\.\d+)*\.?\s+[^\W\d_]")
_SIGNATURE = re.compile(r"^[A-Z]{1,2} ?\d?\W?$")
_ROMAN_WORD = re.compile(r"\b[ivxlc]+\b")


@dataclass(slots=True)
class Band:
    """What stands at one height at the top or foot of a page."""

    page: int
    place: int  # of the page in the book
    top: bool
    rank: int  # 0 is nearest to the edge
    rows: list[int]
    text: str
    words: int
    key: str  # for comparison: lower case, digits folded, numbers at the ends dropped
    y: float  # centre, as share of the page's height
    size: float
    bold: bool
    gap: float  # to the next band towards the text, in type sizes
    numbers: list[PrintedNumber] = field(default_factory=list)
    removed: bool = False


def _key(text: str) -> str:
    lowered = _ROMAN_WORD.sub("#", text.lower()) if len(text) > 8 else text.lower()
    folded = _FOLD.sub("#", lowered)
    return _NOT_LETTERS.sub(" ", folded.strip("# \t.,-–—[](){}|'\"")).strip()


def _grouped(rows: Sequence[Row], order: Sequence[int]) -> Iterator[list[int]]:
    """Rows that stand at one height, from the edge inwards."""
    group: list[int] = []
    low = high = 0.0
    for index in order:
        row = rows[index]
        overlap = min(high, row.y1) - max(low, row.y0)
        if group and overlap > 0.5 * min(high - low, row.height):
            group.append(index)
            low, high = min(low, row.y0), max(high, row.y1)
            continue
        if group:
            yield group
        group, low, high = [index], row.y0, row.y1
    if group:
        yield group


def _bands(page: PageRows, place: int, *, top: bool) -> list[Band]:
    rows = page.rows
    reach = min(len(rows), 40)
    order = sorted(range(len(rows)), key=lambda index: rows[index].y0 if top else -rows[index].y1)
    bands: list[Band] = []
    for group in _grouped(rows, order[:reach]):
        if bands:
            outer = [rows[index] for index in bands[-1].rows]
            inner = [rows[index] for index in group]
            gap = (
                min(row.y0 for row in inner) - max(row.y1 for row in outer)
                if top
                else min(row.y0 for row in outer) - max(row.y1 for row in inner)
            )
            bands[-1].gap = gap / max(bands[-1].size, 1.0)
        if len(bands) == _EDGE_BANDS:
            break
        members = sorted((rows[index] for index in group), key=lambda row: row.x0)
        text = " ".join(row.text.replace(CELL, " ") for row in members)
        centre = (min(row.y0 for row in members) + max(row.y1 for row in members)) / 2
        widest = max(members, key=lambda row: len(row.text))
        bands.append(
            Band(
                page=page.page,
                place=place,
                top=top,
                rank=len(bands),
                rows=group,
                text=text,
                words=len(text.split()),
                key=_key(text),
                y=centre / page.height if page.height else 0.0,
                size=widest.size,
                bold=widest.bold,
                gap=0.0,
                numbers=printed_numbers(text) if len(text) < 120 else [],
            )
        )
    return bands


class _Heads:
    """The bands of a whole book and the decisions about them."""

    def __init__(self, pages: Sequence[PageRows], options: CleaningOptions) -> None:
        self.pages = pages
        self.options = options
        self.sequence = NumberSequence()
        self.number_of: list[PrintedNumber | None] = []
        self.sides: dict[bool, list[list[Band]]] = {True: [], False: []}
        for place, page in enumerate(pages):
            for top in (True, False):
                bands = _bands(page, place, top=top)
                self.sides[top].append(bands)
            self.sequence.add(page.page, self._candidates(place))
        self.number_of = [
            self.sequence.confirmed(page.page, self._candidates(place))
            for place, page in enumerate(pages)
        ]

    def _candidates(self, place: int) -> list[PrintedNumber]:
        return [
            number
            for top in (True, False)
            for band in self.sides[top][place]
            if band.words <= self.options.head_words
            for number in band.numbers
        ]

    def _neighbours(self, band: Band, steps: Sequence[int]) -> Iterator[list[Band]]:
        side = self.sides[band.top]
        for step in steps:
            place = band.place + step
            if 0 <= place < len(side):
                yield side[place]

    def _level(self, band: Band, other: Band) -> bool:
        tolerance = 0.05 if self.pages[band.place].ocr else 0.012
        return abs(band.y - other.y) <= tolerance

    def _alike(self, band: Band, other: Band) -> bool:
        if band.key == other.key:
            return True
        wanted = self.options.head_similarity - (0.15 if self.pages[band.place].ocr else 0.0)
        return fuzz.ratio(band.key, other.key, score_cutoff=100 * wanted) > 0

    def _numbered(self, band: Band) -> bool:
        confirmed = self.number_of[band.place]
        return confirmed is not None and any(
            (number.value, number.roman) == (confirmed.value, confirmed.roman)
            for number in band.numbers
        )

    def _recurs(self, band: Band) -> bool:
        if sum(map(str.isalpha, band.key)) < 3:
            return False
        # Plain loops and an early end: this is asked of every line at a page's edge.
        side, repeats = self.sides[band.top], self.options.head_repeats
        same_parity = range(-REACH, REACH + 1, 2)
        any_parity = range(-REACH // 2, REACH // 2 + 1)
        for steps in (same_parity, any_parity):
            found = 0
            for step in steps:
                place = band.place + step
                if not step or not 0 <= place < len(side):
                    continue
                for other in side[place]:
                    if self._level(band, other) and self._alike(band, other):
                        found += 1
                        break
                if found >= repeats:
                    return not self._opens_section(band)
        return False

    def _opens_chapter(self, band: Band) -> bool:
        """Whether this is a chapter's number that no neighbouring page repeats, digits and all."""
        return is_division(band.text) and not any(
            self._level(band, other) and other.text == band.text
            for bands in self._neighbours(band, [*range(-REACH, 0), *range(1, REACH + 1)])
            for other in bands
        )

    def _opens_section(self, band: Band) -> bool:
        """Whether this is the heading that later pages repeat, set larger or bolder."""
        if not _SECTION.match(band.text):
            return False
        earlier = self._neighbours(band, range(-REACH, 0))
        if any(self._alike(band, other) for bands in earlier for other in bands):
            return False
        later = [
            other
            for bands in self._neighbours(band, range(1, REACH + 1))
            for other in bands
            if self._alike(band, other)
        ]
        return any(
            band.size > 1.05 * other.size or (band.bold and not other.bold) for other in later
        )

    def _stands_like_heads(self, band: Band) -> bool:
        """Whether the neighbours' heads stand at this height in this type."""
        ocr = self.pages[band.place].ocr
        reach = [step for step in range(-REACH, REACH + 1) if step]
        size_tolerance = 0.35 if ocr else 0.1
        heads = [
            other
            for bands in self._neighbours(band, reach)
            for other in bands
            if other.removed
            and self._level(band, other)
            and abs(band.size - other.size) <= size_tolerance * other.size
        ]
        if len({other.place for other in heads}) < self.options.head_repeats:
            return False
        letters = [letter for letter in band.text if letter.isalpha()]
        capitals = sum(map(str.isupper, letters)) / len(letters) if letters else 0.0
        typical_gap = sorted(other.gap for other in heads)[len(heads) // 2]
        apart = band.gap >= max(0.6, 0.5 * typical_gap)
        if not ocr:
            return apart or not letters
        kin = any(fuzz.ratio(band.key, other.key) >= 60 for other in heads)
        return (capitals > 0.7 and apart) or (kin and apart) or len(letters) <= 2

    def _is_signature(self, band: Band) -> bool:
        """Whether this is the binder's letter at the foot of a sheet's first page."""
        return (
            self.pages[band.place].ocr
            and not band.top
            and band.rank == 0
            and bool(_SIGNATURE.match(band.text))
        )

    def decide(self) -> None:
        """Mark every band that is a running head, a foot or a page number."""
        options = self.options
        every = [band for top in (True, False) for bands in self.sides[top] for band in bands]
        short = [
            band
            for band in every
            if band.words <= options.head_words and not self._opens_chapter(band)
        ]
        for band in short:
            alone = any(number.alone for number in band.numbers)
            numbered = self._numbered(band)
            if options.page_numbers and self._is_signature(band):
                band.removed = True
            elif alone:
                band.removed = options.page_numbers and numbered
            elif options.running_heads:
                band.removed = self._recurs(band) or (numbered and band.rank == 0)
        if options.running_heads:
            for band in [one for one in short if not one.removed and self._stands_like_heads(one)]:
                band.removed = True

    def remove(self) -> None:
        """Take the marked bands out of their pages, from the edge inwards."""
        for place, page in enumerate(self.pages):
            gone: set[int] = set()
            for top in (True, False):
                bands = self.sides[top][place]
                last = max((band.rank for band in bands if band.removed), default=-1)
                outer = bands[: last + 1]
                # Specks that recognition read as a letter or two may lie outside a head.
                if not all(
                    band.removed or (page.ocr and sum(map(str.isalnum, band.text)) <= 3)
                    for band in outer
                ):
                    kept = next(band.rank for band in outer if not band.removed)
                    outer = bands[:kept]
                for band in outer:
                    if not gone.intersection(band.rows):
                        page.removed.append(band.text)
                        gone.update(band.rows)
            if gone:
                page.rows = [row for index, row in enumerate(page.rows) if index not in gone]


def remove_heads(pages: Sequence[PageRows], options: CleaningOptions) -> None:
    """Take running heads, feet and page numbers out of a book's pages.

    Args:
        pages: The book's pages in order; changed in place, what goes is kept in `removed`.
        options: Which kinds to remove, and how much evidence it takes.
    """
    if not (options.running_heads or options.page_numbers):
        return
    heads = _Heads(pages, options)
    heads.decide()
    heads.remove()
