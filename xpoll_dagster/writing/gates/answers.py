"""Answers as spans of passages: whether, and in which chunks, an answer stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from xpoll_dagster.writing.gates.numbers import as_digits, without_markup
from xpoll_dagster.writing.gates.word_lists import word_list

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")
_SMALL: dict[str, str] = {
    word: str(value)
    for value, word in enumerate(
        word_list("zero one two three four five six seven eight nine ten eleven twelve")
    )
}
_LEADING = frozenset(
    word_list(
        "a an the approximately about around roughly nearly almost some at in on by from to of "
        "for because it was is are were they he she with only over under"
    )
)
_EMPTY = (
    frozenset(
        word_list(
            "anything something nothing everything it they he she this that these those none yes "
            "no here there true false various several some many"
        )
    )
    | _LEADING
)
_BREAK = "\x1f"
_MIN_SQUEEZED = 7


def folded_words(text: str) -> list[str]:
    """A text's words as answers are compared: small letters, digits mended, words for small
    numbers as digits, no marks.
    """
    words: list[str] = _WORD.findall(as_digits(without_markup(text)).lower())
    return [
        _SMALL.get(word) or (word.replace(",", "") if word[0].isdigit() else word) for word in words
    ]


def core(answer: str) -> list[str]:
    """An answer's words without articles and the like at its head."""
    words = folded_words(answer)
    while len(words) > 1 and words[0] in _LEADING:
        words = words[1:]
    return words


def says_something(answer: str) -> bool:
    """Whether an answer holds a word or number that can be right or wrong."""
    return any(word not in _EMPTY for word in folded_words(answer))


def is_inside(answer: str, question: str) -> bool:
    """Whether a question gives its answer away: all its telling words stand there."""
    telling = [word for word in core(answer) if word not in _EMPTY]
    asked = set(folded_words(question))
    return bool(telling) and all(word in asked for word in telling)


class Passages:
    """The chunks of a book, to be searched for answers, each search linear in the book."""

    def __init__(self, texts: Sequence[str]) -> None:
        pieces = [f" {' '.join(folded_words(text))} " for text in texts]
        self._text = _BREAK.join(pieces)
        self._squeezed = [piece.replace(" ", "") for piece in pieces]
        self._starts = [0]
        for piece in pieces[:-1]:
            self._starts.append(self._starts[-1] + len(piece) + 1)

    def having(self, answer: str) -> list[int]:
        """Numbers of the chunks that hold an answer as a span of whole words."""
        words = core(answer)
        if not words:
            return []
        wanted = f" {' '.join(words)} "
        found: list[int] = []
        at = self._text.find(wanted)
        while at >= 0:
            chunk = bisect_right(self._starts, at) - 1
            found.append(chunk)
            if chunk + 1 >= len(self._starts):
                break
            at = self._text.find(wanted, self._starts[chunk + 1])
        return found

    def holds(self, chunk: int, answer: str) -> bool:
        """Whether one chunk holds an answer; spaces that print lost or gained do not count."""
        words = core(answer)
        if not words:
            return False
        start = self._starts[chunk]
        end = self._starts[chunk + 1] if chunk + 1 < len(self._starts) else len(self._text)
        if f" {' '.join(words)} " in self._text[start:end]:
            return True
        squeezed = "".join(words)
        return len(squeezed) >= _MIN_SQUEEZED and squeezed in self._squeezed[chunk]
