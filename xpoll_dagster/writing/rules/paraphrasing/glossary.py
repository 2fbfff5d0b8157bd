"""Definitions that a book gives of its own terms, to be added to other chunks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xpoll_dagster.writing.model import SourceChunk
from xpoll_dagster.writing.prose import fault, leans_on_context
from xpoll_dagster.writing.rules.asking.candidate import Context
from xpoll_dagster.writing.rules.asking.definitions import ask_definitions
from xpoll_dagster.writing.rules.asking.screening import content_words, is_specific
from xpoll_dagster.writing.rules.language.clauses import Clause, parse
from xpoll_dagster.writing.rules.paraphrasing.sentences import read_sentences

_DESCRIBING = re.compile(
    r"(?:consist(?:s|ed)? of|(?:is|are|was|were) (?:used|designed|intended|employed) (?:to|for)|"
    r"provides?|contains?|comprises?|supplies|supply|measures?|controls?|converts?|serves? to|"
    r"(?:is|are) (?:an?|the) (?!same|most|only|first|main))\b"
)
_POINTS = re.compile(
    r"\b(?:shown|here|figure|viewed|example|whereas|illustrated|this|these|that case|we|our|you|"
    r"the (?:third|second|first|device|direction|system|object|problem|figure))\b",
    re.IGNORECASE,
)
_PLAIN = frozenset({"system", "systems", "physics", "science", "program", "text", "book", "data"})
_CAPITALS = re.compile(r"(?<=[a-z,;] )[A-Z]")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a book says a term is: its own sentence, and the chunk that holds it."""

    term: str
    sentence: str
    chunk_id: str


def build_glossary(chunks: Sequence[SourceChunk], context: Context) -> list[Definition]:
    """Definitions of a book's terms, one for each, in the order of the book.

    A definition is a whole sentence of at most 35 words that says what a term is, or of a
    term of several words what it consists of or is for, without numbers, names or words that
    point back.
    """
    found: dict[str, Definition] = {}
    for chunk in chunks:
        for sentence in read_sentences(chunk.passage.text):
            text = sentence.text
            if not sentence.alone or not 6 <= sentence.n_words <= 35 or re.search(r"\d", text):
                continue
            if (
                _POINTS.search(text)
                or fault(text)
                or leans_on_context(text)
                or _CAPITALS.search(text)
            ):
                continue
            clause = parse(text, context.lexicon)
            if clause is None or clause.opening is not None or clause.negated:
                continue
            term = re.sub(r"^(?:an?|the) ", "", clause.text(*clause.subject).lower())
            if term in found or term in _PLAIN or len(term) < 4 or not content_words(term):
                continue
            if _defines(clause, context) or (" " in term and _describes(clause, context)):
                found[term] = Definition(term, text, chunk.passage.chunk_id)
    return list(found.values())


def _defines(clause: Clause, context: Context) -> bool:
    verbs = clause.text(clause.finite, clause.verb + 1).lower()
    if re.fullmatch(r"(?:is|are) defined|means|refers", verbs):
        return len(content_words(clause.text(*clause.rest))) > 2
    if verbs == "are" and clause.tokens[clause.rest[0]].lower != "the":
        return False
    return any(
        candidate.template == "definition" and len(content_words(candidate.answer)) > 2
        for candidate in ask_definitions(clause, context)
    )


def _describes(clause: Clause, context: Context) -> bool:
    """Whether a clause says what a thing of several words is for or is made of."""
    if len(clause.tokens[slice(*clause.subject)]) > 5 or not is_specific(
        clause.text(*clause.subject), context
    ):
        return False
    verbs = clause.text(clause.finite, clause.verb + 1).lower()
    rest = clause.text(*clause.rest)
    return len(content_words(rest)) > 3 and bool(_DESCRIBING.match(f"{verbs} {rest}"))


def definitions_for(
    chunk: SourceChunk, glossary: Sequence[Definition], limit: int = 2
) -> list[Definition]:
    """Definitions of terms that a chunk prints and does not define itself, longest terms first."""
    text = " ".join(chunk.passage.text.split())
    lower = text.lower()
    fitting = [
        one
        for one in glossary
        if one.chunk_id != chunk.passage.chunk_id
        and one.sentence not in text
        and re.search(rf"(?<![\w-]){re.escape(one.term)}s?(?![\w-])", lower)
    ]
    fitting.sort(key=lambda one: (-len(one.term.split()), -len(one.term), one.term))
    return fitting[:limit]
