"""Whether a text of two passages says what they say, uses both, and needs both."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.writing.gate_options import BridgeGateOptions
from xpoll_dagster.writing.gates.facts import new_numbers
from xpoll_dagster.writing.gates.known_names import known, new_names
from xpoll_dagster.writing.gates.names import bare, stem
from xpoll_dagster.writing.gates.numbers import numbers
from xpoll_dagster.writing.gates.word_lists import word_list

_WORD = re.compile(r"[^\W\d_]{3,}")
_FUNCTION = frozenset(
    word_list(
        "the and that this these those for with from into onto over under than then there their "
        "they them which what when where while who whom whose why how was were are has have had "
        "not but nor can could may might must shall should will would did does done been being "
        "its his her our your one two both each other another such same some any all more most "
        "much many few less least very also only just even still yet here thus hence about above "
        "after again against before below between during through until upon within without "
        "because though although however therefore whether either neither across along among "
        "you she him out off per via let like said say says make makes made use used uses using "
        "way ways thing things first second new way well"
    )
)
_FREE_WORDS = 6


@dataclass(frozen=True, slots=True)
class Attribution:
    """How a text rests on its two passages.

    `attributable` is the share of its sentences (0 to 1) whose numbers and names stand in
    the passages and whose words are theirs; `unattributed` are the others.
    `left_terms` and `right_terms` count the words that it takes from one passage alone.
    """

    attributable: float
    unattributed: tuple[str, ...]
    left_terms: int
    right_terms: int


def attribute(
    text: str,
    left: str,
    right: str,
    about: str,
    options: BridgeGateOptions,
    common: Collection[str] = frozenset(),
) -> Attribution:
    """Compare a text with the two passages that it was written of.

    Args:
        text: The text to judge.
        left: One passage.
        right: The other.
        about: What may be said besides: titles, authors, places, fields, shared concepts.
        options: The thresholds of a sentence.
        common: Words that the books print in small letters.
    """
    source = f"{left}\n\n{right}"
    theirs = (*numbers(left), *numbers(right), *numbers(about))
    names = known(source, about, common)
    words = stems(source) | stems(about)
    sentences = [sentence for part in text.split("\n") for sentence in split_sentences(part)]
    sentences = [" ".join(sentence.split()) for sentence in sentences if stems(sentence)]
    # Capitals at the head of a sentence are told from names by the sentences around them.
    foreign_names = set(new_names(text, names))
    missing = []
    for sentence in sentences:
        own = stems(sentence)
        support = len(own & words) / len(own)
        if (
            new_numbers(sentence, theirs)
            or any(name in sentence for name in foreign_names)
            or (len(own) >= _FREE_WORDS and support < options.min_sentence_support)
        ):
            missing.append(sentence)
    one, other = own_terms(left, right, about)
    said = stems(text)
    return Attribution(
        1 - len(missing) / len(sentences) if sentences else 0.0,
        tuple(missing),
        len(said & one),
        len(said & other),
    )


def stems(text: str) -> set[str]:
    """The telling words of a text without endings."""
    return {_root(word) for word in map(bare, _WORD.findall(text)) if word not in _FUNCTION}


def own_terms(left: str, right: str, about: str = "") -> tuple[set[str], set[str]]:
    """The telling words that stand in the one passage and not in the other, for both."""
    one, other, said = stems(left), stems(right), stems(about)
    return one - other - said, other - one - said


def _root(word: str) -> str:
    for ending in ("ations", "ation", "ingly", "ings", "ing", "edly", "ed", "ies", "es", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending).rstrip("aeiouy")
    return stem(word).rstrip("aeiouy") if len(word) > 4 else word
