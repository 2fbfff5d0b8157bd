"""The batch's questions: every rule on every plain sentence, screened, ranked, the best kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.writing.gate_options import GateOptions
from xpoll_dagster.writing.gates.numbers import as_digits
from xpoll_dagster.writing.gates.question import judge_question
from xpoll_dagster.writing.model import Mention, Origin, Question, SourceChunk
from xpoll_dagster.writing.phrases import capitalised
from xpoll_dagster.writing.rules.asking.adjuncts import ask_adjuncts
from xpoll_dagster.writing.rules.asking.amounts import ask_amounts
from xpoll_dagster.writing.rules.asking.arguments import ask_arguments
from xpoll_dagster.writing.rules.asking.candidate import (
    Candidate,
    Context,
    Spelling,
    varied,
)
from xpoll_dagster.writing.rules.asking.cloze import ask_gap
from xpoll_dagster.writing.rules.asking.definitions import ask_acronyms, ask_definitions
from xpoll_dagster.writing.rules.asking.people import (
    ask_people,
    mentions_people,
    person_named,
)
from xpoll_dagster.writing.rules.asking.ranking import BROAD, measure, score
from xpoll_dagster.writing.rules.asking.screening import (
    content_words,
    question_fault,
    sentence_fault,
)
from xpoll_dagster.writing.rules.language.clauses import may_be_clause, parse
from xpoll_dagster.writing.rules.language.lexicon import Lexicon

_PARENTHESES = re.compile(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]")
_JOINT = re.compile(r"; (?:and |but |or |for )?|, (?:and|but|while|whereas|so that|so) ")
_CONNECTIVE = re.compile(
    r"^(?:And|But|So|Thus|Hence|Therefore|However|Yet|For|Then|Now|Moreover),? (?=[a-zA-Z])"
)
_MIN_SCORE, _MIN_SCORE_GAP = 0.52, 0.35
_NO_QUESTION = "no sentence is plain enough to be asked about by rules"


def learn_spelling(passages: Iterable[str]) -> Spelling:
    """Count how a batch spells its words inside sentences, and in how many chunks."""
    spelling = Spelling(Counter(), Counter(), Counter())
    for passage in passages:
        words = re.findall(r"[^\W\d_]+", passage)
        spelling.chunks.update({word.lower() for word in words} | set(content_words(passage)))
        for match in re.finditer(r"(?<=[a-z,;] )[^\W\d_]+", passage):
            word = match[0]
            (spelling.lower if word[0].islower() else spelling.capital)[word.lower()] += 1
    return spelling


def ask_batch(
    chunks: Sequence[SourceChunk],
    n: int,
    lexicon: Lexicon,
    origin: Origin,
    gates: GateOptions,
    max_rank: int = 3,
    problem: str = "",
) -> list[Question]:
    """Up to `n` questions for each chunk, in order; see `RulesAuthor.ask`.

    Args:
        chunks: A book's chunks.
        n: Questions for each at most.
        lexicon: WordNet's words; an empty one knows no verbs.
        origin: What the drafts say of who wrote them.
        gates: What a question must measure to be accepted: what would be rejected is not asked.
        max_rank: Rank at which a question must find its chunk in the batch, by words.
        problem: Said besides where a chunk gets no question.
    """
    passages = [" ".join(chunk.passage.text.split()) for chunk in chunks]
    spelling = learn_spelling(passages)
    candidates: list[Candidate] = []
    for at, chunk in enumerate(chunks):
        context = Context(lexicon, spelling, len(chunks), kinds_of(chunk.passage.mentions))
        for candidate in propose(chunk, context, len(chunks)):
            candidate.chunk = at
            candidate.question = varied(candidate.question, candidate.answer)
            candidate.question = capitalised(" ".join(candidate.question.split()))
            if candidate.answer not in passages[at] or question_fault(candidate, context):
                continue
            draft = Question(chunk.passage.chunk_id, candidate.question, candidate.answer)
            if not judge_question(draft, passages[at], gates, is_span=True).rejected_by:
                candidates.append(candidate)
    for candidate, measures in zip(candidates, measure(candidates, passages), strict=True):
        limit = 2 * max_rank if candidate.template in BROAD else max_rank
        candidate.score = score(candidate, measures) if measures.rank <= limit else 0.0
        if candidate.score < (_MIN_SCORE_GAP if candidate.template == "gap" else _MIN_SCORE):
            candidate.score = 0.0
    return _chosen(chunks, candidates, n, origin, problem)


def propose(chunk: SourceChunk, context: Context, n_chunks: int) -> Iterator[Candidate]:
    """Every rule's questions about a chunk, unscreened."""
    yield from ask_acronyms(" ".join(chunk.passage.text.split()))
    person = ""
    for ordinal, raw in enumerate(split_sentences(chunk.passage.text)):
        printed = " ".join(raw.split())
        named = person_named(printed, context)
        if named:
            person = named
        elif person and re.match(r"(?:He|She) ", printed):
            # Whom "he" means is safe where the sentences before name nobody else.
            printed = person + printed[printed.index(" ") :]
        if person and mentions_people(printed, context, person):
            person = ""
        # Misread digits are mended in questions; an answer that holds one is no span and falls.
        sentence = as_digits(_PARENTHESES.sub("", printed))
        if sentence_fault(sentence):
            continue
        found = list(ask_people(sentence, context))
        found += ask_gap(sentence, chunk.passage.mentions, context, n_chunks)
        for piece in _pieces(sentence, context.lexicon):
            clause = parse(piece, context.lexicon)
            if clause is None:
                continue
            for rule in (ask_definitions, ask_adjuncts, ask_amounts, ask_arguments):
                found.extend(rule(clause, context))
        for candidate in found:
            candidate.sentence = ordinal
            candidate.answer = _trimmed(candidate.answer)
            yield candidate


