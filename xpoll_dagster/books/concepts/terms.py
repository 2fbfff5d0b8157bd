"""Key terms: expressions of one to three words that a book uses more than English does.

Noun phrases by WordNet's lexicon (no tagger), counted over the book; single words must be
commoner in the book than in WordNet's tagged texts, several words must be an entry of
WordNet or belong together by their counts. A chunk keeps its best by TF-IDF.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from xpoll_dagster.books.concepts.normalise import is_roman, normalise_term
from xpoll_dagster.books.concepts.options import ExtractionOptions
from xpoll_dagster.books.concepts.wordnet import WordNet
from xpoll_dagster.books.concepts.words import GENERIC, WEAK_MODIFIERS

_SIZES = (1, 2, 3)
_TAGGED_WORDS = 360_000  # tagged content words behind WordNet's counts
_TOGETHER = 6.0
"""How many times more often than chance the words of an unlisted expression must meet."""


@dataclass(slots=True)
class Candidate:
    """A term in one chunk."""

    count: int = 0
    surfaces: Counter[str] = field(default_factory=Counter)


class TermFinder:
    """Finds candidate terms in token runs; remembers each word's part of speech."""

    def __init__(self, wordnet: WordNet, *, english: bool) -> None:
        from spacy.lang.en.stop_words import STOP_WORDS

        self._wordnet = wordnet
        self._stop = STOP_WORDS | GENERIC if english else frozenset()
        self._english = english
        self._heads: dict[str, bool] = {}
        self._modifiers: dict[str, bool] = {}
        self._normal: dict[str, str] = {}

    def _is_head(self, word: str) -> bool:
        known = self._heads.get(word)
        if known is None:
            known = self._heads[word] = self._decide_head(word)
        return known

    def _decide_head(self, word: str) -> bool:
        if len(word) <= 2 or word in self._stop or is_roman(word) or not _is_word(word):
            return False
        wordnet = self._wordnet
        if not wordnet:
            return len(word) > 3
        base = normalise_term(word, wordnet)
        if word in wordnet.inflected:
            return False
        if base in self._stop or base in WEAK_MODIFIERS or len(base) <= 2:
            return False
        if base in wordnet.nouns:
            if word.endswith("ed") and not wordnet.noun_counts.get(word):
                return False
            # Mostly adjective or verb ("good", "run", "said"): no noun here either.
            return 2 * wordnet.noun_counts.get(base, 0) >= wordnet.counts.get(base, 0)
        if word.endswith(("er", "est")) and _compared(word, wordnet):
            return False
        if word.endswith(("ly", "ed")) or word in wordnet.adjectives or word in wordnet.verbs:
            return False
        return not (word.endswith("ing") or _verb_form(word, wordnet))

    def _is_modifier(self, word: str) -> bool:
        known = self._modifiers.get(word)
        if known is None:
            stop = word in self._stop or word in WEAK_MODIFIERS or len(word) <= 2
            known = not stop and _is_word(word) and not word.endswith("ly")
            if known and self._wordnet and not self._is_head(word):
                adjective = word in self._wordnet.adjectives
                known = adjective or "-" in word or word.endswith(("ed", "ing"))
                known = known and word not in self._wordnet.inflected
            self._modifiers[word] = known
        return known

    def find(self, words: Sequence[str]) -> dict[str, Candidate]:
        """Candidates of a passage's lower-cased words; None-like gaps are empty strings."""
        found: dict[str, Candidate] = {}
        size = len(words)
        for at in range(size):
            first = words[at]
            if not first:
                continue
            if self._is_head(first):
                self._add(found, first)
            if not self._is_modifier(first) and not self._is_head(first):
                continue
            if at + 1 < size and self._is_head(words[at + 1]):
                self._add(found, f"{first} {words[at + 1]}")
            if at + 2 < size and self._is_head(words[at + 2]):
                middle = words[at + 1]
                joined = middle == "of" and self._is_head(first)
                if joined or self._is_modifier(middle):
                    self._add(found, f"{first} {middle} {words[at + 2]}")
        return found

    def _add(self, found: dict[str, Candidate], surface: str) -> None:
        term = self._normal.get(surface)
        if term is None:
            term = normalise_term(surface, self._wordnet) if self._english else surface
            self._normal[surface] = term
        candidate = found.get(term)
        if candidate is None:
            candidate = found[term] = Candidate()
        candidate.count += 1
        candidate.surfaces[surface] += 1


