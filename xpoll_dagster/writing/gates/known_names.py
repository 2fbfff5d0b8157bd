"""Whether a source knows a name, and which of its names a text keeps."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from rapidfuzz import fuzz, process

from xpoll_dagster.writing.gates.names import (
    DOUBLE_HYPHEN,
    PLAIN_WORDS,
    WORD,
    Name,
    bare,
    is_odd,
    names,
    stem,
)
from xpoll_dagster.writing.gates.word_lists import word_list

# Everybody's names: to say them is no claim that the source does not make.
_EVERYBODYS = frozenset(word_list("earth moon sun god english internet fahrenheit celsius kelvin"))
_MONTHS = {
    name[:3]: name
    for name in word_list(
        "january february march april may june july august september october november december"
    )
} | {"sept": "september"}
_DAYS = frozenset(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
_NUMERIC_DATE = re.compile(r"\b\d{4}-(\d{2})-\d{2}\b|\b(\d{1,2})[/.](\d{1,2})[/.]\d{2,4}\b")
_SIMILAR = 86
_MIN_FUZZY = 5


@dataclass(frozen=True, slots=True)
class Known:
    """What a source knows: its words, what they may abbreviate, and their initials.

    `common` are words that the book prints in lower case: in capitals too they are no name.
    """

    words: frozenset[str]
    stems: frozenset[str]
    shortened: tuple[str, ...]
    initials: str
    acronyms: frozenset[str]
    months: frozenset[str]
    common: Collection[str] = field(default=frozenset())
    expansions: Mapping[str, str] = field(default_factory=dict)


def known(
    source: str,
    also: str = "",
    common: Collection[str] = frozenset(),
    expansions: Mapping[str, str] | None = None,
) -> Known:
    """What names a source knows.

    Args:
        source: The text whose names may be said.
        also: Further text that is about the same, such as the book's title and headings.
        common: Words that the book prints in lower case.
        expansions: Long forms by acronym, as the book introduces them.
    """
    return replace(_read(source, also), common=common, expansions=expansions or {})


@lru_cache(maxsize=4096)
def _read(source: str, also: str) -> Known:
    raw = [match.group() for match in WORD.finditer(DOUBLE_HYPHEN.sub("-", f"{source}\n{also}"))]
    words: set[str] = set()
    for word in raw:
        whole = bare(word)
        words.add(whole)
        words.update(part for part in re.split(r"[-/&']", whole) if part)
        words.update(part for part in re.split(r"[/&]", whole) if part)
    shortened = tuple({bare(word) for word in raw if word.endswith(".") or word[0].isupper()})
    content = [word for word in raw if bare(word) not in {"of", "the", "and", "for", "in", "a"}]
    # "command and service module" may be called CSM.
    initials = "".join(bare(word)[:1] or " " for word in content)
    acronyms = frozenset(
        bare(word) for word in raw if 2 <= len(word.replace(".", "")) <= 8 and _dotted(word)
    )
    months = {_month(word) for word in raw if _is_month(word)}
    for match in _NUMERIC_DATE.finditer(source):
        for number in filter(None, match.groups()):
            if 1 <= int(number) <= 12:
                months.add(list(_MONTHS.values())[int(number) - 1])
    # "Nov.7" and "Sept.18" are one word where the space is missing.
    for match in re.finditer(r"\b([A-Z][a-z]{2,8})\.?\s?\d", source):
        if _is_month(match.group(1)):
            months.add(_month(match.group(1)))
    return Known(
        frozenset(words),
        frozenset(stem(word) for word in words if len(word) > 3),
        shortened,
        initials,
        acronyms,
        frozenset(months),
    )


def _dotted(word: str) -> bool:
    return word.isupper() or bool(re.fullmatch(r"(?:[A-Za-z]\.){2,}[A-Za-z]?", word))


def _is_month(word: str) -> bool:
    name = bare(word)
    key = "sept" if name == "sept" else name[:3]
    return key in _MONTHS and _MONTHS[key].startswith(name) and word[:1].isupper()


def _month(word: str) -> str:
    name = bare(word)
    return _MONTHS["sept" if name == "sept" else name[:3]]


def is_known(name: Name, source: Known) -> bool:
    """Whether every word of a name stands in the source, in whatever form."""
    whole = "".join(word[:1] for word in name.words if word not in {"of", "the", "and"})
    if len(whole) >= 2 and whole in source.acronyms:
        return True  # spelt out: Eastern Standard Time of e.s.t.
    phrase = " ".join(name.words)
    if any(
        phrase == long.casefold()
        for short, long in source.expansions.items()
        if bare(short) in source.words
    ):
        return True
    return all(
        _knows(word, source, odd=is_odd(surface))
        for word, surface in zip(name.words, name.surface.split(), strict=False)
    )


def _knows(word: str, source: Known, *, odd: bool) -> bool:
    if len(word) < 2 or word in PLAIN_WORDS or word in _EVERYBODYS or word in _DAYS:
        return True
    if word in source.words or word in source.common:
        return True
    name = _MONTHS.get(word[:3])
    if name is not None and name.startswith(word):
        return name in source.months
    parts = [part for part in re.split(r"[-/&']", word) if len(part) > 1]
    if len(parts) > 1 and all(_knows(part, source, odd=False) for part in parts):
        return True
    if len(word) > 3 and stem(word) in source.stems:
        return True
    if odd and word.isalpha():
        singular = word.removesuffix("s")
        if len(singular) >= 2 and (singular in source.initials or singular in source.words):
            return True
        long = source.expansions.get(word.upper())
        return bool(long) and set(re.findall(r"[^\W_]+", long.casefold())) <= source.words
    if len(word) >= 4 and any(_abbreviates(short, word) for short in source.shortened):
        return True
    if len(word) >= _MIN_FUZZY:
        # A word that recognition garbled in the source and the writer put right.
        best = process.extractOne(word, source.words, scorer=fuzz.ratio, score_cutoff=_SIMILAR)
        return best is not None
    return False


def _abbreviates(short: str, word: str) -> bool:
    """Whether a short form's letters stand in a word in order, its first at the head."""
    if not 2 <= len(short) < len(word) or len(short) > 5 or short[0] != word[0]:
        return False
    rest = iter(word)
    return all(letter in rest for letter in short)


