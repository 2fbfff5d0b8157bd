"""The table of questions: every attempt with its measures and verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.storage import fingerprint
from xpoll_dagster.writing.gates.answers import Passages
from xpoll_dagster.writing.gates.duplicates import find_duplicates
from xpoll_dagster.writing.gates.judgement import Judge, apply_judge
from xpoll_dagster.writing.gates.question import DUPLICATE, judge_question
from xpoll_dagster.writing.model import Author, BookInfo, Question
from xpoll_dagster.writing.options import WritingOptions
from xpoll_dagster.writing.sources import BookSources, encode, iter_books

QUESTIONS_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "chunk_id": pl.String,
        "book": pl.String,
        "question": pl.String,
        "answer": pl.String,
        "template": pl.String,  # the rule that made it, empty for a model
        "score": pl.Float64,  # the rule's ranking, 0 to 1
        "difficulty_guess": pl.String,
        "author": pl.String,  # rules | llm
        "model": pl.String,
        "prompt_sha256": pl.String,
        "finish_reason": pl.String,
        "raw": pl.String,  # the model's answer, where it could not be used
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        "alternates": pl.List(pl.String),  # other chunks of the book that hold the answer
        # One column per gate measure; null where nothing was written or it was not judged.
        "n_words": pl.Int64,
        "answer_words": pl.Int64,
        "meta_talk": pl.String,  # what talk about the task was found
        "broken_off": pl.String,
        "same_language": pl.Boolean,
        "repetition": pl.Float64,
        "leans_on": pl.String,  # what it needs to be understood, empty where it stands alone
        "answer_inside": pl.Boolean,  # the question gives its answer away
        "answer_is_span": pl.Boolean,
        "entailment": pl.Float64,  # asked only where the answer is no span
        "copied_run": pl.Int64,  # words of the longest run that its passage has too
        "overlap": pl.Float64,  # share of its words that its passage has
        "answer_chunks": pl.Int64,  # chunks of the book that hold the answer
        "similarity": pl.Float64,  # cosine with its chunk
        "dense_rank": pl.Int64,  # of its chunk in the book, by vectors
        "word_rank": pl.Int64,  # the same by words (BM25)
        "rank": pl.Int64,  # the better of the two
        "difficulty": pl.String,  # by rank: easy 1, medium 2 to 5, hard
        "duplicate_of": pl.String,  # id of the question that it repeats
        "judge_score": pl.Float64,
        "judge_verdict": pl.String,
    }
)
BATCH = 4096
NO_DRAFT = "the author gave no question"

Entailment = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
"""Probability (0 to 1) that each premise entails its hypothesis, in the order given."""


def write_questions(
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    author: Author,
    options: WritingOptions | None = None,
    embeddings: pl.DataFrame | None = None,
    embedder: Embedder | None = None,
    concepts: pl.DataFrame | None = None,
    entailment: Entailment | None = None,
    judge: Judge | None = None,
) -> pl.DataFrame:
    """Ask questions about every chunk and judge them.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`, whole books.
        books: What to say about each book, by key.
        author: Who asks, `options.gates.question.per_chunk` questions of each chunk.
        options: The gates' thresholds and the rest.
        embeddings: The chunks' vectors; without them, or without `embedder`, the rank is
            that by words alone, and duplicates are found by words alone.
        embedder: The model that made the vectors.
        concepts: Rows of `CONCEPTS_SCHEMA`, handed to the author.
        entailment: Judges answers that are no span of their chunk.
        judge: Scores what passed every other gate.

    Returns:
        Rows of `QUESTIONS_SCHEMA` in the order of books and chunks, at least one for each
        chunk: chunks that are no prose, too short, or the same as an earlier one come with
        the reason, and the author is not asked for them.

    Raises:
        ValueError: A chunk's book is not among `books`, or the author asked about a chunk
            that it was not given.
    """
    options = options or WritingOptions()
    limits = options.gates.question
    rows: list[dict[str, Any]] = []
    for sources in iter_books(chunks, books, limits.min_source_words, embeddings, concepts):
        fit = [number for number, reason in enumerate(sources.unfit) if not reason]
        places = {sources.chunks[number].passage.chunk_id: number for number in fit}
        drafts: dict[int, list[Question]] = {number: [] for number in fit}
        for start in range(0, len(fit), BATCH):
            batch = [sources.chunks[number] for number in fit[start : start + BATCH]]
            for draft in author.ask(batch, limits.per_chunk):
                if draft.chunk_id not in places:
                    raise ValueError(
                        f"The author asked about the chunk {draft.chunk_id}, which it was not "
                        "given."
                    )
                drafts[places[draft.chunk_id]].append(draft)
        rows += _judged(sources, drafts, options, embedder, entailment)
    table = pl.DataFrame(rows, schema=QUESTIONS_SCHEMA, orient="row")
    return apply_judge(table, judge, options.gates.min_judge_score)


def _judged(
    sources: BookSources,
    drafts: Mapping[int, Sequence[Question]],
    options: WritingOptions,
    embedder: Embedder | None,
    entailment: Entailment | None,
) -> list[dict[str, Any]]:
    ids = [chunk.passage.chunk_id for chunk in sources.chunks]
    rows: list[dict[str, Any]] = []
    asked: list[tuple[int, int, Question]] = []  # place of the row, number of the chunk
    for number, chunk_id in enumerate(ids):
        of_chunk = drafts.get(number) or [
            Question(chunk_id, "", "", problems=(sources.unfit[number] or NO_DRAFT,))
        ]
        for ordinal, draft in enumerate(of_chunk):
            row = _row(draft, sources.book, ordinal)
            if draft.problems or not draft.question.strip():
                row["rejected_by"] = list(draft.problems) or [NO_DRAFT]
            else:
                asked.append((len(rows), number, draft))
            rows.append(row)
    texts = [draft.question for _, _, draft in asked]
    vectors = encode(embedder, sources, texts)
    near = sources.index().nearness(texts, [number for _, number, _ in asked], vectors)
    passages = Passages([chunk.passage.text for chunk in sources.chunks])
    spans = [passages.holds(number, draft.answer) for _, number, draft in asked]
    entailed = _entailment(sources, asked, spans, entailment)
    for place, (at, number, draft) in enumerate(asked):
        having = passages.having(draft.answer) if draft.answer.strip() else []
        verdict = judge_question(
            draft,
            sources.chunks[number].passage.text,
            options.gates,
            is_span=spans[place],
            answer_chunks=len(having),
            entailment=entailed.get(place),
            nearness=near[place],
        )
        rows[at] |= {
            name: getattr(verdict, name) for name in verdict.__slots__ if name in QUESTIONS_SCHEMA
        }
        rows[at]["rejected_by"] = list(verdict.rejected_by)
        rows[at]["alternates"] = [ids[other] for other in having if other != number]
    _mark_duplicates(rows, asked, vectors, options)
    for row in rows:
        row["accepted"] = not row["rejected_by"]
    return rows


def _entailment(
    sources: BookSources,
    asked: Sequence[tuple[int, int, Question]],
    spans: Sequence[bool],
    entailment: Entailment | None,
) -> dict[int, float]:
    """Probabilities by place in `asked`, for answers that are no span."""
    if entailment is None:
        return {}
    places = [
        place
        for place, (_, _, draft) in enumerate(asked)
        if not spans[place] and draft.answer.strip()
    ]
    pairs = [
        (
            sources.chunks[asked[place][1]].passage.text,
            f"{asked[place][2].question} {asked[place][2].answer}",
        )
        for place in places
    ]
    return dict(zip(places, map(float, entailment(pairs)), strict=True)) if pairs else {}


def _mark_duplicates(
    rows: list[dict[str, Any]],
    asked: Sequence[tuple[int, int, Question]],
    vectors: Any,
    options: WritingOptions,
) -> None:
    """Reject what repeats a better question; what failed already repeats nothing."""
    good = [place for place, (at, _, _) in enumerate(asked) if not rows[at]["rejected_by"]]
    repeats = find_duplicates(
        [asked[place][2].question for place in good],
        [asked[place][2].answer for place in good],
        [asked[place][2].score for place in good],
        options.gates.question,
        vectors[good] if vectors is not None and good else None,
    )
    for place, other in zip(good, repeats, strict=True):
        if other is not None:
            row = rows[asked[place][0]]
            row["rejected_by"] = [DUPLICATE]
            row["duplicate_of"] = rows[asked[good[other]][0]]["id"]


def _row(draft: Question, book: str, ordinal: int) -> dict[str, Any]:
    origin = draft.origin
    return dict.fromkeys(QUESTIONS_SCHEMA) | {
        "id": fingerprint(
            ["question", draft.chunk_id, ordinal, draft.question, origin.author, origin.model]
        ),
        "chunk_id": draft.chunk_id,
        "book": book,
        "question": draft.question,
        "answer": draft.answer,
        "template": draft.template,
        "score": draft.score,
        "difficulty_guess": draft.difficulty_guess,
        "author": origin.author,
        "model": origin.model,
        "prompt_sha256": origin.prompt_sha256,
        "finish_reason": origin.finish_reason,
        "raw": origin.raw,
    }
