"""Who a name means: surnames and initials become the full name that they stand for.

First the book decides: a surname means the only person of that surname whom the book names
in full. Where it names none, WordNet does, if it knows exactly one bearer that goes by the
surname alone. So "Newton" becomes "isaac newton" in every book, without the books being
compared, and "Bernoulli", of whom there are several, stays "bernoulli".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from xpoll_dagster.books.concepts.normalise import fold, is_roman, normalise_name
from xpoll_dagster.books.concepts.wordnet import WordNet
from xpoll_dagster.books.concepts.words import JOINS

COMMON_GIVEN_NAME = 4
"""A first name that so many people in WordNet bear means none of them by itself."""


def resolve_people(names: Mapping[str, int], wordnet: WordNet) -> dict[str, str]:
    """Canonical names by normalised names of people.

    Args:
        names: normalised names ("newton", "i. newton", "isaac newton") and how often each
            stands in the book.
        wordnet: may be empty.

    Returns:
        An entry for every name; the empty string for a bare given name, which means nobody.
    """
    resolved: dict[str, str] = {}
    full: dict[str, Counter[str]] = defaultdict(Counter)
    for name in sorted(names):
        words = _words(name)
        if len(words) > 1 and _is_full(words):
            known = _known(words, wordnet)
            resolved[name] = known if known is not None else name
            full[words[-1]][resolved[name]] += names[name]
    for family in full.values():
        _merge(family, resolved)
    by_given: dict[str, set[str]] = defaultdict(set)
    for family in full.values():
        for one in family:
            by_given[_words(one)[0]].add(one)
    for name in sorted(names):
        if name in resolved:
            continue
        words = _words(name)
        if not words or is_roman(words[-1]) or {"of", "the"}.intersection(words):
            resolved[name] = name
            continue
        family = sorted(full.get(words[-1], ()))
        fitting = [one for one in family if _initials_fit(words, _words(one))]
        if len(fitting) > 1:
            fitting = _likely(fitting, full[words[-1]], wordnet)
        if len(fitting) == 1:
            resolved[name] = fitting[0]
        elif fitting:
            resolved[name] = words[-1]
        else:
            resolved[name] = _by_wordnet(words, wordnet)
            if len(words) == 1 and resolved[name] == name and name not in wordnet.people:
                # "Tycho" is Tycho Brahe where the name is rare and the book has no other.
                bearers = by_given.get(name, set())
                if len(bearers) == 1 and wordnet.bearers.get(name, 0) <= 1:
                    resolved[name] = min(bearers)
    return resolved


def _likely(family: list[str], counts: Counter[str], wordnet: WordNet) -> list[str]:
    """Those of a family that are people, or the one of whom the book is mostly about."""
    likely = [
        one
        for one in family
        if (first := _words(one)[0]) in wordnet.bearers or first not in wordnet.common
    ]
    best = max(likely, key=lambda one: (counts[one], one), default=None)
    if best is not None and _known(_words(best), wordnet) is not None:
        others = sum(counts[one] for one in likely if one != best)
        if counts[best] >= 2 * max(1, others):
            return [best]
    return likely or family


def _is_full(words: list[str]) -> bool:
    """Whether a name of several words holds a given name and a surname."""
    return (
        not is_roman(words[-1])
        and any(len(word) > 1 for word in words[:-1])
        and words[0] not in JOINS
        and not {"of", "the", "and"}.intersection(words)
    )


def _words(name: str) -> list[str]:
    return name.replace(".", ". ").replace(".", "").replace("-", " ").split()


def _known(words: list[str], wordnet: WordNet) -> str | None:
    """Canonical name of the one person in WordNet whom a full name fits."""
    exact, close = set(), set()
    plain = [word for word in words if word not in JOINS]
    for person in wordnet.people.get(words[-1], ()):
        canonical = normalise_name(person.canonical)
        forms = [_words(normalise_name(form)) for form in person.names]
        forms = [[word for word in form if word not in JOINS] for form in forms]
        if plain in forms:
            exact.add(canonical)
        elif any(len(form) > 1 and form[0] == plain[0] for form in forms):
            close.add(canonical)
    if len(exact) == 1:
        return exact.pop()
    return close.pop() if not exact and len(close) == 1 else None


def _merge(family: Counter[str], resolved: dict[str, str]) -> None:
    """Make one of "charles darwin" and "charles robert darwin"."""
    renamed = {}
    for name in sorted(family):
        words = _words(name)
        fuller = [
            other
            for other in family
            if other != name and len(_words(other)) < len(words) and _words(other)[0] == words[0]
        ]
        if len(fuller) == 1:
            renamed[name] = fuller[0]
    for name, canonical in list(resolved.items()):
        if canonical in renamed:
            resolved[name] = renamed[canonical]
    for name, canonical in renamed.items():
        family[canonical] += family.pop(name)


def _initials_fit(words: list[str], full: list[str]) -> bool:
    if words[-1] != full[-1]:
        return False
    given = [word for word in words[:-1] if word not in JOINS]
    names = [word for word in full[:-1] if word not in JOINS]
    if len(given) > len(names):
        given = given[: len(names)]
    return all(
        name.startswith(one) if len(one) == 1 else name == one
        for one, name in zip(given, names, strict=False)
    )


def _by_wordnet(words: list[str], wordnet: WordNet) -> str:
    name = " ".join(words)
    if len(words) == 1:
        if wordnet.bearers.get(name, 0) >= COMMON_GIVEN_NAME:
            return ""
        known_as = {
            normalise_name(person.canonical)
            for person in wordnet.people.get(name, ())
            if any(fold(form) == name for form in person.names)
        }
    else:
        known_as = {
            normalise_name(person.canonical)
            for person in wordnet.people.get(words[-1], ())
            if any(
                _initials_fit(words, _words(normalise_name(n))) and " " in n for n in person.names
            )
        }
    return known_as.pop() if len(known_as) == 1 else name