def new_names(text: str, source: Known) -> list[str]:
    """The names of a text that its source does not know, as the text spells them."""
    return sorted(
        {name.surface for name in names(text) if name.certain and not is_known(name, source)}
    )


def kept_names(
    source_text: str, text: str, common: Collection[str] = frozenset()
) -> tuple[int, int]:
    """How many of a source's names a text keeps, and how many there are.

    A name counts once. It is kept where half of its words stand in the text, or its
    initials. Words that the book prints in lower case too make no name.
    """
    wanted = {
        name.words: name
        for name in names(source_text)
        if name.certain and _is_telling(name, source_text, common)
    }
    # A part of a longer name is the same name: Lovell of James A. Lovell.
    whole = [
        name
        for name in wanted.values()
        if not any(set(name.words) < set(other) for other in wanted)
    ]
    target = known(text)
    kept = 0
    for name in whole:
        words = [word for word in name.words if len(word) > 1 and word not in PLAIN_WORDS]
        odd = {bare(piece): is_odd(piece) for piece in name.surface.split()}
        hits = sum(_knows(word, target, odd=odd.get(word, False)) for word in words)
        initials = "".join(word[:1] for word in words)
        spelt_out = len(name.words) == 1 and name.words[0] in target.initials
        kept += (
            2 * hits >= len(words)
            or (len(initials) > 1 and initials in target.words)
            or (spelt_out and len(name.words[0]) > 1)
        )
    return kept, len(whole)


def _is_telling(name: Name, source: str, common: Collection[str]) -> bool:
    words = [
        word
        for word in name.words
        if len(word) > 2  # "Cn" and "Or" are misprints more often than names
        and word not in PLAIN_WORDS
        and word not in _EVERYBODYS
        and word not in _DAYS
        and not _is_month(word.capitalize())
        and word not in common
    ]
    if not words:
        return False
    printed = set(re.findall(r"[^\W_]+(?:-[^\W_]+)*", source))
    return any(word not in printed for word in words)
