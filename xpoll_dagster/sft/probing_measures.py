"""What is measured on a model's answer to a probe, without another model's help.

These are counts of words, numbers and names that stand in the passages. They tell whether
an answer draws on both fields, invents and states a mapping, not whether it is right; that
takes a judge. A model that never saw the passages can only use their words as far as they
are the field's own, so what counts is the difference between two models on the same probes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.writing.gates.ending import broken_off
from xpoll_dagster.writing.gates.facts import new_numbers
from xpoll_dagster.writing.gates.known_names import is_known, known
from xpoll_dagster.writing.gates.names import names
from xpoll_dagster.writing.gates.numbers import numbers

_WORD = re.compile(r"[^\W\d_]{4,}")
_SUFFIX = re.compile(r"(?:ies|ings?|ed|es|s|ly|ation|ations)$")
_MIN_STEM = 4
_REFUSAL = re.compile(
    r"\bI(?:['’]m| am) (?:sorry|unable|not able|afraid)\b|"
    r"\bI (?:can(?:not|['’]t)|won['’]t|am not able to|do(?:n['’]t| not) have|must decline)\b|"
    r"\bas an AI\b|\bas a(?: large)? language model\b|"
    r"\b(?:please|can you|could you) (?:please )?(?:provide|clarify|share)\b|"
    r"\b(?:sorry|unfortunately|apologies),",
    re.IGNORECASE,
)
_REFUSAL_HEAD = 200  # what a model says after two sentences of an answer is no refusal of it
_MAPPING = re.compile(
    r"\bcorrespond(?:s|ing|ed)?\b|\bcounterparts?\b|\bequivalents? (?:of|to)\b|"
    r"\banalog(?:ous|ues?|y|ies)\b|\bparallel(?:s|ed)?\b|\bmirrors\b|\bmaps? (?:on)?to\b|"
    r"\b(?:is|are) (?:like|akin to|similar to)\b|\bis to\b.{1,80}\b(?:as|what)\b.{1,80}\bis to\b|"
    r"\bjust as\b|\bmuch as\b|\b(?:in )?the same way\b|\blikewise\b|\bsimilarly\b|"
    r"\bplays? the (?:same |very )?(?:role|part)\b|\b(?:both|neither)\b|\bresembles?\b|"
    r"\b(?:in|by) contrast\b|\bwhereas\b|\bunlike\b|\bdiffers? from\b|"
    r"\bshare[sd]? (?:the|an?)\b|\bthe same (?:\w+ ){1,3}as\b",
    re.IGNORECASE,
)
# The commonest content words of plain exposition: they tell of no field.
_PLAIN = frozenset(
    """
    about above after again also always among another around because become been before being
    below between both came cannot case certain could describe different does done down each either
    else even ever every example fact field first form found from further general give given have
    having here however idea into itself just kind know known less like made make many mean means
    might more most much must need never next number often once only other others over part place
    point possible rather same second seem several shall should show shown side simple simply since
    some something still such take than that their them then there therefore these they thing things
    this those though three through thus together toward under until upon used using very want well
    were what when where whether which while whole whose will with within without would write years
    your
    """.split()  # noqa: SIM905 - read as a paragraph
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe as measuring needs it: its prompt, and the passages of its two fields."""

    prompt: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Measures:
    """What one answer measures.

    `left_terms` and `right_terms` count content words of the one passage that stand neither
    in the other nor in the prompt. `n_facts` are the answer's numbers and names beyond the
    prompt's, `facts_attributable` the share of them that a passage has (null where there
    are none). `score` (0 to 1) is the mean of: both fields used, share of attributable facts
    (where there are facts), a mapping stated; 0 for refusals and empty answers.
    """

    n_words: int
    refusal: bool
    finished: bool
    left_terms: int
    right_terms: int
    both_domains: bool
    n_facts: int
    facts_attributable: float | None
    mapping_stated: bool
    score: float


def measure(probe: Probe, answer: str, finish_reason: str, min_side_terms: int) -> Measures:
    """Measure one answer.

    Args:
        probe: What was asked, and the passages to hold the answer against.
        answer: What the model said, thinking taken off.
        finish_reason: The engine's.
        min_side_terms: Content words of a field that count as using it.
    """
    text = answer.strip()
    refusal = not text or finish_reason in ("refused", "error")
    refusal = refusal or bool(_REFUSAL.search(text[:_REFUSAL_HEAD]))
    asked, left, right = (_terms(part) for part in (probe.prompt, probe.left, probe.right))
    said = _terms(text)
    n_left, n_right = len(said & (left - right - asked)), len(said & (right - left - asked))
    both = min(n_left, n_right) >= min_side_terms
    n_facts, n_known = _facts(probe, text)
    share = n_known / n_facts if n_facts else None
    mapping = _states_mapping(text, left - right, right - left)
    parts = [float(both), float(mapping), *([share] if share is not None else [])]
    return Measures(
        n_words=len(text.split()),
        refusal=refusal,
        finished=bool(text) and not broken_off(text, finish_reason),
        left_terms=n_left,
        right_terms=n_right,
        both_domains=both,
        n_facts=n_facts,
        facts_attributable=share,
        mapping_stated=mapping,
        score=0.0 if refusal else sum(parts) / len(parts),
    )


def _terms(text: str) -> set[str]:
    """The content words of a text, without their commonest endings."""
    found: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if word not in _PLAIN:
            stem = _SUFFIX.sub("", word)
            found.add(stem if len(stem) >= _MIN_STEM else word)
    return found


def _facts(probe: Probe, text: str) -> tuple[int, int]:
    """How many numbers and names an answer brings, and how many of them a passage has."""
    asked_numbers, asked_names = numbers(probe.prompt), known(probe.prompt)
    source = f"{probe.left}\n\n{probe.right}"
    source_numbers, source_names = numbers(source), known(source)
    brought = dict.fromkeys(new_numbers(text, asked_numbers))
    invented = set(new_numbers(text, (*asked_numbers, *source_numbers)))
    people = {
        name.words: name for name in names(text) if name.certain and not is_known(name, asked_names)
    }
    n_known = sum(number not in invented for number in brought)
    n_known += sum(is_known(name, source_names) for name in people.values())
    return len(brought) + len(people), n_known


def _states_mapping(text: str, left: set[str], right: set[str]) -> bool:
    """Whether a sentence says what of the one field goes with what of the other.

    It must hold words of both passages and a word that likens or contrasts.
    """
    for sentence in _sentences(text):
        said = _terms(sentence)
        if said & left and said & right and _MAPPING.search(sentence):
            return True
    return False


def _sentences(text: str) -> Sequence[str]:
    return [
        sentence for line in text.split("\n") if line.strip() for sentence in split_sentences(line)
    ]
