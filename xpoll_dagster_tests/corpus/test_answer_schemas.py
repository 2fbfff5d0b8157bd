"""Schemas of public sets that compare answers, ask on passages or set tasks, in made-up rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster_tests.corpus.adapted import adapt_file, write_lines

ASKED = [{"role": "user", "content": "Hi?"}]
GOOD = [*ASKED, {"role": "assistant", "content": "Hello."}]
BAD = [*ASKED, {"role": "assistant", "content": "Go."}]

PAIRS = {
    "safe_pair": {
        "prompt": "Hi?",
        "response_0": "Go.",
        "response_1": "Hello.",
        "is_response_0_safe": True,
        "is_response_1_safe": True,
        "better_response_id": 1,
        "safer_response_id": 0,
    },
    "scored_pair": {
        "question": {"full_text": "Hi?", "id": "1"},
        "answer_0": "Go.",
        "answer_1": "Hello.",
        "score_0": -0.5,
        "score_1": 0.5,
    },
    "arena": {"conversation_a": BAD, "conversation_b": GOOD, "winner": "model_b"},
    "helpsteer3": {
        "context": ASKED,
        "response1": "Hello.",
        "response2": "Go.",
        "overall_preference": -2,
    },
    "forum_answers": {
        "question": "<p>Hi?</p>",
        "answers": [
            {"text": "<p>Go.</p>", "pm_score": 1, "selected": False},
            {"text": "<p>Hello.</p>", "pm_score": 1, "selected": True},
        ],
    },
    "nectar": {
        "prompt": "\n\nHuman: Hi? \n\nAssistant: ",
        "answers": [{"answer": "Go.", "rank": 7.0}, {"answer": "Hello.", "rank": 1.0}],
    },
    "prompt_chosen_rejected": {"question": "Hi?", "response_j": "Hello.", "response_k": "Go."},
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_better_answer_is_the_row_and_the_worse_the_rejected(name: str, tmp_path: Path) -> None:
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [PAIRS[name]]))
    assert done.adapters == {name: 1}
    assert [(row["instruction"], row["output"]) for row in done.rows] == [("Hi?", "Hello.")]
    assert [(pair["chosen"], pair["rejected"]) for pair in done.preferences] == [("Hello.", "Go.")]
    assert done.preferences[0]["prompt"] == ASKED


@pytest.mark.parametrize(
    ("name", "change", "answers", "pairs", "reasons"),
    [
        ("safe_pair", {"is_response_1_safe": False}, ["Go."], 1, []),
        (
            "safe_pair",
            {"is_response_0_safe": False, "is_response_1_safe": False},
            [],
            0,
            ["the source marks both answers as unsafe"],
        ),
        (
            "safe_pair",
            {"better_response_id": 2},
            [],
            0,
            ["better_response_id is neither 0 nor 1"],
        ),
        ("scored_pair", {"score_1": -0.5}, ["Go."], 0, []),
        ("scored_pair", {"score_1": "x"}, [], 0, ["score_1 is a text, not a number"]),
        ("arena", {"winner": "tie"}, [], 0, ["neither answer won"]),
        ("helpsteer3", {"overall_preference": 0}, ["Hello."], 0, []),
        ("helpsteer3", {"overall_preference": 1}, ["Go."], 1, []),
        ("nectar", {"answers": [{"answer": "Hello.", "rank": 1}]}, ["Hello."], 0, []),
    ],
)
def test_marks_that_tell_nothing_or_warn(
    name: str,
    change: dict[str, Any],
    answers: list[str],
    pairs: int,
    reasons: list[str],
    tmp_path: Path,
) -> None:
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [{**PAIRS[name], **change}]))
    assert [row["output"] for row in done.rows] == answers
    assert len(done.preferences) == pairs
    assert done.reasons == reasons


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "Hi?", "response": "Go.", "is_safe": False}, "unsafe"),
        ({"question": "Hi?", "generated_solution": "5", "is_correct": False}, "wrong"),
    ],
)
def test_answers_that_the_source_marks_as_bad_are_out(
    row: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    good = {name: True if value is False else value for name, value in row.items()}
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [row, good]))
    assert done.adapters == {"marked_answer": 1}
    assert len(done.rows) == 1
    assert done.reasons == [f"the source marks the answer as {reason}"]


def test_a_forum_page_keeps_its_paragraphs_and_code(tmp_path: Path) -> None:
    page = "<p>Try <em>this</em>:</p><pre><code>a &lt; b\n</code></pre><p>Done.</p>"
    row = {"question": "Why is a < b?", "answers": [{"text": page, "pm_score": 3}]}
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [row]))
    assert done.rows[0]["instruction"] == "Why is a < b?"
    assert done.rows[0]["output"] == "Try this:\n\na < b\n\n\nDone."


TASKS = {
    "flan": ({"inputs": "Hi?", "targets": "Hello.", "task": "x"}, "inputs_targets", ""),
    "p3": (
        {
            "inputs": [1],
            "inputs_pretokenized": "Hi?",
            "targets": [2],
            "targets_pretokenized": "Hello.",
        },
        "inputs_targets",
        "",
    ),
    "firefly": ({"kind": "NLI", "input": "Hi?", "target": "Hello."}, "inputs_targets", ""),
    "natural_instructions": (
        {"definition": "Hi?", "inputs": "One.", "targets": "Hello."},
        "inputs_targets",
        "One.",
    ),
    "natural_instructions_task": (
        {"Definition": ["Hi?"], "Instances": [{"input": "One.", "output": ["Hello."]}]},
        "self_instruct",
        "One.",
    ),
    "drop": (
        {"passage": "One.", "question": "Hi?", "answers_spans": {"spans": ["Hello.", "Hello."]}},
        "drop",
        "One.",
    ),
    "hotpot": (
        {
            "question": "Hi?",
            "answer": "Hello.",
            "supporting_facts": {"title": ["T"]},
            "context": {"title": ["T", "U"], "sentences": [["A.", " B."], ["C."]]},
        },
        "hotpot",
        "T: A. B.\n\nU: C.",
    ),
    "hotpot_as_published": (
        {
            "question": "Hi?",
            "answer": "Hello.",
            "supporting_facts": [["T", 0]],
            "context": [["T", ["A."]]],
        },
        "hotpot",
        "T: A.",
    ),
    "narrative_qa": (
        {
            "document": {"id": "1", "summary": {"text": "One."}, "text": "Long."},
            "question": {"text": "Hi?"},
            "answers": [{"text": "Hello."}, {"text": "Hey."}],
        },
        "narrative_qa",
        "One.",
    ),
    "worked_solution": ({"problem": "Hi?", "answer": "4", "solution": "Hello."}, "alpaca", ""),
    "numbered_speakers": (
        {
            "dialog": [
                {"speaker": "0_Apprentice", "text": "Hi?"},
                {"speaker": "1_Wizard", "text": "Hello."},
            ]
        },
        "messages",
        "",
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_tasks_and_passages_are_recognised(name: str, tmp_path: Path) -> None:
    row, adapter, given = TASKS[name]
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [row]))
    assert done.adapters == {adapter: 1}
    read = [(one["instruction"], one["input"], one["output"]) for one in done.rows]
    assert read == [("Hi?", given, "Hello.")]


@pytest.mark.parametrize(
    ("texts", "of"),
    [("document", "summary"), ("article", "highlights"), ("Full-Document", "Abstract")],
)
def test_summaries_are_asked_for(texts: str, of: str, tmp_path: Path) -> None:
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [{texts: "Long.", of: "Short."}]))
    assert done.adapters == {"summary": 1}
    assert (done.rows[0]["input"], done.rows[0]["output"]) == ("Long.", "Short.")


def test_stories_of_source_and_target_are_no_other_task(tmp_path: Path) -> None:
    rows = [
        {"source": "[ WP ] You wake up .", "target": "I woke up ."},
        {"source": "Guten Tag", "target": "Good day"},
    ]
    for row, adapter in zip(rows, ("writing_prompts", "inputs_targets"), strict=True):
        done = adapt_file(write_lines(tmp_path / "rows.jsonl", [row]))
        assert done.adapters == {adapter: 1}


@pytest.mark.parametrize(
    "row",
    [
        {
            "story": "One.",
            "questions": ["A?", "B?"],
            "answers": {"input_text": ["Yes.", "unknown"], "answer_start": [0, -1]},
        },
        {
            "context": "One. CANNOTANSWER",
            "questions": ["A?", "B?"],
            "answers": {"texts": [["Yes.", "No."], ["CANNOTANSWER"]]},
        },
        {
            "story": "One.",
            "questions": [{"input_text": "A?"}, {"input_text": "B?"}],
            "answers": [{"input_text": "Yes."}, {"input_text": "unknown"}],
        },
    ],
)
def test_questions_that_follow_each_other_are_a_conversation(
    row: dict[str, Any], tmp_path: Path
) -> None:
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [row]), unanswerable="It is not said.")
    assert done.adapters == {"conversational_qa": 1}
    said = [turn["content"] for turn in done.rows[0]["messages"]]
    assert said == ["One.\n\nA?", "Yes.", "B?", "It is not said."]
    short = {**row, "questions": row["questions"][:1]}
    done = adapt_file(write_lines(tmp_path / "rows.jsonl", [short]))
    assert done.reasons == ["there are not as many answers as questions"]


def test_an_object_with_two_lists_of_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "task.json"
    held = {
        "Definition": ["Say it."],
        "Positive Examples": [{"input": "a", "output": "b"}],
        "Note": {"x": [1]},
        "Instances": [{"input": "c", "output": ["d"]}],
    }
    path.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(SourceError, match="two lists of rows, Positive Examples and Instances"):
        adapt_file(path)
    path.write_text(json.dumps({"a": 1, "rows": [{"input": "a", "output": "b"}], "b": [1], "c": 2}))
    assert len(adapt_file(path).rows) == 1
