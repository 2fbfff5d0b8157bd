"""Pair texts that a model wrote: their origin, what could not be written, and a judge."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from xpoll_dagster.writing.model import PAIR_TEXTS_SCHEMA, Draft, Message, Origin, PairEvidence
from xpoll_dagster.writing.pair_texts import write_pair_texts
from xpoll_dagster_tests.writing.authors import MODEL, ScriptedAuthor
from xpoll_dagster_tests.writing.library import BOOKS, make_library


def bridge(pair: PairEvidence) -> list[Draft]:
    left, right = pair.left.text.split(". "), pair.right.text.split(". ")
    response = f"{left[0]}. {left[1]}. {right[0]}. {right[1]}."
    asked = f"How do {pair.left.domain} and {pair.right.domain} meet in what they tell?"
    mapping = f"{left[0]} corresponds to {right[0]}."
    good = Draft(
        pair.pair_id,
        "qa",
        "model",
        f"{asked}\n\n{response}",
        instruction=asked,
        response=response,
        messages=(Message("user", asked), Message("assistant", response)),
        mapping=mapping,
        origin=replace(MODEL, finish_reason="stop"),
    )
    lost = Draft(
        pair.pair_id,
        "expository",
        "model",
        "",
        origin=Origin("llm", "scripted", "", "length", "Half an answ"),
        problems=("no JSON",),
    )
    return [good, lost]


def test_origin_and_raw_answers_are_kept():
    chunks, pairs, _ = make_library()
    table = write_pair_texts(pairs[:2], chunks, BOOKS, ScriptedAuthor(draft=bridge))
    assert table.schema == PAIR_TEXTS_SCHEMA
    good, lost = table[0], table[1]
    assert good["rejected_by"][0].to_list() == []
    assert good["attributable"][0] == 1.0
    assert good["mapping"][0].endswith(".")
    assert good["finish_reason"][0] == "stop"
    assert good["quoted_share"][0] == 0
    assert good["verbatim"][0] is None
    assert lost["rejected_by"][0].to_list() == ["no JSON"]
    assert lost["raw"][0] == "Half an answ"


def test_a_judge_is_asked_about_what_passed():
    chunks, pairs, _ = make_library()

    def judge(rows: pl.DataFrame) -> pl.DataFrame:
        assert rows["accepted"].all()
        return rows.select("id", judge_score=pl.lit(1.0))

    table = write_pair_texts(pairs[:2], chunks, BOOKS, ScriptedAuthor(draft=bridge), judge=judge)
    assert not table["accepted"].any()
    assert table["judge_score"][0] == 1.0
