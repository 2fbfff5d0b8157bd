"""The gates of texts about pairs and single passages: quotations, turns and attribution.

Rows that the rules author wrote are made of quotations and judged by them; rows that a model
wrote are judged by what their sentences rest on, and by quotations where they quote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xpoll_dagster.writing.gate_options import GateOptions
from xpoll_dagster.writing.gates.attribution import Attribution, attribute, own_terms, stems
from xpoll_dagster.writing.gates.refusal import meta_talk
from xpoll_dagster.writing.gates.repetition import repeated_runs
from xpoll_dagster.writing.gates.text import measure_text
from xpoll_dagster.writing.model import Draft
from xpoll_dagster.writing.prose import ends_sentence, is_balanced

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
    """What a row measures, and the names of the gates that it fails.

    What is not judged of a row is null: the quotations of a row without any, attribution of
    a row made of quotations or of one passage.
    """

    n_words: int
    quoted_share: float
    both_quoted: bool
    verbatim: bool | None
    attributed: bool | None
    finished: bool
    balanced: bool
    alternating: bool | None
    n_turns: int | None
    self_contained: bool | None
    repetition: float
    meta_talk: str
    same_language: bool | None
    attributable: float | None
    unattributed: tuple[str, ...]
    left_terms: int | None
    right_terms: int | None
    answer_left_terms: int | None
    answer_right_terms: int | None
    mapping_stated: bool | None
    rejected_by: tuple[str, ...]


def judge(
    draft: Draft,
    chunks: Sequence[str],
    passages: Mapping[str, str],
    options: GateOptions,
    about: str = "",
) -> Verdict:
    """Measure one draft.

    Args:
        draft: A written text (one without `problems`).
        chunks: The ids of the chunks that the row is made from: two, or one if standalone.
        passages: The prose of those chunks, white space folded.
        options: The thresholds.
        about: What a text may say besides its passages: titles, authors, places, fields.

    Returns:
        All measures, and `rejected_by` with the name of every gate that failed.
    """
    text = folded(draft.text)
    body = folded(draft.response) if draft.kind == "qa" else text
    standalone = len(chunks) == 1
    by_rules = draft.origin.author == "rules"
    quoting = by_rules or bool(draft.quotes)
    n_words = len(text.split())
    quoted_words = sum(len(quote.text.split()) for quote in draft.quotes)
    verbatim = bool(draft.quotes) and all(
        folded(quote.text) in passages.get(quote.chunk_id, "") and folded(quote.text) in text
        for quote in draft.quotes
    )
    both_quoted = {quote.chunk_id for quote in draft.quotes} == set(chunks)
    attributed = all(quote.title in body and quote.locator in body for quote in draft.quotes)
    outside = without_quotes(text, draft)
    finished = all(
        ends_sentence(part) for part in (_turns(draft) or [draft.response or draft.text])
    ) and (not by_rules or all(ends_sentence(quote.text) for quote in draft.quotes))
    alternating = _alternates(draft) if draft.kind == "dialogue" else None
    self_contained = (
        not _DEPENDENT.search(_ALLOWED.sub("", draft.instruction)) if draft.instruction else None
    )
    repetition = repeated_runs(_without_citations(outside, draft))
    share = quoted_words / n_words if n_words else 0.0
    balanced = is_balanced(outside) and all(is_balanced(quote.text) for quote in draft.quotes)
    failures = {
        "too short": n_words < (options.min_words_standalone if standalone else options.min_words),
        "too long": n_words > options.max_words,
        "not every passage is quoted": by_rules and not both_quoted,
        "a quotation is not verbatim": quoting and not verbatim,
        "a quotation lacks its title or page": quoting and not attributed,
        "too little is quoted": by_rules and share < options.min_quoted_share,
        "repeats itself": repetition > options.max_repetition,
        "unfinished": not finished or draft.origin.finish_reason == "length",
        "unbalanced brackets or quotation marks": not balanced,
        "speakers do not take turns": alternating is False,
        "too few turns": draft.kind == "dialogue" and len(draft.speakers) < options.min_turns,
        "question does not stand alone": self_contained is False
        or (draft.kind == "qa" and not draft.instruction),
    }
    source = "\n\n".join(passages.get(chunk, "") for chunk in chunks)
    # Quotations may speak as "I" and of texts; the words around them may not.
    meta = measure_text(outside, f"{source}\n{about}", draft.origin.finish_reason, options.text)
    talk = meta.meta_talk or next(
        filter(None, (meta_talk(part, source) for part in (draft.response, *_turns(draft)))), ""
    )
    failures["refuses, or talks about its task"] = not by_rules and bool(talk)
    failures["another language than its source"] = meta.same_language is False
    rests = answer = None
    mapping = None
    if not by_rules and not standalone:
        left, right = (passages.get(chunk, "") for chunk in chunks)
        rests = attribute(draft.text, left, right, about, options.bridge)
        answer = _answer_terms(draft, left, right, about)
        mapping = _states_mapping(draft, left, right)
        failures |= _bridge_failures(rests, answer, options, mapping=mapping)
    return Verdict(
        n_words=n_words,
        quoted_share=share,
        both_quoted=both_quoted,
        verbatim=verbatim if quoting else None,
        attributed=attributed if quoting else None,
        finished=finished,
        balanced=balanced,
        alternating=alternating,
        n_turns=len(draft.speakers) if draft.kind == "dialogue" else None,
        self_contained=self_contained,
        repetition=repetition,
        meta_talk="" if by_rules else talk,
        same_language=meta.same_language,
        attributable=rests.attributable if rests else None,
        unattributed=rests.unattributed if rests else (),
        left_terms=rests.left_terms if rests else None,
        right_terms=rests.right_terms if rests else None,
        answer_left_terms=answer[0] if answer else None,
        answer_right_terms=answer[1] if answer else None,
        mapping_stated=mapping,
        rejected_by=tuple(name for name, failed in failures.items() if failed),
    )


def _bridge_failures(
    rests: Attribution,
    answer: tuple[int, int] | None,
    options: GateOptions,
    *,
    mapping: bool,
) -> dict[str, bool]:
    limits = options.bridge
    return {
        "a sentence stands in neither passage": rests.attributable < limits.min_attributable,
        "does not use both passages": min(rests.left_terms, rests.right_terms)
        < limits.min_side_terms,
        "one passage is enough for the answer": answer is not None
        and min(answer) < limits.min_side_terms_of_answer,
        "states no mapping": not mapping,
    }


def _answer_terms(draft: Draft, left: str, right: str, about: str) -> tuple[int, int] | None:
    """Words of each passage alone that the answer of a question needs."""
    if draft.kind != "qa":
        return None
    one, other = own_terms(left, right, about)
    said = stems(draft.response)
    return len(said & one), len(said & other)


def _states_mapping(draft: Draft, left: str, right: str) -> bool:
    said = stems(draft.mapping)
    return bool(said & stems(left)) and bool(said & stems(right))


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
