"""Page numbers: read from the ends of a line and confirmed by their sequence."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

_ROMAN = re.compile(r"m{0,3}(cm|cd|d?c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})$")
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_EDGE = r"[\s\W_]*"
_NUMBER = r"(\d{1,4}|[ivxlcdmIVXLCDM]{1,8})"
_ALONE = re.compile(rf"^{_EDGE}(?:page\s+)?{_NUMBER}{_EDGE}$", re.IGNORECASE)
_AT_START = re.compile(rf"^{_EDGE}{_NUMBER}(?=[\s\W_])")
_AT_END = re.compile(rf"(?<=[\s\W_]){_NUMBER}{_EDGE}$")
REACH = 10  # pages to either side that may confirm a number


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A number at a line's start or end that may be the page's; roman ones count apart."""

    value: int
    roman: bool
    alone: bool  # nothing else stands on the line


def roman_value(numeral: str) -> int | None:
    """Value of a roman numeral, None where it is not well formed."""
    lower = numeral.lower()
    if not lower or not _ROMAN.match(lower):
        return None
    values = [_VALUES[letter] for letter in lower]
    return sum(
        -value if following > value else value
        for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def _printed(text: str, *, alone: bool) -> PrintedNumber | None:
    if text.isdigit():
        return PrintedNumber(int(text), roman=False, alone=alone)
    value = roman_value(text)
    return None if value is None else PrintedNumber(value, roman=True, alone=alone)


def printed_numbers(text: str) -> list[PrintedNumber]:
    """The numbers at the two ends of a line."""
    if match := _ALONE.match(text):
        number = _printed(match[1], alone=True)
        return [number] if number else []
    found = [_AT_START.search(text), _AT_END.search(text)]
    numbers = [_printed(match[1], alone=False) for match in found if match]
    return [number for number in numbers if number]


@dataclass(slots=True)
class NumberSequence:
    """Which offsets between printed number and page a book's pages agree on."""

    _pages: dict[tuple[bool, int], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, page: int, numbers: Iterable[PrintedNumber]) -> None:
        """Note a page's candidates; pages come in ascending order."""
        for number in numbers:
            pages = self._pages[number.roman, number.value - page]
            if not pages or pages[-1] != page:
                pages.append(page)

    def _support(self, page: int, number: PrintedNumber) -> int:
        pages = self._pages.get((number.roman, number.value - page), [])
        return bisect_right(pages, page + REACH) - bisect_left(pages, page - REACH)

    def confirmed(self, page: int, numbers: Iterable[PrintedNumber]) -> PrintedNumber | None:
        """The page's own number among its candidates.

        At least three pages within reach, this one among them, must run the same way; of
        several the best supported wins, for years at the end of notes agree by chance.
        """
        best = max(numbers, key=lambda number: self._support(page, number), default=None)
        return best if best is not None and self._support(page, best) >= 3 else None
