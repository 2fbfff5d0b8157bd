"""Text → what BM25 counts: stems, numbers as they are meant, pairs of words, printed words.

Numbers keep their points and colons (`58.3`, `14.1.8`, `2:13:00`), lose the commas of
thousands, and read `l`, `I` and `O` between digits as scans mean them. Words joined by a hyphen
are one term, written together, so that `S-IVB` and `SIVB` meet.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

_TEX = re.compile(r"\\[a-zA-Z]+|[${}^~]")
_TOKEN = re.compile(r"[^\W_]+(?:[.,:'’\-][^\W_]+)*")
_LOOKS_NUMERIC = re.compile(r"(?=.*\d)[\dlIoO.,:\-]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_INNER = re.compile(r"[.,:'’\-]")
_MISREAD = str.maketrans("lIoO", "1100")
_POSSESSIVE = re.compile(r"['’]s?$")

STOP_WORDS = frozenset(
    """
    a an the of in on at to and or is are was were be been by for with as it its that this these
    those from what which who whom whose where when how why did do does there
    """.split()  # noqa: SIM905 - read as a paragraph
)
"""Words of questions and of grammar; in the length of BM25 they would only blur."""

_MAX_TERM = 64


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


def split_terms(text: str) -> list[str]:
    """The single terms of a text, in order, stemmed (Snowball English), without stop words.

    >>> split_terms("Batteries of the S-IVB held ll8 ampere-hours (fig. 14.l.8).")
    ['batteri', 'sivb', 'held', '118', 'amperehour', 'fig', '14.1.8']
    """
    terms = []
    for match in _TOKEN.finditer(_TEX.sub(" ", text)):
        token = match.group()
        if _LOOKS_NUMERIC.fullmatch(token):
            term = _THOUSANDS.sub("", token.translate(_MISREAD))
        else:
            term = _POSSESSIVE.sub("", token.lower())
            if term not in STOP_WORDS and not term[0].isdigit():
                term = _INNER.sub("", term)
        if term and term not in STOP_WORDS:
            terms.append(term[:_MAX_TERM])
    return _stemmer().stemWords(terms)


def printed_words(text: str) -> list[str]:
    """The words of a text in lower case, in order, endings and all, without stop words.

    >>> printed_words("Batteries of the S-IVB held")
    ['batteries', 's-ivb', 'held']
    """
    words = (match.group().lower()[:_MAX_TERM] for match in _TOKEN.finditer(_TEX.sub(" ", text)))
    return [word for word in words if word not in STOP_WORDS]


def word_pairs(terms: Sequence[str]) -> list[str]:
    """Two terms in a row, joined by a space (which no single term holds)."""
    return [f"{one} {two}" for one, two in itertools.pairwise(terms)]