def _trimmed(answer: str) -> str:
    """An answer without marks around it; "p.m." keeps its full stop."""
    answer = answer.strip(" ,;")
    return answer if re.search(r"(?:[A-Za-z]\.){2,}$", answer) else answer.rstrip(" ,;.")


def _pieces(sentence: str, lexicon: Lexicon) -> Iterator[str]:
    """The sentence, and each further main clause that a comma or semicolon divides off.

    After "The keeper, the clerk" without a verb, ", and the mason" begins no clause.
    """
    bare = _CONNECTIVE.sub("", sentence)
    yield bare
    rest = bare
    while match := _JOINT.search(rest):
        before, rest = rest[: match.start()], rest[match.end() :]
        if len(rest.split()) > 5 and may_be_clause(before, lexicon):
            yield rest


def kinds_of(mentions: Sequence[Mention]) -> dict[str, str]:
    """Kind of each name by its surface and by its last word; names before terms."""
    kinds: dict[str, str] = {}
    for mention in sorted(mentions, key=lambda one: one.kind == "TERM"):
        surface = " ".join(mention.surface.split())
        for name in (surface, surface.split()[-1] if surface.split() else ""):
            if name[:1].isupper():
                kinds.setdefault(name, mention.kind)
    return kinds


def _chosen(
    chunks: Sequence[SourceChunk],
    candidates: list[Candidate],
    n: int,
    origin: Origin,
    problem: str,
) -> list[Question]:
    """The best of each chunk: no sentence twice, templates used less often preferred."""
    by_chunk: dict[int, list[Candidate]] = {at: [] for at in range(len(chunks))}
    for candidate in candidates:
        if candidate.score > 0:
            by_chunk[candidate.chunk].append(candidate)
    used: Counter[str] = Counter()
    kept: dict[int, list[Candidate]] = {at: [] for at in by_chunk}
    # Chunks with little choice choose first, so that the share of a template is theirs.
    order = sorted(by_chunk, key=lambda at: (len(by_chunk[at]), at))
    for _ in range(n):
        for at in order:
            sentences = {one.sentence for one in kept[at]}
            asked = {one.answer.lower() for one in kept[at]}
            free = [
                one
                for one in by_chunk[at]
                if one.sentence not in sentences
                and one.answer.lower() not in asked
                # A gap is better than nothing, and not better than a question.
                and not (kept[at] and one.template == "gap")
            ]
            if not free:
                continue
            total = sum(used.values()) + 10
            best = max(
                free,
                key=lambda one: (
                    one.score * (1 - min(0.6, 2 * max(0.0, used[one.template] / total - 0.08))),
                    one.question,
                ),
            )
            used[best.template] += 1
            kept[at].append(best)
    questions: list[Question] = []
    for at, chunk in enumerate(chunks):
        chunk_id = chunk.passage.chunk_id
        if not kept[at]:
            empty = Question(chunk_id, "", "", origin=origin)
            questions.append(replace(empty, problems=(_NO_QUESTION, *filter(None, [problem]))))
        questions.extend(
            Question(chunk_id, one.question, one.answer, one.template, one.score, origin=origin)
            for one in sorted(kept[at], key=lambda one: -one.score)
        )
    return questions
