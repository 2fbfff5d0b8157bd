"""The marks [A], [B] and [A][B] with which a model says what its sentences rest on.

They make it attribute each sentence as it writes, are counted, and are taken out of the
finished text, which names the books instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xpoll_dagster.books.sentences import split_sentences

_ONE = (
    r"\[\s*(?:passages?[\s-]+|source\s+|from\s+)?[AB]"
    r"\s*(?:(?:,|;|/|&|\+|and)\s*(?:passage[\s-]+)?[AB]\s*)*\]"
)
_MARK = re.compile(_ONE, re.IGNORECASE)
_MARKS = re.compile(rf"(?:[ \t]*{_ONE})+", re.IGNORECASE)
# "… in space. [A] The next": the marks belong to the sentence before.
_AFTER_END = re.compile(rf"([.!?…][”’\"'*)\]]*)((?:[ \t]*{_ONE})+)(?=\s|$)", re.IGNORECASE)
_LABEL = re.compile(r"\b(?:[Pp]assages?[ -]|[Bb]ook |[Ss]ource |[Tt]ext )[AB]\b(?![’'])")


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text without its marks, and what they say.

    `n_sentences` are those that state something (no questions, no cries of two words),
    `n_marked` those of them with a mark; `sides` are the sides named in all of them.
    """

    text: str
    n_sentences: int
    n_marked: int
    sides: frozenset[str]

    @property
    def marked_share(self) -> float:
        """Share of the sentences that say what they rest on; 1 where none states anything."""
        return self.n_marked / self.n_sentences if self.n_sentences else 1.0


def read_marks(text: str) -> MarkedText:
    """Count the marks of a text and take them out."""
    moved = _AFTER_END.sub(_before_end, text.strip())
    n_sentences = n_marked = 0
    for paragraph in re.split(r"\n\s*\n", moved):
        for sentence in split_sentences(paragraph):
            marked = bool(_MARK.search(sentence))
            bare = _MARKS.sub("", sentence).strip()
            if bare.endswith("?") or (len(bare.split()) < 4 and not marked):
                continue
            n_sentences += 1
            n_marked += marked
    sides = {
        side for mark in _MARK.findall(moved) for side in re.findall(r"\b[AB]\b", mark.upper())
    }
    plain = re.sub(r"[ \t]+([.,;:!?])", r"\1", _MARKS.sub("", moved))
    return MarkedText(plain.strip(), n_sentences, n_marked, frozenset(sides))


def _before_end(match: re.Match[str]) -> str:
    return f" {match[2].strip()}{match[1]}"


def mentions_label(text: str) -> bool:
    """Whether a text calls the passages by their labels, which its reader does not know."""
    return _LABEL.search(text) is not None
