"""What models put around, into and instead of the JSON that was asked for."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from xpoll_dagster.writing.completion import CompletionOptions
from xpoll_dagster.writing.completion.parsing import parse_json, without_thoughts

OPTIONS = CompletionOptions()


class QA(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: str
    answer: str


class Several(BaseModel):
    items: list[QA]


GOOD = '{"question": "Who?", "answer": "A {curly} \\"one\\"."}'
VALUE = QA(question="Who?", answer='A {curly} "one".')


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n\n{GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\nI hope that this helps!",
        f"Sure! Here is the JSON you asked for:\n\n{GOOD}",
        f"Using the form {{question, answer}}: {GOOD}",
        f"<think>Perhaps {{'question': 1}} or\n{{}}?</think>\n{GOOD}",
        f"The template opened the thinking, it only ends here.</think>{GOOD}",
        f"<reasoning>Hm.</reasoning>```json\n{GOOD}```",
        f'{{"result": {GOOD}}}',
        f"[{GOOD}]",
        f'The schema is {{"properties": {{"question": {{"type": "string"}}}}}}. {GOOD}',
        f"{GOOD}\nUser: another one please\n" + GOOD.replace("Who", "Why"),
    ],
)
def test_what_stands_around_the_object_is_taken_off(text: str) -> None:
    parsed = parse_json(text, QA, OPTIONS)
    assert parsed.value == VALUE
    assert not parsed.repaired


@pytest.mark.parametrize(
    "text",
    [
        "{'question': 'Who?', 'answer': 'One.'}",
        '{"question": "Who?", "answer": "One.",}',
        '{question: "Who?", answer: "One."}',
        '{"question": "Who?" "answer": "One."}',
        '{"question": "Who?", "answer": "One."',
        '```json\n{"question": "Who?", "answer": "One."\n```',
        'Here: {"question": "Who?",\n// the answer\n"answer": "One."}',
    ],
)
def test_broken_json_is_mended_and_marked(text: str) -> None:
    parsed = parse_json(text, QA, OPTIONS)
    assert parsed.value == QA(question="Who?", answer="One.")
    assert parsed.repaired
    assert parse_json(text, QA, CompletionOptions(repair=False)).problem


def test_a_broken_list_keeps_its_items() -> None:
    text = '{"items": [{"question": "a?", "answer": "b"}, {"question": "c?", "answer": "d"}'
    parsed = parse_json(text, Several, OPTIONS)
    assert parsed.value is not None
    assert [item.question for item in parsed.value.items] == ["a?", "c?"]


def test_a_cut_answer_is_not_closed_as_if_it_were_whole() -> None:
    cut = '{"question": "Who?", "answer": "The first of the'
    assert parse_json(cut, QA, OPTIONS, finished=False).value is None
    assert parse_json(f"{GOOD}\n\n\n\n", QA, OPTIONS, finished=False).value == VALUE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("<think>I never stop", "is empty"),
        ("I cannot help with that.", "holds no JSON object"),
        ("[1, 2]", "does not fit"),
        ('{"question": "Who?"}', "answer: Field required"),
        ('{"question": "Who?", "answer": 3}', "answer: Input should be a valid string"),
        ('{"question": "Who?", "answer": "a", "more": 1}', "more: Extra inputs"),
        ("{" * 9000, "not valid JSON"),
        ('{"a":' * 9000, "not valid JSON"),
        ("{" + "x" * 30_000, "too long to be mended"),
        ("x" * 200_000, "too long to be read: 200000"),
    ],
)
def test_what_cannot_be_used_is_named_in_time(text: str, problem: str) -> None:
    began = time.process_time()
    parsed = parse_json(text, QA, OPTIONS)
    assert parsed.value is None
    assert problem in parsed.problem
    assert len(parsed.problem) <= 600
    assert time.process_time() - began < 5


def test_wrong_values_are_not_repeated_in_the_reason() -> None:
    parsed = parse_json(json.dumps({"question": ["secret"] * 50, "answer": "a"}), QA, OPTIONS)
    assert "secret" not in parsed.problem


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    parsed = parse_json(text, QA, OPTIONS)
    assert (parsed.value is None) == bool(parsed.problem)


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
)
def test_every_well_formed_answer_is_read_as_it_is(question: str, answer: str) -> None:
    qa = QA(question=question, answer=answer)
    assert parse_json(f"```json\n{qa.model_dump_json(indent=1)}\n```", QA, OPTIONS).value == qa


def test_thoughts_are_taken_off_plain_text() -> None:
    assert without_thoughts("<think>a</think> b <b>c</b>") == "b <b>c</b>"
    assert without_thoughts("a</think>\n\nb") == "b"
    assert without_thoughts("<think>a") == ""
    assert without_thoughts(" Plain. ") == "Plain."
