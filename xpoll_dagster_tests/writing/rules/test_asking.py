"""Questions by rules: their form, their answers, what is not asked."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.writing.model import Question
from xpoll_dagster.writing.rules import RulesAuthor
from xpoll_dagster.writing.rules.asking.asker import kinds_of, learn_spelling, propose
from xpoll_dagster.writing.rules.asking.candidate import Candidate, Context, Spelling
from xpoll_dagster.writing.rules.asking.screening import question_fault
from xpoll_dagster_tests.writing.rules.chunks import NOWHERE, book, chunk, needs_wordnet

pytestmark = needs_wordnet
SALAD = """
    the a crane was were is of in by 1921 because which , ; . ( ) “ ” not water had closed to
    when it keeper Newton 14 feet about and sluice gates raised
"""


@pytest.fixture(scope="module")
def asked():
    return RulesAuthor().ask(book(), 6)


@pytest.mark.parametrize(
    ("template", "question", "answer"),
    [
        ("year", "In what year was the harbour crane repaired by the dock company?",
         "1921"),
        ("definition", "what is a sluice?",
         "a gate that controls the flow of water in a channel"),
        ("manner", "How was heavy timber unloaded?", "by lowering a chain from the gantry"),
        ("composition", "what did the loading gantry consist of?",
         "two iron towers and a wooden beam"),
        ("clock", "At what time was the upper sluice closed because of the rising tide?",
         "6:30 p.m."),
        ("frequency", "How often were the lanterns cleaned", None),
        ("acronym", "What does the abbreviation LG stand for?", "Lamplighters Guild"),
        ("who did", "who discovered the first complete plesiosaur", "Mary Anning"),
        ("event time", "When were the smaller bones lost?", "when the cellar flooded"),
        ("finding", "After the storm, what did the night keeper report?",
         "the oak doors had split"),
    ],
)  # fmt: skip
def test_each_rule_turns_its_sentence_into_a_question(
    template: str, question: str, answer: str | None
):
    chunks = book()
    spelling = learn_spelling([one.passage.text for one in chunks])
    lexicon = RulesAuthor().lexicon
    found = [
        (one.question, one.answer)
        for each in chunks
        for one in propose(
            each, Context(lexicon, spelling, 5, kinds_of(each.passage.mentions)), len(chunks)
        )
        if one.template == template
    ]
    if answer is None:  # "the lanterns" may be any: nothing is asked about them
        assert not any(question in asked for asked, _ in found)
        return
    assert any(asked.startswith(question) and given == answer for asked, given in found), found


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("The keeper of the harbour, the clerk, and the mason of the lower town suffered heavy "
         "losses of grain in the flood.", "did the mason"),
        ("The rescue divers stated the oak beam near the gate and hinges was very loose to "
         "touch, and a study of the wood showed rot.", "divers state"),
        ("Harbour trials indicate a reduction of the toll from 40 to 30 crowns is possible.",
         "trials indicate?"),
        ("The northern lock was opened a few hours after the flood had left the lower town.",
         "few hours?"),
        ("The upper gate was moved by slowly turning the iron wheel using a rod of steel.",
         "How was the upper gate moved by"),
    ],
)  # fmt: skip
def test_half_of_a_phrase_is_not_asked_about(sentence: str, wrong: str):
    one = chunk(0, sentence)
    context = Context(RulesAuthor().lexicon, learn_spelling([sentence]), 5, {})
    assert not [found for found in propose(one, context, 1) if wrong in found.question]


def test_a_question_after_an_opening_goes_on_in_lower_case():
    text = "At sunrise, the water in the lower basin of the harbour was 14 feet at the gate."
    (one,) = RulesAuthor().ask([chunk(0, text)], 1)
    assert one.question.startswith("At sunrise, what was the water")


def test_answers_are_spans_and_do_not_stand_in_the_question(asked: list[Question]):
    texts = {one.passage.chunk_id: " ".join(one.passage.text.split()) for one in book()}
    assert sum(not one.problems for one in asked) > 5
    for one in asked:
        if one.problems:
            continue
        assert one.answer in texts[one.chunk_id]
        assert one.answer.lower() not in one.question.lower()
        assert one.question.endswith("?")
        assert one.question[0].isupper() or one.question[0].isdigit()
        assert 0 < one.score <= 1
        assert one.template
        assert len(one.origin.prompt_sha256) == 64


def test_nothing_is_asked_that_points_elsewhere():
    texts = [
        "It was repaired in 1921 by the company. This was the reason. Such doors are heavy.",
        "These results are shown in Figure 3 on page 12 of the report. See Table 4 for the rest.",
        "If the door is closed, the water rises to 14 feet. He said that they had left it there.",
    ]
    asked = RulesAuthor().ask([chunk(n, text) for n, text in enumerate(texts)], 5)
    assert len(asked) == 3
    assert all(one.problems and not one.question for one in asked)


def test_one_chunk_gives_up_to_n_and_the_order_is_the_batchs():
    chunks = book()
    asked = RulesAuthor().ask(chunks, 1)
    assert [one.chunk_id for one in asked] == [one.passage.chunk_id for one in chunks]
    assert RulesAuthor().ask([], 3) == []


def test_the_same_batch_gives_the_same_questions(asked: list[Question]):
    assert RulesAuthor().ask(book(), 6) == asked


def test_a_chunk_asks_about_no_sentence_twice_and_a_gap_only_alone(asked: list[Question]):
    by_chunk: dict[str, list[Question]] = {}
    for one in asked:
        by_chunk.setdefault(one.chunk_id, []).append(one)
    for questions in by_chunk.values():
        gaps = [one for one in questions if one.template == "gap"]
        assert not gaps or len(questions) == 1
        assert len({one.answer.lower() for one in questions}) == len(questions)


def test_misread_digits_are_mended_in_questions_and_never_answers():
    text = "The tank of the Apollo l3 craft was filled at the northern depot in 1969."
    (one,) = RulesAuthor().ask([chunk(0, text)], 1)
    assert "13" in one.question
    assert one.answer in text


def test_without_wordnet_what_cannot_be_asked_says_why():
    asked = RulesAuthor(rules=NOWHERE).ask(
        [chunk(0, "Boats rot. The keeper slept badly there.")], 2
    )
    assert any("WordNet is not installed" in problem for problem in asked[0].problems)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=200), max_size=4))
def test_any_text_gives_questions_with_spans_or_a_reason(texts: list[str]):
    chunks = [chunk(number, text) for number, text in enumerate(texts)]
    for one in RulesAuthor().ask(chunks, 2):
        text = texts[int(one.chunk_id.rsplit(":", 1)[1])]
        assert one.problems or one.answer in " ".join(text.split())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SALAD.split()), min_size=6, max_size=40))
def test_word_salad_never_breaks_the_grammar(words: list[str]):
    text = " ".join(words).capitalize() + "."
    for one in RulesAuthor().ask([chunk(0, text)], 3):
        assert one.problems or one.answer in " ".join(text.split())


def test_faults_of_questions_are_named():
    context = Context(RulesAuthor().lexicon, Spelling())
    cases = {
        "points outside itself": ("When was this harbour crane repaired?", "in 1921"),
        "points to a place in the book": ("What does table 4 of the harbour book show?", "cranes"),
        "gives the answer away": (
            "What did the iron crane of the harbour carry?",
            "the iron crane",
        ),
        "is negated": ("Why was the harbour crane never repaired?", "because of rust"),
    }
    for fault, (question, answer) in cases.items():
        assert question_fault(Candidate("what did", question, answer), context) == fault


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        ("When was the harbour crane repaired?", "two hours later", "points outside itself"),
        ("After the storm, when was the harbour crane repaired?", "two hours later", ""),
        (
            "When was the harbour crane used for coal?",
            "until the storm",
            "asks when and answers how long",
        ),
        ("Until when was the harbour crane used for coal?", "until the storm", ""),
        (
            "Which harbour cranes received and the long resulting delays?",
            "the iron ones",
            "is no sentence",
        ),
        ("How was the harbour crane lifted and then?", "by iron chains", "is cut short"),
    ],
)
def test_faults_of_times_and_of_cut_sentences(question: str, answer: str, fault: str):
    context = Context(RulesAuthor().lexicon, Spelling())
    assert question_fault(Candidate("event time", question, answer), context) == fault


def _library() -> Path:
    given = os.environ.get("XPOLL_TEST_LIBRARY")
    if given:
        return Path(given)
    return Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.mark.slow
def test_many_chunks_without_concepts_of_a_real_report_get_a_question():
    path = _library() / "library" / "spaceflight" / "apollo-13-mission-report.md"
    if not path.is_file():
        pytest.skip(f"the test library is not at {path}")
    texts = [part for part in path.read_text("utf-8").split("\n\n") if len(part.split()) > 60]
    chunks = [chunk(number, text) for number, text in enumerate(texts)]
    asked = [one for one in RulesAuthor().ask(chunks, 2) if not one.problems]
    assert len({one.chunk_id for one in asked}) > 0.4 * len(chunks)
    by_template = pl.Series([one.template for one in asked]).value_counts(sort=True)
    assert by_template["count"][0] < 0.35 * len(asked)
