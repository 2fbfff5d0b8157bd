"""Names in a passage: sequences of capitalised words, WordNet's named instances, a model's.

A capital at the start of a sentence says nothing by itself, so the book is read twice: first
for how each word is spelt inside sentences, then for the names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from xpoll_dagster.books.concepts.normalise import is_roman
from xpoll_dagster.books.concepts.passages import Words
from xpoll_dagster.books.concepts.wordnet import WordNet
from xpoll_dagster.books.concepts.words import GENERIC, JOINS, TITLES, word_set

_EPITHETS = word_set(
    """
    Great Elder Younger Conqueror Wise Bold Good Confessor Pious Terrible Magnificent
    """
)
_NAME_WORD = re.compile(r"[^\W\d_]+(?:[.'’&–-][^\W\d_]+)*\.?")  # neither formula nor code
_LONGEST = 8  # words; longer runs of capitals are headings or shouting
_PRONOUNS = word_set(
    """
    i i'm i've i'll i'd he she it we you they o oh
    """
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name where it stands: token span, words, and the kind a model gave, if any."""

    start: int
    stop: int
    surface: str
    kind: str | None = None


@dataclass(slots=True)
class Spelling:
    """How a book spells its words inside sentences."""

    lower: Counter[str] = field(default_factory=Counter)
    capital: Counter[str] = field(default_factory=Counter)
    """By the word in lower case; first words of sentences are not counted."""
    sequences: Counter[str] = field(default_factory=Counter)
    """Capitalised sequences that begin inside a sentence."""

    def is_name(self, word: str) -> bool:
        """Whether a word is mostly capitalised where it need not be."""
        lowered = word.lower()
        return self.capital[lowered] > self.lower[lowered]


def learn_spelling(book: Iterable[Words]) -> Spelling:
    """Count spellings over a whole book."""
    spelling = Spelling()
    for passage in book:
        for word, opens in zip(passage.words, passage.starts, strict=True):
            if word[:1].islower():
                spelling.lower[word] += 1
            elif not opens and word[:1].isupper():
                spelling.capital[word.lower()] += 1
        for start, stop in capital_sequences(passage):
            if not passage.starts[start] and stop - start > 1:
                spelling.sequences[passage.text(start, stop)] += 1
    return spelling


def capital_sequences(passage: Words) -> Iterator[tuple[int, int]]:
    """Maximal runs of capitalised words, joined by "of", "de", "von" and the like."""
    words, starts = passage.words, passage.starts
    at, size = 0, len(words)
    while at < size:
        if not _is_capital(words[at]):
            at += 1
            continue
        stop = at + 1
        while stop < size and not starts[stop]:
            word = words[stop]
            if _is_capital(word):
                stop += 1
            elif (
                word in JOINS
                and stop + 1 < size
                and _is_capital(words[stop + 1])
                and (word != "of" or _takes_of(words[stop - 1]))
            ) or (word == "the" and stop + 1 < size and words[stop + 1] in _EPITHETS):
                stop += 2
            else:
                break
        if stop - at <= _LONGEST:
            yield at, stop
        at = stop


def _is_capital(word: str) -> bool:
    if not word[:1].isupper() or _NAME_WORD.fullmatch(word) is None:
        return False
    # "From", "In" and "The" are capitalised in captions and titles: names end there.
    return word == "US" or not _is_function_word(word.lower())


_OF_HEADS = TITLES | word_set(
    """
    university bank battle house republic kingdom empire duchy isle island cape gulf bay sea
    academy college council church treaty peace act bill declaration statute congress court
    ministry department board society institute school order league union diet edict siege war
    city tower temple law laws book books history wealth origin principles state states charter
    mount straits museum library
    """
)


def _takes_of(word: str) -> bool:
    return word.lower() in _OF_HEADS


def find_mentions(passage: Words, spelling: Spelling, wordnet: WordNet) -> list[Mention]:
    """The names of a passage, from left to right, none overlapping another."""
    found: list[Mention] = [
        Mention(start, stop, passage.text(start, stop), kind)
        for start, stop, kind in passage.entities
    ]
    taken = {at for mention in found for at in range(mention.start, mention.stop)}
    sequences = {}
    for start, stop in capital_sequences(passage):
        trimmed = _trim(passage, start, stop, spelling, wordnet)
        if trimmed is not None:
            sequences[trimmed[0]] = trimmed
    for start, stop in passage.known:
        # "battle of Hastings" begins in lower case, "Alps" may follow a word that was cut off.
        covered = [one for one in sequences.values() if one[0] >= start and one[1] <= stop]
        inside = any(one[0] <= start and one[1] >= stop for one in sequences.values())
        if not inside and (covered or stop - start > 1):
            for one in covered:
                del sequences[one[0]]
            if not any(one[0] < stop and start < one[1] for one in sequences.values()):
                sequences[start] = (start, stop)
    found += [
        Mention(start, stop, passage.text(start, stop))
        for start, stop in sequences.values()
        if not taken.intersection(range(start, stop))
    ]
    return sorted(found, key=lambda mention: mention.start)


def _trim(
    passage: Words, start: int, stop: int, spelling: Spelling, wordnet: WordNet
) -> tuple[int, int] | None:
    words = passage.words
    seen_inside = spelling.sequences[passage.text(start, stop)] > 0
    while start < stop:
        word = words[start]
        lowered = word.lower()
        if lowered.strip(".") in TITLES and stop - start > 1:
            break
        doubtful = (
            passage.starts[start] and not seen_inside and not _is_certain(word, spelling, wordnet)
        )
        if not (doubtful or _is_function_word(lowered) or lowered in GENERIC):
            break
        start += 1
        while start < stop and words[start][:1].islower():
            start += 1  # a join without its left side
    while stop > start and (words[stop - 1].lower() in GENERIC or words[stop - 1][:1].islower()):
        if is_roman(words[stop - 1]) and words[stop - 1].isupper() and stop - start > 1:
            break  # Henry VIII
        stop -= 1
    if start >= stop:
        return None
    if stop - start == 1:
        word = words[start]
        if not _is_single_name(word, spelling, wordnet):
            return None
    elif all(is_roman(word) or len(word.strip(".")) <= 1 for word in words[start:stop]):
        return None
    return start, stop


@lru_cache(maxsize=1)
def _function_words() -> frozenset[str]:
    from spacy.lang.en.stop_words import STOP_WORDS

    return frozenset(STOP_WORDS) | _PRONOUNS


def _is_function_word(lowered: str) -> bool:
    return lowered in _function_words()


def _is_certain(word: str, spelling: Spelling, wordnet: WordNet) -> bool:
    """Whether the first word of a sentence is a name, by the rest of the book and WordNet."""
    lowered = word.lower()
    if spelling.lower[lowered]:
        return spelling.is_name(word)
    if spelling.capital[lowered]:
        return True
    return (
        word in wordnet.instances or word in wordnet.given_names or word in wordnet.peoples
    ) and lowered not in wordnet.counts


def _is_single_name(word: str, spelling: Spelling, wordnet: WordNet) -> bool:
    lowered = word.lower().strip(".")
    letters = [letter for letter in word if letter.isalpha()]
    if len(letters) <= 2 or is_roman(word) or lowered in GENERIC or lowered in TITLES:
        return False
    if not spelling.is_name(word):
        return False
    # One capital amid lower-case text: an emphasis ("the Law") more likely than a name.
    if lowered not in wordnet.common or word in wordnet.capitalised or word in wordnet.peoples:
        return True
    listed = word in wordnet.instances or spelling.capital[lowered] > 1
    return spelling.lower[lowered] == 0 and listed
