"""What something is or is called: definitions, names of things, acronyms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xpoll_dagster.books.concepts.acronyms import find_acronyms
from xpoll_dagster.writing.rules.asking.candidate import (
    Candidate,
    Context,
    head_of,
    in_question,
    opened,
)
from xpoll_dagster.writing.rules.asking.screening import content_words, is_specific
from xpoll_dagster.writing.rules.language.clauses import Clause

_NAMING = frozenset({"called", "termed", "named", "known"})
_VAGUE = re.compile(
    r"^(?:an? )?(?:example|instance|case|matter|question|way|kind|sort|part|result|function of|"
    r"one|good|great|useful|simple|very|most|more|important|few|little|lot|number|fact|few|"
    r"common|different|consequence|special|particular|certain)\b"
)


def ask_definitions(clause: Clause, context: Context) -> Iterator[Candidate]:
    """Questions for what is defined, identified or named."""
    if clause.negated:
        return
    subject = clause.text(*clause.subject)
    rest = clause.text(*clause.rest).strip(" ,")
    yield from _named(clause, context, subject, rest)
    if clause.copular:
        yield from _copular(clause, context, subject, rest)
    yield from _meaning(clause, context, subject)


def _full_rest(clause: Clause) -> str:
    """The rest with a relative clause that belongs to it ("a force that …")."""
    text = clause.sentence[clause.tokens[clause.verb].end :].strip()
    text = re.split(r"[;:—]|, (?:and|but|so|which|where|while|whereas|although|for|or)\b", text)[0]
    return text.strip(" .,")


def _copular(clause: Clause, context: Context, subject: str, rest: str) -> Iterator[Candidate]:
    verbs = clause.text(clause.finite, clause.verb + 1).lower()
    if verbs not in {"is", "are", "was", "were"} or not rest:
        return
    tokens = clause.tokens[slice(*clause.subject)]
    answer = _full_rest(clause)
    first = clause.tokens[clause.rest[0]]
    if not 2 <= len(answer.split()) <= 25 or _VAGUE.match(answer):
        return
    lowered = context.lowered(subject)
    head = head_of(tokens)
    if head is None or any(token.kind in {"VDN", "VN", "CONJ"} for token in tokens):
        return
    indefinite = first.lower in {"a", "an"}
    definite = first.lower == "the"
    generic = tokens[0].lower in {"a", "an"} or (
        tokens[0].kind != "DET" and tokens[0].kind != "NUM" and not tokens[0].text[1:].isupper()
    )
    short = len(tokens) <= 5
    if context.is_person(tokens) and (definite or indefinite) and head.text[0].isupper():
        said = head_of(clause.tokens[slice(*clause.rest)])
        person = said is not None and context.lexicon.is_person(said.lower)
        if person and verbs in {"is", "was"} and tokens[0].kind != "DET":
            yield Candidate("who is", opened(clause, f"who {verbs} {lowered}") + "?", answer)
        return
    if generic and short and verbs in {"is", "are"} and is_specific(subject, context):
        plural_definition = (
            verbs == "are" and first.kind in {"N", "NS", "ADJ"} and len(answer.split()) > 3
        )
        if not (indefinite or definite or plural_definition):
            return
        if first.kind == "ADJ" and not _has_noun(clause):
            return
        if clause.opening is not None and len(clause.text(*clause.opening).split()) > 7:
            return
        asked = f"what {verbs} {lowered}" if len(tokens) > 1 else f"how {verbs} {lowered} defined"
        yield Candidate("definition", opened(clause, asked) + "?", answer)
    elif (
        (tokens[0].lower == "the" or " of " in subject)
        and is_specific(subject, context)
        and (indefinite or definite)
    ):
        if " of " not in subject and len(content_words(subject)) < 3:
            return
        if re.match(
            r"the (?:key|main|most|first|only|best|chief|principal|last|second|next)\b",
            subject,
            re.IGNORECASE,
        ):
            return
        yield Candidate("identity", opened(clause, f"what {verbs} {lowered}") + "?", answer)


def _has_noun(clause: Clause) -> bool:
    for token in clause.tokens[slice(*clause.rest)]:
        if token.kind in {"PREP", "SUB", "TO", "VDN", "VN", "CONJ", ","}:
            return False
        if token.kind in {"N", "NS"}:
            return True
    return False


def _named(clause: Clause, context: Context, subject: str, rest: str) -> Iterator[Candidate]:
    verb = clause.tokens[clause.verb].lower
    if not clause.passive or verb not in _NAMING:
        return
    term = rest.removeprefix("as ") if verb == "known" else rest
    if (verb == "known") != rest.startswith("as "):
        return
    term = re.sub(r"^(?:an?|the)\s", "", term)
    term = re.split(r"\s(?:because|since|when|in honou?r|after|by|for|as|if|from|in)\s", term)[0]
    if not 1 <= len(term.split()) <= 5 or not is_specific(subject, context):
        return
    if term.split()[0] in {
        "well",
        "such",
        "far",
        "having",
        "being",
        "upon",
        "out",
        "so",
        "for",
        "to",
        "into",
        "on",
        "off",
        "up",
    }:
        return
    # "The study of motion is called kinematics": the name of what is described.
    if len(clause.tokens[slice(*clause.subject)]) < 3:
        return
    finite = clause.text(clause.finite, clause.verb).lower()
    aux, _, adverb = finite.partition(" ")
    tail = "known as" if verb == "known" else verb
    parts = ["what", aux, context.lowered(subject), adverb, tail]
    yield Candidate("naming", opened(clause, " ".join(filter(None, parts))) + "?", term)


def _meaning(clause: Clause, context: Context, subject: str) -> Iterator[Candidate]:
    verb = clause.tokens[clause.verb].lower
    answer = _full_rest(clause)
    if not is_specific(subject, context) or not 3 <= len(answer.split()) <= 25:
        return
    if verb in {"means", "denotes", "describes", "represents", "signifies"}:
        question = f"what {in_question(clause, context, '')}"
        yield Candidate("meaning", question + "?", answer)
    elif verb == "defined" and clause.passive:
        body = re.sub(r"^(?:as|to be)\s", "", answer)
        if body != answer:
            aux = clause.tokens[clause.finite].lower
            yield Candidate("meaning", f"how {aux} {context.lowered(subject)} defined?", body)
    elif verb in {"refers", "refer"} and answer.startswith("to "):
        question = f"what {in_question(clause, context, 'to')}"
        yield Candidate("meaning", question + "?", answer[3:])


def ask_acronyms(passage: str) -> Iterator[Candidate]:
    """What the acronyms stand for that a passage introduces."""
    for short, long in find_acronyms([passage]).items():
        if 2 <= len(long.split()) <= 7 and not re.search(r"\d", long):
            yield Candidate("acronym", f"What does the abbreviation {short} stand for?", long)
