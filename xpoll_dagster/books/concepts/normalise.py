"""One spelling for each concept: case, articles, possessives, titles, plurals."""

from __future__ import annotations

import re
import unicodedata

from xpoll_dagster.books.concepts.wordnet import WordNet
from xpoll_dagster.books.concepts.words import TITLES

_ARTICLE = re.compile(r"^(?:the|a|an)\s+")
_POSSESSIVE = re.compile(r"(?:'s|s')$|'$")
_SPACES = re.compile(r"\s+")
_ROMAN = re.compile(r"(?=[ivxlcdm])m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})\.?")


def fold(text: str) -> str:
    """NFKC, casefolded, plain apostrophes and hyphens, single spaces."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = text.replace("’", "'").replace("‘", "'").replace("‐", "-").replace("‑", "-")
    text = text.replace("æ", "ae").replace("œ", "oe")
    return _SPACES.sub(" ", text).strip()


def is_roman(word: str) -> bool:
    """Whether a word is a Roman numeral, in either case."""
    return _ROMAN.fullmatch(word.casefold()) is not None


def normalise_name(text: str) -> str:
    """A name without article, possessive and title; empty where nothing is left."""
    text = _POSSESSIVE.sub("", _ARTICLE.sub("", fold(text))).strip(" .,;:-'\"")
    words = text.split()
    while len(words) > 1 and words[0].strip(".") in TITLES:
        # "King Henry VIII" keeps nothing less than "henry viii"; "King of Spain" stays whole.
        if words[1] in {"of", "de", "von"}:
            break
        words = words[1:]
    return " ".join(words)


def singular(word: str, wordnet: WordNet) -> str:
    """The singular of a lower-case noun, by WordNet's exceptions and detachment rules."""
    found = wordnet.plurals.get(word)
    if found is not None:
        return found
    if word.endswith("men") and f"{word[:-3]}man" in wordnet.nouns:
        return f"{word[:-3]}man"
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is", "ics")):
        return word
    if word in wordnet.nouns and word[:-1] not in wordnet.nouns:
        return word  # "series", "physics"
    if wordnet.noun_counts.get(word, 0) > wordnet.noun_counts.get(word[:-1], 0):
        return word  # "species", which is seldom coined money
    for ending, replacement in _ENDINGS:
        if word.endswith(ending):
            candidate = word[: -len(ending)] + replacement
            if not wordnet or candidate in wordnet.nouns:
                return candidate
    return word[:-1]


_ENDINGS = (
    ("ies", "y"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("sses", "ss"),
    ("xes", "x"),
    ("zes", "z"),
    ("s", ""),
    ("es", ""),
)


def normalise_term(text: str, wordnet: WordNet) -> str:
    """A term without article and possessive, its last word in the singular."""
    text = _POSSESSIVE.sub("", _ARTICLE.sub("", fold(text))).strip(" .,;:-'\"")
    words = text.split(" ")
    if "of" in words[1:-1]:
        head = words.index("of") - 1  # "laws of motion": the head stands before "of"
        words[head] = singular(words[head], wordnet)
    else:
        words[-1] = singular(words[-1], wordnet)
    return " ".join(words)
