"""Whether two passages are linked, and how: asked before any text is written about them.

One short answer decides for all of a pair's texts. A pair without a link costs some hundred
tokens instead of three texts, and the three texts of a linked pair state one mapping.
The model must copy the words that the link rests on, which are looked up in the passages;
and it names what corresponds to what, since models that are not made to state the relation
pair words (SCAR, arXiv 2305.12660).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

from rapidfuzz import fuzz

from xpoll_dagster.writing.completion.structured import Job, Structured
from xpoll_dagster.writing.llm import checks
from xpoll_dagster.writing.llm.answers import LinkAnswer
from xpoll_dagster.writing.llm.data import harmless, side_of
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.llm.outcome import origin_of, problems_of
from xpoll_dagster.writing.llm.prompts import Prompt, sampling_of
from xpoll_dagster.writing.model import Origin, PairEvidence, Passage

NO_LINK = "the model sees no meaningful link"
NOT_COPIED = "The words that the link rests on do not stand in the passage"
NOT_STATED = "The link is said to be meaningful, but not what corresponds to what"
TOO_WORDY = "The things that correspond are not named in a few words"
REASONS = checks.REASONS | {NOT_COPIED, NOT_STATED, TOO_WORDY}

_SAYS = {
    "same concept": "is the same concept as",
    "same method": "follows the same method as",
    "cause and context": "stands in one chain of cause and context with",
    "contrast": "stands in contrast to",
    "analogy": "corresponds to",
}
_MAX_SHARED = 8
_MAX_NAME_WORDS = 15
_MIN_QUOTE_WORDS = 2


@dataclass(frozen=True, slots=True)
class Sides:
    """A pair's passages as A and B.

    Half of the pairs, chosen by their id, have their sides swapped, so that neither side
    of the library is always read first, nor always the one that asks.
    """

    pair: PairEvidence
    a: Passage
    b: Passage

    @classmethod
    def of(cls, pair: PairEvidence) -> Sides:
        """The sides of a pair in the order that its id gives."""
        if hashlib.sha256(pair.pair_id.encode()).digest()[0] % 2:
            return cls(pair, pair.right, pair.left)
        return cls(pair, pair.left, pair.right)

    def values(self) -> dict[str, dict[str, str]]:
        """What every prompt about the pair may use."""
        return {"a": side_of(self.a), "b": side_of(self.b)}

    @property
    def n_chars(self) -> int:
        """Characters of the longer passage."""
        return max(len(self.a.text), len(self.b.text))


@dataclass(frozen=True, slots=True)
class Link:
    """A link that the model found: its evidence, and what corresponds to what.

    `mapping` says it in a sentence with the books' titles, `note` as the writing prompts
    hand it on.
    """

    answer: LinkAnswer
    mapping: str
    note: str


def link_job(sides: Sides, prompt: Prompt, options: LLMOptions) -> Job[LinkAnswer]:
    """The job of deciding about one pair."""
    values = sides.values()
    names = [harmless(concept) for concept, _ in sides.pair.concepts[:_MAX_SHARED]]
    shared = ", ".join(" ".join(name.split())[:100] for name in names)
    if not shared:
        shared = "similar words and subjects"
    check = partial(
        _fault,
        a=_folded(values["a"]["text"]),
        b=_folded(values["b"]["text"]),
        likeness=options.min_evidence_likeness,
    )
    messages = prompt.fill({**values, "shared": shared}, marked=values)
    return Job(messages, LinkAnswer, sampling_of(prompt, options), check)


def _is_link(answer: LinkAnswer) -> bool:
    return answer.meaningful and answer.relation != "none"


def _fault(answer: LinkAnswer, a: str, b: str, likeness: float) -> str | None:
    if not _is_link(answer):
        return None
    fields = (answer.quote_a, answer.quote_b, answer.in_a, answer.in_b, answer.because)
    if not all(field.strip() for field in fields):
        return f'{NOT_STATED}: fill in "in_a", "in_b" and "because", or set "meaningful" to false.'
    for name, quote, text in (("a", answer.quote_a, a), ("b", answer.quote_b, b)):
        words = _folded(quote)
        if (
            len(words.split()) < _MIN_QUOTE_WORDS
            or len(words) > len(text)
            or fuzz.partial_ratio(words, text) < likeness
        ):
            return (
                f'{NOT_COPIED}: "quote_{name}" must be copied letter for letter from passage '
                f"{name.upper()}."
            )
    if max(len(answer.in_a.split()), len(answer.in_b.split())) > _MAX_NAME_WORDS:
        return f'{TOO_WORDY}: "in_a" and "in_b" take at most {_MAX_NAME_WORDS} words each.'
    return checks.escape_fault(*fields)


def _folded(text: str) -> str:
    plain = text.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')
    return " ".join(plain.lower().split()).strip("\"'… .")


def read_link(
    sides: Sides, prompt: Prompt, model: str, result: Structured[LinkAnswer]
) -> Link | tuple[Origin, tuple[str, ...]]:
    """The link, or who found none and why."""
    answer = result.value
    if answer is None:
        return origin_of(model, prompt.sha256, result), problems_of(result, REASONS)
    if not _is_link(answer):
        # What the model says against a link is worth keeping, too.
        origin = Origin("llm", model, prompt.sha256, result.finish_reason, result.raw)
        return origin, (NO_LINK,)
    in_a, in_b = _name(answer.in_a), _name(answer.in_b)
    because = " ".join(answer.because.split()).rstrip(" .")
    because = because.removeprefix("because ").removeprefix("Because ")
    values = sides.values()
    mapping = (
        f"{in_a} ({values['a']['title']}) {_SAYS[answer.relation]} {in_b} "
        f"({values['b']['title']}), because {because}."
    )
    note = (
        f"in A: {in_a}\nin B: {in_b}\nrelation: {answer.relation}\nbecause {because}\n"
        f"It rests on these words of A: {' '.join(answer.quote_a.split())}\n"
        f"and on these words of B: {' '.join(answer.quote_b.split())}"
    )
    return Link(answer, mapping[:1].upper() + mapping[1:], harmless(note))


def _name(text: str) -> str:
    return " ".join(text.split()).strip(" .,;:\"'")
