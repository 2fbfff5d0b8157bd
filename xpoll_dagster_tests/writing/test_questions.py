"""The table of questions: every chunk has a row, every question its verdict."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from xpoll_dagster.writing.model import Question, SourceChunk
from xpoll_dagster.writing.questions import QUESTIONS_SCHEMA, write_questions
from xpoll_dagster_tests.writing.authors import MODEL, ScriptedAuthor
from xpoll_dagster_tests.writing.shelf import (
    BOOKS,
    CANAL,
    PUMP,
    WHEEL,
    WordEmbedder,
    make_chunks,
    make_embeddings,
)

ASKED = {
    PUMP: [
        ("How many litres did the pump at Harburg deliver in the first hour?", "40 litres"),
        ("How much did the pump at Harburg deliver in the first hour?", "40 litres"),
    ],
    WHEEL: [
        ("Who measured the power of a wheel with buckets in 1759?", "Smeaton"),
        ("What does the passage say of wheels?", "weight of water"),
    ],
    CANAL: [("Of what wood were the gates of the canal's locks made?", "oak")],
}


def question(chunk: SourceChunk) -> list[Question]:
    return [
        Question(chunk.passage.chunk_id, asked, answer, origin=MODEL)
        for asked, answer in ASKED[chunk.passage.text]
    ]


def test_every_chunk_has_a_row():
    author = ScriptedAuthor(question=question)
    table = write_questions(make_chunks(), BOOKS, author)
    assert table.schema == QUESTIONS_SCHEMA
    assert table["chunk_id"].to_list() == ["c0", "c0", "c1", "c1", "c2", "c3", "c4", "c5", "c6"]
    assert table["id"].is_unique().all()
    reasons = table["rejected_by"].to_list()
    assert reasons[0] == []
    assert reasons[1] == ["near-duplicate of another question"]
    assert table["duplicate_of"][1] == table["id"][0]
    assert reasons[2] == []
    assert "question does not stand alone" in reasons[3]
    assert reasons[4:6] == [["not prose (table)"], ["source too short to paraphrase"]]
    assert reasons[6] == []
    # The same text is not asked about twice, and its answers have each other as alternates.
    assert reasons[7] == ["the same text as another chunk"]
    assert table["alternates"][2].to_list() == ["c5"]
    assert table["alternates"][0].to_list() == []
    assert len(author.batches) == 1
    assert table["word_rank"][0] == 1
    assert table["difficulty"][0] == "easy"
    assert table["dense_rank"].null_count() == table.height


def test_with_vectors_ranks_are_dense_too():
    chunks = make_chunks()
    table = write_questions(
        chunks,
        BOOKS,
        ScriptedAuthor(question=question),
        embeddings=make_embeddings(chunks),
        embedder=WordEmbedder(),
    )
    assert table["dense_rank"][0] == 1
    assert table["similarity"][0] > 0


def test_answers_that_are_no_span_can_be_entailed():
    asked: list[tuple[str, str]] = []

    def answer(chunk: SourceChunk) -> list[Question]:
        asks = "Who had to open the valve of the mill at Harburg by hand?"
        return [Question(chunk.passage.chunk_id, asks, "a woman named Vogt", origin=MODEL)]

    def entailment(pairs: Sequence[tuple[str, str]]) -> list[float]:
        asked.extend(pairs)
        return [0.9] * len(pairs)

    chunks = make_chunks()[:1]
    alone = write_questions(chunks, BOOKS, ScriptedAuthor(question=answer))
    assert not alone["accepted"][0]
    table = write_questions(chunks, BOOKS, ScriptedAuthor(question=answer), entailment=entailment)
    assert table["accepted"][0]
    assert table["entailment"][0] == 0.9
    assert asked[0][0] == PUMP


def test_a_judge_rejects():
    def judge(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.select("id", judge_score=pl.lit(4.0), judge_accepted=pl.lit(value=False))

    table = write_questions(make_chunks(), BOOKS, ScriptedAuthor(question=question), judge=judge)
    assert not table["accepted"].any()
    assert table["rejected_by"][0].to_list() == ["scored too low by the judge"]


def test_bad_authors():
    silent = write_questions(make_chunks(), BOOKS, ScriptedAuthor(question=lambda _: []))
    assert silent.height == 7
    assert silent["rejected_by"][0].to_list() == ["the author gave no question"]
    stranger = ScriptedAuthor(question=lambda _: [Question("x", "Who is it?", "Nobody")])
    with pytest.raises(ValueError, match="not given"):
        write_questions(make_chunks(), BOOKS, stranger)
