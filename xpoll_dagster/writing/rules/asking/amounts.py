"""How many, how much and at what value: numbers with the nouns and units they count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xpoll_dagster.writing.rules.asking.candidate import (
    Candidate,
    Context,
    in_question,
    opened,
    words_of,
)
from xpoll_dagster.writing.rules.asking.screening import is_specific
from xpoll_dagster.writing.rules.language.clauses import Clause
from xpoll_dagster.writing.rules.language.expressions import QUANTITY, RANGE

_MEASURED = (
    r"rate|altitude|pressure|temperature|speed|velocity|range|distance|depth|height|angle|value|"
    r"level|frequency|voltage|current|power|weight|volume|density|ratio|price|cost|age|latitude|"
    r"interest|length|width|thickness|diameter|radius|energy|acceleration|force|mass|attitude"
)
_AT_VALUE = re.compile(
    rf"(?:^|\s)(at|to|from|with|by|of|within)\s(an?|"
    rf"the)\s((?:[a-z-]+\s)?(?:{_MEASURED}))\sof\s({QUANTITY.pattern})"
)
_CHANGED = re.compile(
    r"^(?:increas|decreas|reduc|drop|r[io]se|f[ae]ll|decay|declin|rais|lower|climb|warm|cool)"
)


def ask_amounts(clause: Clause, context: Context) -> Iterator[Candidate]:
    """Questions whose answer is a quantity or a count."""
    if clause.negated:
        return
    rest = clause.text(*clause.rest).strip(" ,")
    subject = clause.text(*clause.subject)
    if is_specific(subject, context):
        yield from _value(clause, context, subject, rest)
        yield from _range(clause, context, subject, rest)
        yield from _at_value(clause, context, rest)
        yield from _change(clause, context, rest)
        yield from _count_object(clause, context)
    yield from _count_subject(clause)


def _value(clause: Clause, context: Context, subject: str, rest: str) -> Iterator[Candidate]:
    match = QUANTITY.match(rest) or RANGE.match(rest)
    if match is None or match.end() < 3:
        return
    after = rest[match.end() :].strip(" ,")
    if after and not re.match(
        r"(?:at|in|on|during|for|from|after|before|when|per|of|by|with|until)\b", after
    ):
        return
    if re.match(r"of\b", after) or len(after.split()) > 8 or re.search(r"\d|follow", after):
        return
    lowered = context.lowered(subject)
    if clause.copular:
        verbs = clause.text(clause.finite, clause.verb + 1).lower()
        if verbs not in {"is", "was", "are", "were"}:
            return
        word = "what"
        if re.match(r"(?:above|long|high|wide|old|deep|thick|away|from)\b", after):
            return
        question = f"{word} {verbs} {lowered} {after}".strip()
        yield Candidate("value", opened(clause, question) + "?", match[0])
        return
    lemma = context.lexicon.verb_lemma(clause.tokens[clause.verb].lower)
    word = {
        "last": "how long", "weigh": "how much", "cost": "how much", "measure": "how much",
        "average": "how much", "total": "how much", "take": "how long", "require": "how much",
        "exceed": "what value", "reach": "what value", "remain": "", "consume": "how much",
        "use": "how much", "contain": "how much", "travel": "how far", "drift": "how far",
        "extend": "how far", "cover": "how much", "live": "how long", "reign": "how long",
        "provide": "how much", "produce": "how much", "gain": "how much", "lose": "how much",
    }.get(lemma, "")  # fmt: skip
    is_time = re.search(r"(?:second|minute|hour|day|week|month|year|centur)", match[0])
    if word == "how long" and not is_time:
        return
    if word and not clause.auxiliaries and not (is_time and word == "how much"):
        question = f"{word} {in_question(clause, context, after)}"
        yield Candidate("value", opened(clause, question) + "?", match[0])


def _range(clause: Clause, context: Context, subject: str, rest: str) -> Iterator[Candidate]:
    verb = clause.tokens[clause.verb].lower
    if verb not in {"ranged", "varied", "ranges", "varies", "range", "vary"} or clause.auxiliaries:
        return
    match = re.match(r"(?:from|between)\s(.*\d.*?\s(?:to|and)\s.*)$", rest)
    if match is None or len(match[1].split()) > 10 or clause.opening is not None:
        return
    verb = "was" if verb.endswith("d") else "is"
    question = f"what {verb} the range of {context.lowered(subject)}?"
    yield Candidate("range", question, match[1])


def _at_value(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    match = _AT_VALUE.search(rest)
    if match is None or match[1] == "of":
        return
    before, after = rest[: match.start()].strip(), rest[match.end() :].strip(" ,")
    if re.search(r"\b(?:and|or|but)$", before) or re.match(r"(?:and|or|to|above|below)\b", after):
        return
    left = " ".join(part for part in (before, after) if part)
    word = f"{match[1]} what {match[3]}"
    yield Candidate(
        "measured value",
        opened(clause, f"{word} {in_question(clause, context, left)}") + "?",
        match[4],
    )


def _change(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    verb = clause.tokens[clause.verb].lower
    if not _CHANGED.match(verb):
        return
    match = re.search(rf"(?:^|\s)(to|by)\s({QUANTITY.pattern})", rest)
    if match is None:
        return
    before, after = rest[: match.start()].strip(), rest[match.end() :].strip(" ,")
    if re.match(r"(?:and|or|to)\b", after) or len(before.split()) > 6:
        return
    left = " ".join(part for part in (before, after) if part)
    word = "to what value" if match[1] == "to" else "by how much"
    yield Candidate(
        "change",
        opened(clause, f"{word} {in_question(clause, context, left)}") + "?",
        match[2],
    )


def _count_subject(clause: Clause) -> Iterator[Candidate]:
    start, stop = clause.subject
    opening = " ".join(token.lower for token in clause.tokens[start : start + 3])
    if opening == "a total of":
        start += 3
    elif clause.tokens[start].lower in {"about", "approximately", "some", "nearly", "only"}:
        start += 1
    tokens = clause.tokens[start:stop]
    if (
        not tokens
        or tokens[0].kind != "NUM"
        or len(tokens) < 2
        or tokens[0].lower in {"half", "several", "quarter"}
    ):
        return
    if tokens[1].kind not in {"N", "NS", "ADJ", "NAME"} or not clause.plural:
        return
    if not any(token.kind == "NS" for token in tokens[1:4]):
        return
    noun = clause.text(start + 1, stop)
    rest = clause.text(*clause.rest).strip(" ,")
    if len(rest.split()) < 3:
        return
    verbs = words_of(clause, clause.finite, clause.verb + 1)
    question = f"how many {noun} {verbs} {rest}"
    yield Candidate("count", opened(clause, question) + "?", tokens[0].text)


def _count_object(clause: Clause, context: Context) -> Iterator[Candidate]:
    tokens = clause.tokens
    at = clause.rest[0]
    if clause.copular or clause.passive or at + 1 >= clause.rest[1]:
        return
    if tokens[at].kind != "NUM" or tokens[at].lower in {"half", "several", "quarter"}:
        return
    stop = at + 1
    while stop < clause.rest[1] and tokens[stop].kind in {"N", "NS", "ADJ", "NAME"}:
        stop += 1
    if stop == at + 1 or tokens[stop - 1].kind != "NS":
        return
    noun = clause.text(at + 1, stop)
    rest = clause.text(stop, clause.rest[1]).strip(" ,")
    if tokens[stop].kind not in {"PREP", ".", ";", ","} or rest.startswith("of "):
        return
    if re.search(r"\b(?:and|or)\b", rest):
        return
    question = f"how many {noun} {in_question(clause, context, rest)}"
    yield Candidate("count", opened(clause, question) + "?", tokens[at].text)
