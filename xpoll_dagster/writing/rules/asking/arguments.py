"""Who and what: the subject, the object or the agent of a plain clause is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xpoll_dagster.books.concepts.words import word_set
from xpoll_dagster.writing.rules.asking.candidate import (
    Candidate,
    Context,
    head_of,
    in_question,
    opened,
    words_of,
)
from xpoll_dagster.writing.rules.asking.screening import content_words, is_specific
from xpoll_dagster.writing.rules.language.clauses import Clause

_COMPOSED = re.compile(
    r"^(?:consist(?:s|ed)? of|comprise[sd]?|include[sd]?|contain(?:s|ed)?|incorporate[sd]?|"
    r"(?:is|are|was|were) (?:also |usually |generally )?(?:composed of|made up of|made of))$"
)
_FINDING = word_set(
    """
    indicate show reveal confirm verify suggest demonstrate disclose prove conclude discover
    find believe argue assert hold maintain state report assume think teach recognize realize
    predict observe note notice imply know say
    """
)
_TYPICAL = re.compile(
    r"((?:\w+ly )?(?:typical|capable|indicative|characteristic|representative|responsible|suitable|"
    r"necessary|essential|dependent|equal|equivalent|proportional|similar|parallel|perpendicular|"
    r"analogous|related|identical|subject|opposed|comparable|sensitive) )(of|for|to|on|upon|with)"
    r" ([^,;]+)$"
)
_KINDS_OF = frozenset(
    {"kinds", "types", "sorts", "classes", "members", "parts", "results", "others"}
)
_NO_OBJECT = word_set(
    """
    seem become appear remain look prove go come fall turn last weigh cost take give make have
    begin live grow feel call let lie stand sit rise travel average keep pass run include
    contain comprise follow
    """
)
"""Verbs that are followed by no object, or by one that nobody would ask for."""
_LINKED = word_set(
    """
    depend lead result refer belong lie rely correspond relate contribute react respond extend
    apply deal agree originate arise stem end differ suffer escape yield point attach connect
    """
)


def ask_arguments(clause: Clause, context: Context) -> Iterator[Candidate]:
    """Questions for subject, object, agent, parts and findings."""
    if clause.negated:
        return
    rest = clause.text(*clause.rest).strip(" ,")
    subject = clause.text(*clause.subject)
    yield from _who(clause, context, subject, rest)
    yield from _agent(clause, context, rest)
    yield from _what_happened(clause, context, subject, rest)
    if is_specific(subject, context):
        yield from _object(clause, context, rest)
        yield from _linked(clause, context, rest)
        yield from _instrument(clause, context, rest)
        yield from _composition(clause, context, rest)
        yield from _finding(clause, context)
        yield from _use(clause, context, subject)


def _who(clause: Clause, context: Context, subject: str, rest: str) -> Iterator[Candidate]:
    tokens = clause.tokens[slice(*clause.subject)]
    head = head_of(tokens)
    if head is None or not context.is_person(tokens) or len(tokens) > 8:
        return
    proper = (head.text[0].isupper() and head.kind == "NAME") or context.spelling.is_name(head.text)
    if not proper or clause.copular or any(token.kind in {"VDN", "VN"} for token in tokens):
        return
    if len(content_words(rest)) < 3:
        return
    if tokens[0].kind == "DET" and context.kinds.get(head.text, "") != "NORP":
        return
    if any(token.kind not in {"NAME", "DET", "PREP", "CONJ", "ADJ"} for token in tokens[:-1]):
        return
    plural = clause.plural
    verbs = words_of(clause, clause.finite, clause.verb + 1)
    question = f"who {verbs} {rest}"
    if plural and clause.tokens[clause.finite].lower in {"are", "were", "have", "do"}:
        return
    if clause.tokens[clause.finite].kind == "V":
        return
    yield Candidate("who did", opened(clause, question) + "?", subject)


def _agent(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    """“Was written by Euclid”: who wrote it; “was caused by a short circuit”: what caused it."""
    if not clause.passive or not context.lexicon or len(clause.auxiliaries) != 1:
        return
    if not clause.whole and clause.tokens[clause.rest[1]].text != ";":
        return  # "by the numbers of atoms and …" would be half an answer
    match = re.search(r"(?:^|\s)by\s((?!means|way|far|virtue|reason)[^,;]+)$", rest)
    subject = clause.text(*clause.subject)
    if match is None or not is_specific(subject, context):
        return
    agent = match[1]
    left = rest[: match.start()].strip()
    start = next(
        (
            at + 1
            for at in range(clause.rest[0], clause.rest[1])
            if clause.tokens[at].lower == "by"
            and clause.sentence[clause.tokens[at + 1].start :].startswith(agent[:12])
        ),
        None,
    )
    if start is not None and any(t.kind == "VG" for t in clause.tokens[start : start + 2]):
        return
    if start is None or (left and len(left.split()) > 6):
        return
    tokens = clause.tokens[start : clause.rest[1]]
    if (
        not tokens
        or tokens[0].kind in {"VG", "NUM", "PRON"}
        or any(token.kind in {"SUB", "PRON", "NEG", "VD", "VZ"} for token in tokens)
    ):
        return
    if re.match(r"\w+ing\b", agent) or re.match(r"(?:about|approximately|a factor)\b", agent):
        return
    lemma = context.lexicon.verb_lemma(clause.tokens[clause.verb].lower)
    if not lemma:
        return
    aux = clause.tokens[clause.auxiliaries[0]].lower
    who = "who" if context.is_person(tokens) else "what" if context.is_thing(tokens) else ""
    if not who or aux not in {"was", "were", "is", "are"}:
        return
    lowered = context.lowered(subject)
    adverb = clause.text(clause.auxiliaries[0] + 1, clause.verb)
    form = context.lexicon.verb_form(lemma, "past" if aux in {"was", "were"} else "third")
    question = " ".join(part for part in (who, adverb, form, lowered, left) if part)
    template = "agent" if who == "who" else "cause of"
    yield Candidate(template, opened(clause, question) + "?", agent)


def _what_happened(
    clause: Clause, context: Context, subject: str, rest: str
) -> Iterator[Candidate]:
    tokens = clause.tokens[slice(*clause.subject)]
    if not context.is_thing(tokens) or not is_specific(subject, context):
        return
    template = "what was" if clause.copular else "what did"
    if clause.copular and clause.tokens[clause.rest[0]].kind in {"DET", "PREP", "SUB", "NUM", "TO"}:
        return
    if len(content_words(rest)) < 3 or len(subject.split()) > 12:
        return
    if len(content_words(subject)) < 2 and not tokens[-1].text[0].isupper():
        return
    verbs = words_of(clause, clause.finite, clause.verb + 1)
    if clause.plural or clause.tokens[clause.finite].kind == "V":
        yield from _which(clause, subject, f"{verbs} {rest}")
        return
    if clause.tokens[clause.verb].lower in {"had", "has", "made", "took", "gave", "came", "went"}:
        return
    head = head_of(tokens)
    if head is None or subject.lower().startswith(("a ", "an ")):
        return
    kind = context.kinds.get(head.text, "") if head.text[0].isupper() else ""
    word = "which place" if kind in {"GPE", "LOC"} else "what"
    at = tokens.index(head)
    if (
        word == "what"
        and at
        and tokens[at - 1].kind in {"N", "ADJ", "VDN", "NAME"}
        and head.kind == "N"
    ):
        # Naming the kind says what is asked for ("which mode").
        word = f"which {head.lower}"
    question = f"{word} {verbs} {rest}"
    yield Candidate(template, opened(clause, question) + "?", subject)


def _which(clause: Clause, subject: str, predicate: str) -> Iterator[Candidate]:
    """Which of a kind: "Batteries A and B were charged" asks for batteries."""
    tokens = clause.tokens[slice(*clause.subject)]
    head = head_of(tokens)
    if head is None or head.kind != "NS" or (head.text[0].isupper() and tokens[0] is not head):
        return
    if tokens[0].kind == "NUM" or (tokens[0].kind == "DET" and tokens[0].lower != "the"):
        return
    if len(content_words(subject)) < 2 or len(tokens) > 9:
        return
    if head.lower in _KINDS_OF or re.match(r"the (?:\w+ )?\w+$", subject, re.IGNORECASE):
        return
    if any(t.kind == "CONJ" for t in tokens) or tokens[0] is head:
        return
    yield Candidate("which", opened(clause, f"which {head.lower} {predicate}") + "?", subject)


def _object(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    if clause.copular or clause.passive:
        return
    tokens = clause.tokens[slice(*clause.rest)]
    verb = clause.tokens[clause.verb]
    lemma = context.lexicon.verb_lemma(verb.lower)
    if not tokens or tokens[0].kind not in {"DET", "N", "NS", "ADJ", "NUM", "NAME"}:
        return
    if verb.kind == "HAVE" or not (clause.whole or tokens[-1].kind in {"N", "NS", "NAME"}):
        return
    # "Stated the structure was cold" has a clause for its object, of which this may be the start.
    if lemma in _NO_OBJECT or (lemma in _FINDING and not clause.whole):
        return
    if any(
        token.kind in {"SUB", "PRON", "NEG", "VD", "VZ", "BE", "MODAL", ":"} for token in tokens
    ):
        return
    if tokens[0].kind == "ADJ" and head_of(tokens) is None:
        return
    if not 2 <= len(tokens) <= 14 or context.is_person(tokens):
        return
    head = head_of(tokens)
    if head is None or head.lower in {"time", "times", "place", "part", "way", "up"}:
        return
    if not context.is_thing(tokens):
        return
    question = f"what {in_question(clause, context, '')}"
    yield Candidate("object", opened(clause, question) + "?", rest)


def _linked(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    """Verbs with their preposition: what something depends on, leads to, results in."""
    lemma = context.lexicon.verb_lemma(clause.tokens[clause.verb].lower)
    passive = clause.passive and clause.tokens[clause.verb].lower in {
        "based", "related", "attributed", "associated", "connected", "attached", "proportional",
        "added", "reduced", "converted", "transferred", "replaced", "equipped", "filled",
    }  # fmt: skip
    found = _TYPICAL.match(rest) if clause.copular else None
    if found is not None and clause.whole and 1 < len(found[3].split()) < 15:
        if not re.search(r"\b(?:that|which|what|how)\b", found[3]):
            question = f"what {in_question(clause, context, found[1] + found[2])}"
            yield Candidate("relation", opened(clause, question) + "?", found[3])
        return
    if lemma not in _LINKED and not passive:
        return
    where = r"upon|on|to|from|with|into" if passive else r"upon|on|to|in|from|with|into"
    match = re.match(rf"({where})\s([^,;]+)$", rest)
    if match is None or len(match[2].split()) > 16 or not clause.whole:
        return
    if re.match(r"(?:the fact|order|part|general|turn|\w+ing\b)", match[2]):
        return
    start = clause.rest[0] + 1
    if clause.tokens[start].kind in {"SUB", "V", "PRON"} or context.is_person(
        clause.tokens[start : clause.rest[1]]
    ):
        return
    if any(t.kind in {"SUB", "VD", "VZ"} for t in clause.tokens[start : clause.rest[1]]):
        return
    question = f"what {in_question(clause, context, match[1])}"
    yield Candidate("relation", opened(clause, question) + "?", match[2])


def _instrument(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    """“was initiated with the digital autopilot”: what something was done with, from, into."""
    if not clause.passive or not clause.whole:
        return
    match = re.match(r"((?:\w+ly )?)(with|from|into|onto)\s([^,;]+)$", rest)
    if match is None or len(match[3].split()) > 12:
        return
    start = clause.rest[0] + (2 if match[1] else 1)
    tokens = clause.tokens[start : clause.rest[1]]
    if not tokens or tokens[0].kind not in {"DET", "N", "NS", "ADJ", "NAME", "NUM"}:
        return
    if any(token.kind in {"SUB", "VD", "VZ", "PRON"} for token in tokens):
        return
    if not context.is_thing(tokens) or re.match(
        r"(?:the result|respect|regard|reference)", match[3]
    ):
        return
    question = f"what {in_question(clause, context, match[1] + match[2])}"
    yield Candidate("relation", opened(clause, question) + "?", match[3])


def _composition(clause: Clause, context: Context, rest: str) -> Iterator[Candidate]:
    verbs = clause.text(clause.finite if clause.passive else clause.verb, clause.verb + 1).lower()
    first, _, after = rest.partition(" ")
    phrase = f"{verbs} {first}" if first in {"of", "up"} else verbs
    body = after if first == "of" else rest
    if first == "up" and after.startswith("of "):
        phrase, body = f"{verbs} up of", after[3:]
    if not _COMPOSED.match(phrase) or len(body.split()) < 2:
        return
    if not (clause.whole or clause.tokens[clause.rest[1]].text == ";"):
        return
    if any(t.kind in {"SUB", "PRON"} for t in clause.tokens[clause.rest[0] : clause.rest[1]]):
        return
    tail = {"of": "of", "up": "up of"}.get(first, "")
    question = f"what {in_question(clause, context, tail)}"
    yield Candidate("composition", opened(clause, question) + "?", body)


def _finding(clause: Clause, context: Context) -> Iterator[Candidate]:
    """“Tests showed that the valve had failed”: what the tests showed."""
    lemma = context.lexicon.verb_lemma(clause.tokens[clause.verb].lower)
    if lemma not in _FINDING or clause.passive or clause.copular:
        return
    rest = clause.sentence[clause.tokens[clause.verb].end :]
    match = re.match(r" that ([^;:]+?)[.;]$", rest)
    if match is None or not 4 <= len(match[1].split()) <= 25:
        return
    question = f"what {in_question(clause, context, '')}"
    yield Candidate("finding", opened(clause, question) + "?", match[1])


def _use(clause: Clause, context: Context, subject: str) -> Iterator[Candidate]:
    if not clause.passive or clause.tokens[clause.verb].lower not in {
        "used",
        "designed",
        "intended",
    }:
        return
    rest = clause.text(*clause.rest).strip(" ,")
    match = re.match(r"(to|for|as)\s([^,;]+)$", rest)
    if match is None or len(match[2].split()) > 20:
        return
    verb = clause.tokens[clause.verb].lower
    aux = clause.text(clause.finite, clause.verb).lower().split()
    if verb == "used":
        word = "as" if match[1] == "as" else "for"
        if match[1] == "for" and re.match(
            r"(?:the (?:first|remainder|rest|last|duration)|\d|about|an? )", match[2]
        ):
            return
        answer = match[2] if match[1] != "to" else match[0]
        question = f"what {aux[0]} {context.lowered(subject)} {' '.join([*aux[1:], 'used', word])}"
    elif match[1] == "to":
        answer = match[2]
        question = f"what {aux[0]} {context.lowered(subject)} {' '.join([*aux[1:], verb, 'to do'])}"
    else:
        return
    yield Candidate("use", opened(clause, question) + "?", answer)
