"""The gates: what is measured on every written row, and what it must measure.

They look at the finished text and the chunks, never at how the text was made, so that
they judge a language model and the rules alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xpoll_dagster.writing.model import Draft
from xpoll_dagster.writing.options import GateOptions
from xpoll_dagster.writing.prose import ends_sentence, is_balanced

_RUN = 6
_DEPENDENT = re.compile(
    r"\b(?:the|this|that|above|given|following|preceding) (?:text|passage|passages|excerpt|"
    r"paragraph|chapter|section|document|figure|table|page|extract|source|context)s?\b|"
    r"^(?:he|she|it|they|this|that|these|those|his|her|its|their)\b",
    re.IGNORECASE,
)
_ALLOWED = re.compile(r"\b(?:which|what) passages?\b", re.IGNORECASE)


def folded(text: str) -> str:
    """A text with its white space folded."""
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a row measures, and the names of the gates that it fails."""

    n_words: int
    quoted_share: float
    both_quoted: bool
    verbatim: bool
    attributed: bool
    finished: bool
    balanced: bool
    alternating: bool | None
    n_turns: int | None
    self_contained: bool | None
    repetition: float
    rejected_by: tuple[str, ...]


def judge(
    draft: Draft, chunks: Sequence[str], passages: Mapping[str, str], options: GateOptions
) -> Verdict:
    """Measure one draft.

    Args:
        draft: A written text (one without `problems`).
        chunks: The ids of the chunks that the row is made from: two, or one if standalone.
        passages: The prose of those chunks, white space folded.
        options: The thresholds.

    Returns:
        All measures, and `rejected_by` with the name of every gate that failed.
    """
    text = folded(draft.text)
    body = folded(draft.response) if draft.kind == "qa" else text
    standalone = len(chunks) == 1
    n_words = len(text.split())
    quoted_words = sum(len(quote.text.split()) for quote in draft.quotes)
    verbatim = bool(draft.quotes) and all(
        quote.text in passages.get(quote.chunk_id, "") and quote.text in text
        for quote in draft.quotes
    )
    both_quoted = {quote.chunk_id for quote in draft.quotes} == set(chunks)
    attributed = all(quote.title in body and quote.locator in body for quote in draft.quotes)
    outside = without_quotes(text, draft)
    finished = all(
        ends_sentence(part) for part in (_turns(draft) or [draft.response or draft.text])
    ) and all(ends_sentence(quote.text) for quote in draft.quotes)
    turns = draft.speakers
    alternating = _alternates(draft) if draft.kind == "dialogue" else None
    self_contained = (
        not _DEPENDENT.search(_ALLOWED.sub("", draft.instruction)) if draft.instruction else None
    )
    repetition = repeated_runs(_without_citations(outside, draft))
    share = quoted_words / n_words if n_words else 0.0
    failures = {
        "too short": n_words < (options.min_words_standalone if standalone else options.min_words),
        "too long": n_words > options.max_words,
        "not every passage is quoted": not both_quoted,
        "a quotation is not verbatim": not verbatim,
        "a quotation lacks its title or page": not attributed,
        "too little is quoted": share < options.min_quoted_share,
        "repeats itself": repetition > options.max_repetition,
        "unfinished": not finished,
        "unbalanced brackets or quotation marks": not is_balanced(outside)
        or not all(is_balanced(quote.text) for quote in draft.quotes),
        "speakers do not take turns": alternating is False,
        "too few turns": draft.kind == "dialogue" and len(turns) < options.min_turns,
        "question does not stand alone": self_contained is False
        or (draft.kind == "qa" and not draft.instruction),
    }
    return Verdict(
        n_words=n_words,
        quoted_share=share,
        both_quoted=both_quoted,
        verbatim=verbatim,
        attributed=attributed,
        finished=finished,
        balanced=not failures["unbalanced brackets or quotation marks"],
        alternating=alternating,
        n_turns=len(turns) if draft.kind == "dialogue" else None,
        self_contained=self_contained,
        repetition=repetition,
        rejected_by=tuple(name for name, failed in failures.items() if failed),
    )


def without_quotes(text: str, draft: Draft) -> str:
    """A text (white space folded) without the quotations, a sign in place of each."""
    for quote in sorted(draft.quotes, key=lambda quote: -len(quote.text)):
        text = text.replace(quote.text, "¶")
    return text


def _without_citations(text: str, draft: Draft) -> str:
    """A text without titles, places and concepts: to name them twice is no repetition."""
    for quote in draft.quotes:
        for cited in filter(None, (quote.title, quote.locator)):
            text = text.replace(cited, "¶")
    for concept in draft.concepts:
        text = text.replace(concept, "¶")
    return text


def repeated_runs(text: str, run: int = _RUN) -> float:
    """Share of the runs of six words that repeat an earlier one of the same text."""
    words = re.findall(r"[^\W_]+|¶", text.lower())
    runs = [tuple(words[i : i + run]) for i in range(len(words) - run + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _turns(draft: Draft) -> list[str]:
    if draft.kind != "dialogue":
        return []
    return [message.content for message in draft.messages if message.role != "system"]


def _alternates(draft: Draft) -> bool:
    roles = [message.role for message in draft.messages if message.role != "system"]
    names = draft.speakers
    return (
        len(set(names)) == 2
        and all(a != b for a, b in pairwise(names))
        and len(roles) == len(names)
        and roles == ["assistant" if number % 2 else "user" for number in range(len(roles))]
        and len(roles) % 2 == 0
    )
