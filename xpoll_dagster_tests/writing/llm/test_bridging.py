"""Bridges by a scripted model: the link decides, the texts follow, marks are taken out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.writing.completion import CompletionOptions
from xpoll_dagster.writing.engines.model import ChatRequest
from xpoll_dagster.writing.llm import LLMAuthor, LLMOptions
from xpoll_dagster.writing.llm.linking_decision import Sides
from xpoll_dagster.writing.llm.source_marks import read_marks
from xpoll_dagster.writing.model import PairEvidence
from xpoll_dagster_tests.writing.llm.scripted import (
    BODY,
    LINK,
    MILL,
    NO_LINK,
    PAIR,
    PUMP,
    ScriptedEngine,
    asked,
)

TWO = LLMOptions(completion=CompletionOptions(rounds=2))
STEAM, RIVER = "Steam was let into a cylinder", "A river turned the wheel"


def with_id(start: str, *, swapped: bool) -> PairEvidence:
    """The pair with an id that leaves its sides as they are, or swaps them."""
    for number in range(100):
        pair = replace(PAIR, pair_id=f"{start}{number}")
        if (Sides.of(pair).a is PAIR.right) == swapped:
            return pair
    raise AssertionError


def kind_of(request: ChatRequest) -> str:
    text = asked(request)
    for kind, words in (
        ("link", "Decide whether"),
        ("qa", "Write one question"),
        ("dialogue", "Write a conversation"),
    ):
        if words in text:
            return kind
    return "expository"


def answers(request: ChatRequest, **changes: Any) -> Any:
    kind = kind_of(request)
    content = asked(request)
    swapped = content.index("Newcomen") > content.index("Water mills")
    body = BODY.translate(str.maketrans("AB", "BA")) if swapped else BODY
    body = body.replace("*B History", "*A History")
    if kind in changes:
        return changes[kind]
    if kind == "link":
        one, two = (RIVER, STEAM) if swapped else (STEAM, RIVER)
        return LINK | {"quote_a": one, "quote_b": two}
    if kind == "qa":
        return {"question": "What drives a steam pump, and what a water mill?", "answer": body}
    if kind == "dialogue":
        first, second, third, *rest = re.split(r"(?<=\]\.) ", body)
        turns = [f"{first} Is it known elsewhere?", f"Yes. {third}", second, " ".join(rest)]
        return {"turns": turns}
    return body


def test_a_linked_pair_gives_three_texts_in_two_batches() -> None:
    engine = ScriptedEngine(answers)
    pair = with_id("x", swapped=False)
    drafts = LLMAuthor(engine).bridge([pair])
    assert [len(batch) for batch in engine.batches] == [1, 3]
    assert [draft.kind for draft in drafts] == ["expository", "qa", "dialogue"]
    assert [draft.problems for draft in drafts] == [()] * 3
    for draft in drafts:
        assert "[A" not in draft.text
        assert "[B" not in draft.text
        assert "Engines of Old" in draft.text
        assert "A History of Mills" in draft.text
        assert draft.style == f"{draft.kind}-analogy"
        assert draft.mapping == (
            "The steam (Engines of Old) corresponds to the river (A History of Mills), because "
            "each drives a machine."
        )
        assert "water" in draft.concepts
    expository, qa, dialogue = drafts
    assert [m.role for m in expository.messages] == ["user", "assistant"]
    assert expository.messages[1].content == expository.text
    assert "the steam" in expository.messages[0].content
    assert qa.instruction == "What drives a steam pump, and what a water mill?"
    assert qa.text == f"{qa.instruction}\n\n{qa.response}"
    assert dialogue.speakers == ("Physicist", "Historian") * 2
    assert [m.role for m in dialogue.messages] == ["system", *("user", "assistant") * 2]
    assert len({draft.origin.prompt_sha256 for draft in drafts}) == 3


def test_swapped_sides_keep_titles_and_speakers_right() -> None:
    engine = ScriptedEngine(answers)
    drafts = LLMAuthor(engine).bridge([with_id("y", swapped=True)])
    assert asked(engine.batches[0][0]).index("Water mills") < asked(engine.batches[0][0]).index(
        "Newcomen"
    )
    assert drafts[0].mapping.startswith("The steam (A History of Mills)")
    assert drafts[2].speakers[:2] == ("Historian", "Physicist")


def test_no_link_rejects_all_texts_and_sends_none() -> None:
    engine = ScriptedEngine(
        lambda r: answers(r, link=NO_LINK) if "1799" in asked(r) else answers(r)
    )
    lone = replace(PAIR, pair_id="lone", left=replace(PUMP, text=PUMP.text.replace("1712", "1799")))
    linked = with_id("z", swapped=False)
    drafts = LLMAuthor(engine).bridge([lone, linked, lone])
    assert [draft.pair_id for draft in drafts] == ["lone"] * 3 + [linked.pair_id] * 3 + ["lone"] * 3
    assert {draft.problems for draft in drafts[:3]} == {("the model sees no meaningful link",)}
    assert [draft.kind for draft in drafts[:3]] == ["expository", "qa", "dialogue"]
    assert '"none"' in drafts[0].origin.raw
    assert [len(batch) for batch in engine.batches] == [3, 3]


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ({"relation": "none"}, "the model sees no meaningful link"),
        ({"meaningful": False}, "the model sees no meaningful link"),
        (
            {"quote_b": "The wheel was invented on the planet Mars"},
            "The words that the link rests on do not stand in the passage",
        ),
        ({"quote_a": RIVER}, "The words that the link rests on do not stand in the passage"),
        (
            {"because": " "},
            "The link is said to be meaningful, but not what corresponds to what",
        ),
        ({"in_a": "word " * 20}, "The things that correspond are not named in a few words"),
        ({"relation": "friendship"}, "the answer has not the form asked for"),
    ],
)
def test_links_that_show_nothing_are_none(link: dict, problem: str) -> None:
    stated = LINK | {"quote_a": STEAM.upper(), "quote_b": f"“{RIVER}…”"}
    engine = ScriptedEngine(lambda r: answers(r, link=stated | link))
    drafts = LLMAuthor(engine, TWO).bridge([with_id("q", swapped=False)])
    assert {draft.problems for draft in drafts} == {(problem,)}
    assert all(draft.text == "" for draft in drafts)
    fine = ScriptedEngine(lambda r: answers(r, link=stated))
    assert LLMAuthor(fine, TWO).bridge([with_id("q", swapped=False)])[0].problems == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (BODY.replace("[B]", "[A]").replace("[A, B]", "[A]").replace("[A][B]", "[A]"), "Only one"),
        (BODY.replace(" [A].", ".").replace(" [B].", "."), "Too many sentences lack"),
        (BODY.replace("*A History of Mills*", "the other book"), "A book is not called"),
        (BODY.replace("In *Engines", "Passage A says: in *Engines"), "The text speaks of passage"),
        (BODY.replace("a wheel", "a wheel of 1850"), "numbers that the passage lacks"),
        (BODY.replace("a river turns", "the river Danube turns"), "names that the passage lacks"),
        (BODY.removesuffix("water [A, B]."), "does not end with a complete sentence"),
    ],
)
def test_wrong_texts_are_asked_for_again_alone(body: str, problem: str) -> None:
    engine = ScriptedEngine(
        lambda r: answers(r) if len(r.messages) > 2 else answers(r, expository=body)
    )
    drafts = LLMAuthor(engine, TWO).bridge([with_id("x", swapped=False)])
    assert [len(batch) for batch in engine.batches] == [1, 3, 1]
    assert problem in engine.batches[2][0].messages[-1].content
    assert [draft.problems for draft in drafts] == [()] * 3
    stubborn = ScriptedEngine(lambda r: answers(r, expository=body))
    draft = LLMAuthor(stubborn, TWO).bridge([with_id("x", swapped=False)])[0]
    if problem in ("Only one", "A book is not called", "The text speaks of passage"):
        assert problem in draft.problems[0]
        assert draft.text == ""
    else:  # the gates' to judge
        assert draft.problems == ()
        assert draft.text == read_marks(body).text
    assert draft.origin.raw == body
    assert draft.mapping


def test_questions_and_turns_have_a_form() -> None:
    labelled = {"question": "What drives the pump of passage A?", "answer": BODY}
    named = {
        "turns": [
            f"Physicist: {BODY}",
            "Historian: Is that so?",
            "Physicist: It is [A].",
            "**Historian**: *A History of Mills* has another wheel [B].",
        ]
    }
    engine = ScriptedEngine(lambda r: answers(r, qa=labelled, dialogue=named))
    _, qa, dialogue = LLMAuthor(engine, TWO).bridge([with_id("x", swapped=False)])
    assert qa.problems == ("The question is not fit to be put alone",)
    assert dialogue.problems == ()
    assert dialogue.messages[2].content == "Is that so?"
    odd = ScriptedEngine(lambda r: answers(r, dialogue={"turns": [BODY, BODY, BODY]}))
    assert LLMAuthor(odd, TWO).bridge([PAIR])[2].problems == (
        "The conversation has not four or six turns",
    )


def test_variants_of_a_kind_are_used_in_turn(tmp_path: Path) -> None:
    (tmp_path / "bridge").mkdir()
    (tmp_path / "bridge/expository-faq.md.j2").write_text("## user\nFAQ {{ a.text }} {{ b.text }}")
    engine = ScriptedEngine(answers)
    author = LLMAuthor(engine, LLMOptions(prompts_dir=tmp_path))
    pairs = [replace(PAIR, pair_id=f"v{number}") for number in range(40)]
    drafts = author.bridge(pairs)
    styles = pl.Series([d.style for d in drafts if d.kind == "expository"]).value_counts()
    assert set(styles.to_series(0)) == {"expository-analogy", "expository-faq-analogy"}
    assert min(styles["count"]) >= 8


def test_verbatim_quotations_are_listed() -> None:
    quoted = BODY.replace("a river turns a wheel", "“A river turned the wheel” is what drives it")
    engine = ScriptedEngine(lambda r: answers(r, expository=quoted))
    draft = LLMAuthor(engine).bridge([with_id("x", swapped=False)])[0]
    assert [(quote.chunk_id, quote.text) for quote in draft.quotes] == [
        (MILL.chunk_id, "A river turned the wheel")
    ]
    assert draft.quotes[0].title == "A History of Mills"
