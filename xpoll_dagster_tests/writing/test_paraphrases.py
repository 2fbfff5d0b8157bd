"""The table of paraphrases: a row for each chunk and style, judged, whoever wrote it."""

from __future__ import annotations

import polars as pl
import pytest

from xpoll_dagster.writing.model import Origin, Paraphrase, SourceChunk
from xpoll_dagster.writing.paraphrases import PARAPHRASES_SCHEMA, write_paraphrases
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

SAID = {
    PUMP: "At Harburg the mill's pump gave 40 litres within its first hour. Then the river fell, "
    "the valve stuck, and the engineer, Anna Vogt, opened it with her hands until rain in the "
    "evening let the wheel run again.",
    WHEEL: "Water poured from above into the buckets turns a wheel by its weight, and little of "
    "the fall is lost. In 1759 Smeaton found that it yields two thirds of the stream's power; "
    "pushed from below, a wheel yields scarcely a third.",
    CANAL: "Please provide the text that you would like me to paraphrase.",
}


def say(chunk: SourceChunk, style: str) -> Paraphrase:
    return Paraphrase(chunk.passage.chunk_id, style, SAID[chunk.passage.text], MODEL)


def by_chunk(table: pl.DataFrame, style: str = "medium") -> dict[str, dict]:
    return {row["chunk_id"]: row for row in table.filter(style=style).to_dicts()}


def test_every_chunk_and_style_has_a_row():
    author = ScriptedAuthor(say)
    table = write_paraphrases(make_chunks(), BOOKS, author, ["medium", "short"])
    assert table.schema == PARAPHRASES_SCHEMA
    assert table.select("chunk_id", "style").rows() == [
        (f"c{number}", style) for number in range(7) for style in ("medium", "short")
    ]
    assert table["id"].is_unique().all()
    rows = by_chunk(table)
    assert rows["c0"]["rejected_by"] == []
    assert rows["c1"]["accepted"]
    assert rows["c2"]["rejected_by"] == ["not prose (table)"]
    assert rows["c3"]["rejected_by"] == ["source too short to paraphrase"]
    assert "refuses, or talks about its task" in rows["c4"]["rejected_by"]
    assert rows["c5"]["rejected_by"] == ["the same text as another chunk"]
    assert rows["c6"]["rejected_by"] == ["source is not prose"]
    # The author is asked in one batch for each style, and not for what is unfit.
    assert [[chunk.passage.chunk_id for chunk in batch] for batch in author.batches] == [
        ["c0", "c1", "c4"]
    ] * 2
    assert (table["accepted"] == (table["rejected_by"].list.len() == 0)).all()


def test_neighbours_are_context():
    author = ScriptedAuthor(say)
    write_paraphrases(make_chunks(), BOOKS, author, ["medium"])
    first, second, last = author.batches[0]
    assert (first.before, first.after) == ("", WHEEL)
    assert (second.before, second.after) == (PUMP, "")
    assert last.before == "See below for more."


def test_ranks_and_meaning_need_vectors():
    chunks = make_chunks()
    without = by_chunk(write_paraphrases(chunks, BOOKS, ScriptedAuthor(say), ["medium"]))
    assert without["c0"]["dense_rank"] is None
    assert without["c0"]["similarity"] is None
    assert without["c0"]["word_rank"] == without["c0"]["rank"] == 1
    table = write_paraphrases(
        chunks,
        BOOKS,
        ScriptedAuthor(say),
        ["medium"],
        embeddings=make_embeddings(chunks),
        embedder=WordEmbedder(),
    )
    rows = by_chunk(table)
    assert rows["c0"]["dense_rank"] == 1
    assert rows["c0"]["similarity"] > 0.5
    # The other chunk with the same text is no rival.
    assert rows["c1"]["dense_rank"] == 1

    def swapped(chunk: SourceChunk, style: str) -> Paraphrase:
        other = {PUMP: WHEEL, WHEEL: PUMP, CANAL: CANAL}[chunk.passage.text]
        return Paraphrase(chunk.passage.chunk_id, style, SAID[other], MODEL)

    wrong = by_chunk(write_paraphrases(chunks, BOOKS, ScriptedAuthor(swapped), ["medium"]))
    assert "does not find its own chunk" in wrong["c0"]["rejected_by"]


def test_what_was_not_written_is_kept_with_its_raw_answer():
    def fail(chunk: SourceChunk, style: str) -> Paraphrase:
        origin = Origin("llm", "scripted", "", "length", '{"text": "The pu')
        return Paraphrase(chunk.passage.chunk_id, style, "", origin, ("no JSON",))

    rows = by_chunk(write_paraphrases(make_chunks(), BOOKS, ScriptedAuthor(fail), ["medium"]))
    assert rows["c0"]["rejected_by"] == ["no JSON"]
    assert rows["c0"]["raw"] == '{"text": "The pu'
    assert rows["c0"]["finish_reason"] == "length"


def test_the_judge_sees_only_what_passed():
    asked: list[str] = []

    def judge(rows: pl.DataFrame) -> pl.DataFrame:
        asked.extend(rows["chunk_id"])
        scores = [5.0 if chunk == "c0" else 2.0 for chunk in rows["chunk_id"]]
        return rows.select("id", pl.Series("judge_score", scores), judge_reason=pl.lit("so"))

    table = write_paraphrases(make_chunks(), BOOKS, ScriptedAuthor(say), ["medium"], judge=judge)
    rows = by_chunk(table)
    assert asked == ["c0", "c1"]
    assert rows["c0"]["accepted"]
    assert rows["c0"]["judge_verdict"] == "so"
    assert rows["c1"]["rejected_by"] == ["scored too low by the judge"]
    assert rows["c4"]["judge_score"] is None
    none = write_paraphrases(
        make_chunks(),
        BOOKS,
        ScriptedAuthor(say),
        ["medium"],
        judge=lambda rows: rows.select("id", judge_score=pl.lit(None, pl.Float64)),
    )
    assert by_chunk(none)["c0"]["rejected_by"] == ["the judge gave no score"]
    with pytest.raises(ValueError, match="judge"):
        write_paraphrases(
            make_chunks(), BOOKS, ScriptedAuthor(say), ["medium"], judge=lambda rows: rows[:1]
        )


def test_bad_input():
    with pytest.raises(ValueError, match="Nothing is known about the book"):
        write_paraphrases(make_chunks(), {}, ScriptedAuthor(say), ["medium"])

    def other(chunk: SourceChunk, style: str) -> Paraphrase:
        return Paraphrase("x", style, "Text.", MODEL)

    with pytest.raises(ValueError, match="another order"):
        write_paraphrases(make_chunks(), BOOKS, ScriptedAuthor(other), ["medium"])

    class Narrow(WordEmbedder):
        dimensions = 8

    with pytest.raises(ValueError, match="dimensions"):
        write_paraphrases(
            make_chunks(),
            BOOKS,
            ScriptedAuthor(say),
            ["medium"],
            embeddings=make_embeddings(make_chunks()),
            embedder=Narrow(),
        )
    empty = write_paraphrases(make_chunks()[:0], BOOKS, ScriptedAuthor(say), ["medium"])
    assert empty.schema == PARAPHRASES_SCHEMA
    assert empty.is_empty()