def _is_word(word: str) -> bool:
    return word.replace("-", "").isalpha() and word[0] != "-" and word[-1] != "-"


def _compared(word: str, wordnet: WordNet) -> bool:
    stem = word.removesuffix("er").removesuffix("est")
    forms = (stem, f"{stem}e", stem[:-1], f"{stem[:-1]}y")
    return any(form in wordnet.adjectives for form in forms)


def _verb_form(word: str, wordnet: WordNet) -> bool:
    return word.endswith("s") and (word[:-1] in wordnet.verbs or word[:-2] in wordnet.verbs)


def choose_terms(
    chunks: Sequence[dict[str, Candidate]],
    sizes: Sequence[int],
    defined: set[str],
    wordnet: WordNet,
    options: ExtractionOptions,
) -> list[list[str]]:
    """The key terms of each chunk, best first.

    Args:
        chunks: each chunk's candidates.
        sizes: each chunk's number of words.
        defined: terms that the book defines; they are always good enough.
        wordnet: for expressions and commonness.
        options: how many, how rare.
    """
    chunk_counts: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for chunk in chunks:
        for term, candidate in chunk.items():
            chunk_counts[term] += 1
            totals[term] += candidate.count
    length = max(1, sum(sizes))
    weights: dict[str, float] = {}
    for term, frequency in chunk_counts.items():
        worth = _worth(term, totals, length, wordnet)
        listed = " " in term and term in wordnet.nouns
        if term in defined:
            worth = max(worth, 1.0)
        elif worth <= 0 or (frequency < options.min_term_chunks and not listed):
            continue
        weights[term] = worth * math.log(1 + len(chunks) / frequency)
    chosen = []
    for chunk in chunks:
        scored = sorted(
            (
                (-weights[term] * (1 + math.log(candidate.count)), term)
                for term, candidate in chunk.items()
                if term in weights
            ),
        )
        chosen.append(
            _without_parts([term for _, term in scored], chunk, defined)[: options.terms_per_chunk]
        )
    return chosen


def _worth(term: str, totals: Counter[str], length: int, wordnet: WordNet) -> float:
    words = term.split(" ")
    if len(words) == 1:
        if not wordnet:
            return 1.0
        if term.endswith("ing") and not wordnet.noun_counts.get(term):
            return 0.0  # a verb's form, as far as anyone counted
        # Log ratio of the book's rate to that of general English, smoothed by one count.
        general = (wordnet.counts.get(term, 0) + 1) / _TAGGED_WORDS
        keyness = math.log(totals[term] / length / general)
        return min(1.5, 0.5 * keyness) if keyness > 0.5 else 0.0
    if term in wordnet.nouns:
        return 2.0
    if totals[term] < 2:
        return 0.0
    parts = [totals.get(word, 0) or totals[term] for word in words if word != "of"]
    expected = math.prod(part / length for part in parts) * length
    return 1.8 if totals[term] / expected >= _TOGETHER ** (len(parts) - 1) else 0.0


def _without_parts(terms: list[str], chunk: dict[str, Candidate], defined: set[str]) -> list[str]:
    """Without terms that stand in the chunk only inside a longer chosen one."""
    inside: Counter[str] = Counter()
    for term in terms:
        words = term.split(" ")
        if len(words) > 1:
            for size in range(1, len(words)):
                for at in range(len(words) - size + 1):
                    inside[" ".join(words[at : at + size])] += chunk[term].count
    return [term for term in terms if term in defined or chunk[term].count > inside[term]]
