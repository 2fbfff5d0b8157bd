"""Questions that stand alone, answers that are spans, and duplicates."""

from __future__ import annotations

import pytest

from xpoll_dagster.writing.gate_options import GateOptions, QuestionGateOptions
from xpoll_dagster.writing.gates.answers import Passages, is_inside, says_something
from xpoll_dagster.writing.gates.duplicates import find_duplicates
from xpoll_dagster.writing.gates.paraphrase import Nearness
from xpoll_dagster.writing.gates.question import judge_question
from xpoll_dagster.writing.gates.standing_alone import leaning
from xpoll_dagster.writing.model import Origin, Question

PASSAGE = (
    "In 1693 Edmond Halley drew up life tables from the registers of Breslau. The open sea "
    "between Samoa and New Zealand was searched for ll8 days, and three ships were lost there."
)


def rejected(question: str, answer: str, **known: object) -> set[str]:
    passages = Passages([PASSAGE])
    verdict = judge_question(
        Question("c", question, answer, origin=Origin("llm", "m")),
        PASSAGE,
        GateOptions(),
        is_span=passages.holds(0, answer),
        **known,  # pyright: ignore[reportArgumentType]
    )
    return set(verdict.rejected_by)


def test_a_good_one_passes():
    assert rejected("From which registers did Halley draw up life tables?", "Breslau") == set()
    assert rejected("How many days was the sea near Samoa searched?", "118 days") == set()


@pytest.mark.parametrize(
    ("question", "answer", "gate"),
    [
        ("Who drew up life tables in 1693", "Edmond Halley", "does not end as a question"),
        ("Who was he?", "Edmond Halley", "too short"),
        ("Who drew up life tables in 1693?", "", "no answer"),
        ("Who drew up life tables in 1693?", "Not mentioned in the passage.", "no answer"),
        ("What was there in the registers?", "anything", "no answer"),
        ("Did Edmond Halley draw tables?", "Edmond Halley", "answer stands in the question"),
        ("Who drew up life tables in 1693?", "Isaac Newton",
         "answer is neither a span of the passage nor entailed by it"),
        ("Who drew up life tables in 1693?",
         "Edmond Halley, because the passage says that he drew them, so the answer is him.",
         "answer holds reasoning"),
        ("Was it so that the open sea between Samoa and New Zealand was searched for ll8 days?",
         "yes", "no answer"),
        ("In 1693 Edmond Halley drew up life tables from the registers of?", "Breslau",
         "copied from the passage"),
        ("I'm sorry, could you please provide the text of the passage?", "Breslau",
         "refuses, or talks about its task"),
        ("According to the text, who drew up life tables?", "Edmond Halley",
         "question does not stand alone"),
    ],
)  # fmt: skip
def test_each_gate_can_fail(question: str, answer: str, gate: str):
    assert gate in rejected(question, answer)


@pytest.mark.parametrize(
    "question",
    [
        "What does the text say of life tables?",
        "What is shown in figure 3 of the voyage?",
        "What type of propulsion is discussed in this section?",
        "What year was the document approved by the Evaluation Team?",
        "What is the main idea of this chapter?",
        "It was drawn up by which astronomer?",
        "What did he discover about comets?",
        "Why was it built in London?",
        "How did they travel to Breslau?",
        "What does the author say about annuities?",
        "Which result did this experiment yield for gases?",
        "What was the purpose of the experiment?",
        "What was the pressure given in table 4-II?",
        "What is the value mentioned above for the tank?",
        "What is the page number of the list of annuities?",
        "Based on the passage, how long did the pump run?",
    ],
)
def test_leaning_questions(question: str):
    assert leaning(question)


@pytest.mark.parametrize(
    "question",
    [
        "What was the power source of the three entry batteries?",
        "How long did it take for oxygen tank 1 to be depleted?",
        "Why is it important to balance a pump?",
        "How did the crew know that they were safe?",
        "When was the report titled “Trajectory Analysis” published?",
        "What is the difference between an annuity and a tontine?",
        "Which element comes first in the table of the elements?",
        "Who is the author of the Principia?",
        "What became of those who sailed to Samoa?",
        "Where did Halley live in 1693?",
    ],
)
def test_questions_that_stand_alone(question: str):
    assert leaning(question) == ""


def test_a_place_in_the_book_is_no_answer():
    assert leaning("Where are the anomalies of the valve discussed?", "section 14.1.8")
    assert leaning("Where are the anomalies of the valve discussed?", "in London") == ""


def test_entailed_answers_and_ranks():
    wrong = "answer is neither a span of the passage nor entailed by it"
    question = "What happened to the three vessels near Samoa?"
    assert rejected(question, "They sank") == {wrong}
    assert rejected(question, "They sank", entailment=0.9) == set()
    assert rejected(question, "They sank", entailment=0.1) == {wrong}
    known = "From which registers did Halley draw up life tables?"
    assert rejected(known, "Breslau", nearness=Nearness(word_rank=51)) == {
        "does not find its chunk"
    }
    common = {"answer_chunks": 4, "nearness": Nearness(word_rank=21)}
    assert rejected(known, "Breslau", **common) == {
        "common answer, and does not find its chunk well"
    }
    assert rejected(known, "Breslau", answer_chunks=4, nearness=Nearness(word_rank=20)) == set()


def test_spans():
    passages = Passages([PASSAGE, "Breslau is a town. It had 118 gates.", ""])
    assert passages.having("Breslau") == [0, 1]
    assert passages.having("118") == [0, 1]
    assert passages.having("The open sea between Samoa and New Zealand") == [0]
    assert passages.having("approximately 118 days") == [0]
    assert passages.having("3 ships") == [0]
    assert passages.having("resla") == []
    assert passages.having("") == []
    assert passages.holds(0, "OpenSea")
    assert not passages.holds(2, "Breslau")
    assert is_inside("tank 2", "What was lost in tank 2?")
    assert not is_inside("tank 3", "What was lost in tank 2?")
    assert says_something("5")
    assert not says_something("of the")


def test_duplicates():
    questions = [
        "When did Halley draw up the life tables?",
        "When did Halley draw up life tables?",
        "Which ship did Apollo 12 use for recovery?",
        "Which ship did Apollo 13 use for recovery?",
        "Who sent the registers to London?",
    ]
    answers = ["1693", "in 1693", "Hornet", "Iwo Jima", "Neumann"]
    options = QuestionGateOptions()
    assert find_duplicates(questions, answers, [0.0] * 5, options) == [None, 0, None, None, None]
    assert find_duplicates(questions, answers, [0, 1, 0, 0, 0], options) == [1, *[None] * 4]
    assert find_duplicates([], [], [], options) == []
