"""Line-end hyphens: undone or kept as the book's own words say.

The rule follows Bauge (2012): between the joined and the hyphenated form take the one
that the same text uses more often in the middle of its lines. Only where neither occurs
do the halves decide.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"{_LETTER}+(?:['’]{_LETTER}+)?(?:-{_LETTER}+)*")
# Both may only start where a word does: tried from every letter of it, a word of a million
# letters would take hours.
_BROKEN = re.compile("(?<!\\S)(\\S+)[-\u2010\u00ad¬]\n\\s*(\\S+)")
_LEFT = re.compile(rf"(?<!{_LETTER})({_LETTER}+(?:-{_LETTER}+)*)([-\u2010\u00ad¬])$")
_RIGHT = re.compile(rf"({_LETTER}+)((?:-{_LETTER}+)*)")
_DASHES = ("—", "―", "--")
_RANGE_END = re.compile(r"\d[-–]$")
_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "er", "al", "ion", "ions", "able", "ment", "ness")
# Short words that begin longer ones far more often than they stand before a hyphen.
_BEGINNINGS = frozenset(
    """
    a ac ad al am an as at be bo by can car col com con count de dis do ex for fun gen
    go he her his i if im in is it man mar men me met mis no not of on or our out over
    pa par per pro prop re sat see sub sun sup so some the to under un up us was we wit
    with
    """.split()  # noqa: SIM905 - read as a paragraph
)


class Hyphenation:
    """Knows a book's words and decides each line end by them.

    Args:
        counts: How often each word (lower case) stands unbroken in the book; hyphenated
            words are counted under their whole form.
    """

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._vocabulary = sorted(counts)
        self._before_hyphen: Counter[str] = Counter()
        for word, count in counts.items():
            if "-" in word:
                self._before_hyphen[word.split("-", 1)[0]] += count

    @classmethod
    def of(cls, lines: Iterable[str]) -> Hyphenation:
        """Count the words of a book, leaving out those that a line end breaks."""
        text = _BROKEN.sub("\n", "\n".join(lines)).lower()
        return cls(Counter(_WORD.findall(text)))

    def _begins(self, prefix: str) -> bool:
        place = bisect_left(self._vocabulary, prefix)
        return place < len(self._vocabulary) and self._vocabulary[place].startswith(prefix)

    def _has_relative(self, joined: str) -> bool:
        """Whether the book has another form of the same word: `invent` beside `inventor`."""
        if len(joined) >= 5 and self._begins(joined):
            return True
        for ending in _ENDINGS:
            stem = joined.removesuffix(ending)
            if stem != joined and len(stem) >= 4 and self._begins(stem):
                return True
        return False

    def keeps(self, left: str, right: str) -> bool:
        """Whether the hyphen between two halves of a word is the author's own."""
        first, second = left.lower(), right.lower()
        joined = self._counts[first + second]
        hyphenated = self._counts[f"{first}-{second}"]
        if joined != hyphenated:
            return hyphenated > joined
        if joined:
            return False
        if right[0].isupper() and not left.isupper():
            return True
        head = first.rsplit("-", 1)[-1]
        if head != first and self._counts[head + second]:
            return False
        if self._has_relative(head + second):
            return False
        if len(head) >= 2 and self._before_hyphen[head] >= 2 and self._counts[second]:
            return True
        if len(head) >= 6 and head.endswith("o") and self._counts[second]:
            return True  # combining forms: arithmetico-algebraical
        return (
            len(head) >= 3
            and len(second) >= 3
            and head not in _BEGINNINGS
            and self._counts[head] > 1
            and self._counts[second] > 1
        )

    def _suspended(self, left: str, conjunction: str) -> bool:
        """Whether the second half of a compound is left out: "two- or threefold"."""
        return bool(self._counts[left.lower()]) and not self._counts[left.lower() + conjunction]

    def seam(self, left: str, right: str) -> str:
        """The end of one line made ready for the next.

        Args:
            left: A line of a paragraph.
            right: The line that follows, on this page or the next.

        Returns:
            `left` such that `left + right` reads on: with a space behind it, or without
            its hyphen, or with the hyphen that belongs to the word.
        """
        end = left[-1:]
        if not end.isalnum():
            if end == "\u00ad":
                return left[:-1]
            if end in "-\u2010¬" and (broken := _LEFT.search(left[-60:])):
                after = _RIGHT.match(right)
                if after is None:
                    # "two- or threefold" goes on with a space, "pre-1900" without
                    return left if right[:1].isdigit() else left + " "
                if after[0] in {"and", "or", "to"} and self._suspended(broken[1], after[0]):
                    return left + " "
                second = after[1]
                stem = left[:-1]
                if after[2] and self._counts[f"{broken[1]}-{after[0]}".lower()]:
                    return left
                return f"{stem}-" if self.keeps(broken[1], second) else stem
            if left.endswith(_DASHES) or (right[:1].isdigit() and _RANGE_END.search(left[-2:])):
                return left
        if right.startswith(_DASHES) and len(right) > 1 and not right[1].isspace():
            return left
        return left + " "

    def join(self, lines: Sequence[str]) -> str:
        """One paragraph out of its lines."""
        if not lines:
            return ""
        parts = [self.seam(left, right) for left, right in pairwise(lines)]
        parts.append(lines[-1])
        return "".join(parts)


def line_by_line(lines: Sequence[str]) -> str:
    """One paragraph out of its lines, every hyphen left where it stands."""
    return " ".join(lines)
