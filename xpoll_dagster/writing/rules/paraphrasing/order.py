"""Clause order: an opening is moved behind its clause, or an adjunct before it."""

from __future__ import annotations

import re

from xpoll_dagster.writing.phrases import capitalised
from xpoll_dagster.writing.rules.asking.candidate import Context
from xpoll_dagster.writing.rules.language import expressions as x
from xpoll_dagster.writing.rules.language.clauses import Clause
from xpoll_dagster.writing.rules.language.purposes import is_purpose

_POINTING = re.compile(
    r"\b(?:it|they|he|she|him|them|his|her|its|their|this|these|that)\b", re.IGNORECASE
)
_MOVABLE = re.compile(
    r"(?:at|in|on|during|after|before|following|upon|when|until|since|because|by|for|within|"
    r"throughout|from|under|prior to|as a result of|because of|owing to|about|approximately)\b",
    re.IGNORECASE,
)
_FIXED = re.compile(
    r"^(?:in (?:addition|general|fact|particular|other words|this|that|contrast)|"
    r"for (?:example|instance|this|that|one thing)|by (?:contrast|this|that)|since then|"
    r"at (?:first|last|least|this|that)|from this|on the (?:other|contrary))\b",
    re.IGNORECASE,
)
_MOST = 12


def reordered(clause: Clause, context: Context) -> str:
    """The sentence with one part moved; empty where none can be moved safely.

    Only a clause that fills its sentence is touched, so that no second clause changes what
    the moved part belongs to.
    """
    if not clause.whole or clause.negated:
        return ""
    if re.search(r"\b(?:example|reason|case)\b", clause.text(*clause.subject)):
        return ""
    if clause.opening is None and clause.subject[0] > 0:
        return ""  # "However, the boats …": the connective would be lost
    return _behind(clause, context) or _before(clause, context) or _agent_first(clause, context)


def _body(clause: Clause) -> str:
    start = clause.tokens[clause.subject[0]].start
    return clause.sentence[start:].rstrip().rstrip(".").rstrip()


def _behind(clause: Clause, context: Context) -> str:
    """“After launch, the valve closed” becomes “The valve closed after launch”."""
    if clause.opening is None:
        return ""
    opening = clause.text(*clause.opening)
    body = _body(clause)
    if not _MOVABLE.match(opening) or _FIXED.match(opening) or "," in body or "," in opening:
        return ""
    if len(opening.split()) > _MOST or len(body.split()) > 22 or _POINTING.search(body):
        return ""
    # A symbol at the end would run into the words put behind it.
    if not re.search(r"[a-z]{3,}$", body):
        return ""
    # A second adjunct of the same kind at the end would be read together with the first.
    if re.search(
        r"\b(?:when|while|before|after|until|because|that|which|and|despite|"
        r"owing|in spite|without|due)\b",
        body,
    ):
        return ""
    if any(token.kind == "TO" for token in clause.tokens[slice(*clause.rest)]):
        return ""
    return f"{capitalised(body)} {context.lowered(opening)}."


def _before(clause: Clause, context: Context) -> str:
    """“The valve closed after launch” becomes “After launch, the valve closed”."""
    if clause.opening is not None:
        return ""
    body = _body(clause)
    rest = clause.text(*clause.rest).strip(" ,")
    tail = _tail(clause, context, rest)
    if not tail or not body.endswith(tail) or _POINTING.search(tail):
        return ""
    left = body[: -len(tail)].rstrip(" ,")
    if len(tail.split()) > 16 or re.search(
        r"\b(?:and|or|of|only|not|than|just|even|is|was|were|are)$", left
    ):
        return ""
    if clause.copular and not left.split()[-1].islower():
        return ""
    return f"{capitalised(tail)}, {context.lowered(left)}."


def _tail(clause: Clause, context: Context, rest: str) -> str:
    for pattern in (x.EVENT_TIME, x.CAUSE):
        match = pattern.search(rest)
        if match is not None and re.match(r"(?:when|while|until) \w+ed\b", match[1]):
            return ""
        if match is not None and len(match[1].split()) > 2:
            second = re.search(r"\b(?:because|owing|due|in order|so that)\b", match[1][3:])
            return "" if second else match[1]
    if clause.passive:
        match = x.PURPOSE.search(rest)
        if match is not None and is_purpose(clause, context.lexicon, match[1]):
            return match[1]
    for pattern in (x.DATE, x.CLOCK, x.YEAR):
        match = pattern.search(rest)
        if match is not None and match.end() == len(rest) and not clause.copular:
            return match[0]
    return ""


def _agent_first(clause: Clause, context: Context) -> str:
    """“The valve was closed by the crew” becomes “The crew closed the valve”."""
    if not clause.passive or len(clause.auxiliaries) != 1 or not context.lexicon:
        return ""
    if clause.tokens[clause.auxiliaries[0]].lower not in {"was", "were"}:
        return ""
    rest = clause.text(*clause.rest)
    match = re.fullmatch(r"by ((?:the|an?) [\w -]+|[A-Z][\w.’' -]+)", rest)
    first = clause.tokens[clause.rest[0] + 1] if clause.rest[1] > clause.rest[0] + 1 else None
    if match is None or first is None or len(match[1].split()) > 8:
        return ""
    tokens = clause.tokens[clause.rest[0] + 1 : clause.rest[1]]
    if any(t.kind not in {"DET", "N", "NS", "NAME", "ADJ", "PREP", "-"} for t in tokens):
        return ""
    if re.search(r"\bby\b", match[1]) or tokens[-1].kind not in {"N", "NS", "NAME"}:
        return ""
    head = context.is_person(tokens) or context.is_thing(tokens)
    lemma = context.lexicon.verb_lemma(clause.tokens[clause.verb].lower)
    if not head or not lemma or clause.opening is not None:
        return ""
    verb = context.lexicon.verb_form(lemma, "past")
    subject = context.lowered(clause.text(*clause.subject))
    adverb = clause.text(clause.auxiliaries[0] + 1, clause.verb)
    return " ".join(filter(None, [capitalised(match[1]), adverb, verb, subject])) + "."
