"""Terms that a book defines, found by the phrases with which books define.

Pattern-found definitions are right some two times in three (Malaisé and others 2004), so
what is taken is limited: few words, no proper name, a noun or an unknown word at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from xpoll_dagster.books.concepts.normalise import normalise_term
from xpoll_dagster.books.concepts.wordnet import WordNet
from xpoll_dagster.books.concepts.words import GENERIC, WEAK_MODIFIERS, word_set

_WORD = r"[^\W\d_]+(?:[-'’][^\W\d_]+)*"
_TERM = rf"(?P<term>{_WORD}(?: {_WORD}){{0,5}})"
_QUOTE = r"[“\"‘'*_]{0,2}"
_ARTICLE = r"(?:(?:the|a|an|its|their)\s+)?"

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # "is called a limit", "are known as primes", "we call this number the mean"
        rf"\b(?:is|are|was|were|be|been|being|also|often|usually|sometimes)\s+(?:called|termed|named"
        rf"|known as|referred to as|said to be an?)\s+{_ARTICLE}{_QUOTE}{_TERM}",
        rf"\bwe\s+(?:shall\s+|may\s+|will\s+)?call\s+(?:it|this|these|that|them|such(?:\s+an?)?"
        rf"(?:\s+\w+)?)\s+{_ARTICLE}{_QUOTE}{_TERM}",
        # "the term limit means", "by a limit we mean"
        rf"\bthe\s+(?:term|expression|phrase)\s+{_QUOTE}{_TERM}",
        rf"\bby\s+{_ARTICLE}{_QUOTE}{_TERM}{_QUOTE},?\s+(?:we|is|I|one)\s+"
        rf"(?:shall\s+|here\s+)?(?:mean|means|meant|understand|understood)\b",
        rf"(?:^|[.;:]\s+){_ARTICLE}{_QUOTE}{_TERM}{_QUOTE}\s+(?:is|are|may be|can be)\s+"
        r"(?:then\s+)?defined\s+(?:as|to\s+be|by)\b",
        rf"(?:^|[.;:]\s+){_ARTICLE}{_QUOTE}{_TERM}{_QUOTE}\s+(?:means|denotes)\s+(?:the|an?)\b",
        rf"\bDefinition\s*(?:[\d.]+\s*)?\({_TERM}\)",
    )
)

# A term ends where the sentence goes on about something else.
_STOPS = word_set(
    """
    of in on at by for from to with and or but if when where which that who is are was were be
    because since as than then so it its he she they we you i this these those there here after
    before during throughout about became becomes came
    while whose not has have had does do did can may will would should must also only the
    a an between among upon into under over per via
    """
)
_DETERMINERS = frozenset({"his", "her", "their", "its", "our", "my", "some", "any", "no"})
_NEVER = word_set(
    """
    him her them us me it himself herself itself themselves out up down off upon so well after
    later today above below
    """
)


def find_defined(text: str, wordnet: WordNet, max_words: int) -> Iterator[tuple[str, str]]:
    """Normalised term and surface of each definition in a passage."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            surface = _trim(match["term"], max_words)
            if surface is not None and _is_term(surface, wordnet):
                yield normalise_term(surface, wordnet), surface


def _trim(found: str, max_words: int) -> str | None:
    words: list[str] = []
    for word in found.split():
        if word.lower() in _STOPS:
            # "theory of games" goes on after "of"; nothing else does.
            break
        words.append(word)
    while words and words[0].lower() in _DETERMINERS:
        words = words[1:]
    if not words or len(words) > max_words:
        return None
    return " ".join(words)


def _is_term(surface: str, wordnet: WordNet) -> bool:
    words = surface.split()
    if any(word[0].isupper() for word in words):
        return False  # a name, not a term: "was called Augustus"
    lowered = [word.lower() for word in words]
    last = lowered[-1]
    if len(last) <= 2 or len(surface) > 60 or _NEVER.intersection(lowered):
        return False
    if len(words) == 1 and (last in GENERIC or last in WEAK_MODIFIERS):
        return False
    if last.endswith("ly") and last not in wordnet.nouns:
        return False
    if not wordnet:
        return True
    head = normalise_term(last, wordnet)
    if head in wordnet.nouns:
        # "is called strong" has an adjective, whatever noun it may also be.
        return len(words) > 1 or head not in wordnet.adjectives or _mostly_noun(head, wordnet)
    return head not in wordnet.adjectives and head not in wordnet.verbs


def _mostly_noun(word: str, wordnet: WordNet) -> bool:
    return wordnet.noun_counts.get(word, 0) > wordnet.counts.get(word, 0) / 2
