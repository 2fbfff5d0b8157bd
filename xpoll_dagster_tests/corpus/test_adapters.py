from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.corpus.adapters import ADAPTERS
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster_tests.corpus.adapted import adapt_file, write_lines

CHAT = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
FROM = [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Hello."}]
SCHEMAS = {
    # records, the adapter that reads them, instruction, output
    "alpaca": ({"instruction": "Hi?", "input": "", "output": "Hello."}, "alpaca"),
    "dolly": (
        {"instruction": "Hi?", "context": "", "response": "Hello.", "category": "open_qa"},
        "alpaca",
    ),
    "magicoder": ({"lang": "c", "index": 1, "problem": "Hi?", "solution": "Hello."}, "alpaca"),
    "openorca": (
        {"id": "1", "system_prompt": "Be", "question": "Hi?", "response": "Hello."},
        "question_answer",
    ),
    "counselling": ({"Context": "Hi?", "Response": "Hello."}, "question_answer"),
    "nq_open": ({"question": "Hi?", "answer": ["Hello.", "Hey."]}, "question_answer"),
    "prosocial": ({"context": "Hi?", "response": "Hello.", "rots": ["x"]}, "question_answer"),
    "ultrachat": ({"id": "1", "data": ["Hi?", "Hello.", "More?"]}, "ultrachat"),
    "ultrachat_200k": ({"prompt": "Hi?", "prompt_id": "1", "messages": CHAT}, "ultrachat"),
    "sharegpt": ({"id": "1", "conversations": FROM}, "sharegpt"),
    "lima": ({"conversations": ["Hi?", "Hello."], "source": "x"}, "sharegpt"),
    "wildchat": ({"conversation": CHAT, "model": "x"}, "messages"),
    "capybara": ({"conversation": [{"input": "Hi?", "output": "Hello."}]}, "messages"),
    "esconv": (
        {
            "dialog": [
                {"speaker": "seeker", "content": "Hi?"},
                {"speaker": "supporter", "content": "Hello."},
            ]
        },
        "messages",
    ),
    "parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi?"}]}, CHAT[1]]},
        "messages",
    ),
    "history": (
        {"instruction": "More?", "output": "No.", "history": [["Hi?", "Hello."]]},
        "alpaca_history",
    ),
    "transcript": (
        {"transcript": "\n\nHuman: Hi?\n\nAssistant: Hello.\n", "rating": 1.0},
        "transcript",
    ),
    "shp": ({"history": "Hi?", "human_ref_A": "Go.", "human_ref_B": "Hello.", "labels": 0}, "shp"),
    "ultrafeedback": (
        {
            "instruction": "Hi?",
            "completions": [
                {"response": "Go.", "overall_score": 2},
                {"response": "Hello.", "overall_score": 9},
            ],
        },
        "ultrafeedback",
    ),
    "binarised": (
        {
            "prompt": "Hi?",
            "chosen": CHAT,
            "rejected": [CHAT[0], {"role": "assistant", "content": "Go."}],
        },
        "prompt_chosen_rejected",
    ),
    "xlam": ({"query": "Hi?", "tools": "[{}]", "answers": "Hello."}, "function_calls"),
    "llama_text": ({"text": "<s>[INST] Hi? [/INST] Hello. </s>"}, "text"),
    "chatml": (
        {"text": "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>"},
        "text",
    ),
    "guanaco": ({"text": "### Human: Hi?### Assistant: Hello."}, "text"),
    "glaive": (
        {"system": "SYSTEM: Be", "chat": "USER: Hi?\n\n\nASSISTANT: Hello. <|endoftext|>"},
        "glaive",
    ),
    "squad_hub": (
        {
            "context": "c",
            "question": "Hi?",
            "answers": {"text": ["Hello.", "X", "Hello."], "answer_start": [1]},
        },
        "squad",
    ),
    "trivia_hub": (
        {"question": "Hi?", "answer": {"value": "HELLO.", "aliases": ["Hey", "Hello."]}},
        "triviaqa",
    ),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_auto_recognises_the_schema(tmp_path: Path, name: str):
    record, adapter = SCHEMAS[name]
    result = adapt_file(write_lines(tmp_path / "a.jsonl", [record, record]))
    assert result.adapters == {adapter: 2}
    assert result.reasons == []
    assert [(row["instruction"], row["output"]) for row in result.rows] == [("Hi?", "Hello.")] * 2


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_named_adapter_reads_the_same(tmp_path: Path, name: str):
    record, adapter = SCHEMAS[name]
    result = adapt_file(write_lines(tmp_path / "a.jsonl", [record]), adapter)
    assert [row["output"] for row in result.rows] == ["Hello."]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("bad", [None, 5, [], {}, [5], "x", [{"role": 5}], True, {"text": 7}])
def test_no_adapter_loses_or_crashes_on_values_of_any_type(
    tmp_path: Path, adapter: str, bad: object
):
    names = {name for one in ADAPTERS[adapter].columns for name in one.names}
    names |= {
        "paragraphs",
        "instances",
        "completions",
        "labels",
        "prompt",
        "chosen",
        "rejected",
        "Answer",
        "choices",
        "history",
        "turns",
        "data",
        "replies",
        "utterance",
        "transcript",
        "role",
        "text",
    }
    rows = [dict.fromkeys(names, bad), {name: bad for name in names if name > "m"}, {}]
    path = write_lines(tmp_path / "a.jsonl", rows)
    try:
        result = adapt_file(path, adapter)
    except SourceError as refused:
        told = str(refused)
        assert "has not the schema" in told
        return
    assert result.units >= 1  # `gather` checks that units are rows and rejected


def test_hh_keeps_the_conversation_and_the_preference(tmp_path: Path):
    start = "\n\nHuman: One?\n\nAssistant: Yes: one.\n\nHuman: And two?\n\nAssistant:"
    path = write_lines(
        tmp_path / "a.jsonl", [{"chosen": f"{start} Two, of course.", "rejected": f"{start} No."}]
    )
    result = adapt_file(path)
    (row,) = result.rows
    assert (row["instruction"], row["output"]) == ("One?", "Yes: one.")
    assert [turn["content"] for turn in row["messages"]] == [
        "One?",
        "Yes: one.",
        "And two?",
        "Two, of course.",
    ]
    (pair,) = result.preferences
    assert (pair["chosen"], pair["rejected"]) == ("Two, of course.", "No.")
    assert [turn["role"] for turn in pair["prompt"]] == ["user", "assistant", "user"]


def test_squad_nested(tmp_path: Path):
    path = tmp_path / "a.json"
    qas = [
        {
            "question": "Where?",
            "id": "1",
            "answers": [{"text": "here"}, {"text": "there"}, {"text": "there"}],
            "is_impossible": False,
        },
        {"question": "Who?", "id": "2", "answers": [], "is_impossible": True},
    ]
    path.write_text(
        json.dumps(
            {
                "version": "v2.0",
                "data": [{"title": "T", "paragraphs": [{"context": "It is there.", "qas": qas}]}],
            }
        )
    )
    result = adapt_file(path)
    assert [row["output"] for row in result.rows] == ["there", "The passage does not say."]
    assert result.rows[0]["input"] == "It is there."


def test_a_tree_gives_its_best_path(tmp_path: Path):
    def reply(
        text: str, role: str, rank: int | None, replies: Any = (), **more: Any
    ) -> dict[str, Any]:
        return {
            "text": text,
            "role": role,
            "rank": rank,
            "replies": list(replies),
            "message_id": text,
            **more,
        }

    prompt = reply(
        "Q",
        "prompter",
        None,
        [
            reply("bad", "assistant", 2, [reply("x", "prompter", 0)]),
            reply("gone", "assistant", 0, deleted=True),
            reply(
                "good",
                "assistant",
                1,
                [reply("Q2", "prompter", None, [reply("A2", "assistant", 0)])],
            ),
        ],
    )
    result = adapt_file(
        write_lines(tmp_path / "a.jsonl", [{"message_tree_id": "1", "prompt": prompt}])
    )
    assert [turn["content"] for turn in result.rows[0]["messages"]] == ["Q", "good", "Q2", "A2"]
    assert (result.preferences[0]["chosen"], result.preferences[0]["rejected"]) == ("good", "bad")


def test_conversations_cut_by_a_batch_stay_whole(tmp_path: Path):
    from xpoll_dagster.corpus.reading import ReadingOptions

    lines = ["conv_id,utterance_idx,context,prompt,speaker_idx,utterance"]
    for talk in range(20):
        lines += [
            f"{talk},{turn},sad,p,{turn % 2},said {talk}.{turn}_comma_ yes" for turn in range(1, 5)
        ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    result = adapt_file(path, reading=ReadingOptions(batch_rows=7))
    assert len(result.rows) == 20
    assert {len(row["messages"]) for row in result.rows} == {4}
    assert result.rows[3]["instruction"] == "said 3.1, yes"


def test_tool_calls_and_results_stay_in_the_conversation(tmp_path: Path):
    call = {"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "4"},
        {"role": "assistant", "content": "Cold."},
    ]
    path = write_lines(tmp_path / "a.jsonl", [{"messages": messages, "tools": [{"name": "f"}]}])
    (row,) = adapt_file(path).rows
    assert row["_category"] == "tool_use"
    assert '{"name": "f", "arguments": {"a": 1}}' in row["output"]
    assert '"name": "f"' in row["system"]
    assert [turn["role"] for turn in row["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_writing_prompts_are_cleaned(tmp_path: Path):
    record = {
        "prompt": "[ WP ] You wake up .",
        "story": "`` Hi , '' he said . <newline> I do n't know .",
    }
    (row,) = adapt_file(write_lines(tmp_path / "a.jsonl", [record])).rows
    assert row["instruction"] == "Write a story on this prompt: You wake up."
    assert row["output"] == '"Hi," he said.\nI don\'t know.'


def test_rows_that_cannot_be_used_are_rejected_with_the_reason(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"instruction": "ok", "output": "fine"},
        {"instruction": " ", "output": "x"},
        {"instruction": "x", "output": ""},
        {"instruction": "x"},
        {"instruction": "x", "output": 5},
        {"instruction": "x", "output": "a\x00b"},
        {"instruction": "x", "output": "\ufffd" * 20},
        {"instruction": "x", "output": "y" * 500},
        {"instruction": "x", "output": "\ud800"},
    ]
    write_lines(path, rows)
    result = adapt_file(path, "alpaca", max_characters=400)
    assert len(result.rows) == 1
    by_position = {row["position"]: row["reason"] for row in result.rejected}
    assert by_position == {
        1: "no instruction",
        2: "no output",
        3: "no output",
        4: "output is a number, not a text",
        5: "NUL bytes",
        6: "broken Unicode: replacement characters",
        7: "longer than 400 characters",
        8: "broken Unicode: a surrogate that stands alone",
    }
    assert all(row["excerpt"].isprintable() or "\n" in row["excerpt"] for row in result.rejected)


def test_schemas_may_be_mixed_in_one_file(tmp_path: Path):
    rows = [SCHEMAS[name][0] for name in ("alpaca", "sharegpt", "alpaca", "shp")] + [{"foo": 1}]
    result = adapt_file(write_lines(tmp_path / "a.jsonl", rows))
    assert result.adapters == {"alpaca": 2, "sharegpt": 1, "shp": 1}
    assert result.reasons == ["the columns fit no schema that is known: foo"]


def test_unknown_columns_are_refused_with_a_sentence(tmp_path: Path):
    path = write_lines(tmp_path / "a.jsonl", [{"label": 1, "scenario": "s"}])
    with pytest.raises(SourceError, match=r"label \(a number\), scenario \(a text\)"):
        adapt_file(path)
    with pytest.raises(SourceError, match="has not the schema of alpaca"):
        adapt_file(path, "alpaca")
    result = adapt_file(path, "alpaca", columns={"instruction": "scenario", "output": "scenario"})
    assert len(result.rows) == 1


def test_parquet_of_conversations(tmp_path: Path):
    pl.DataFrame({"messages": [CHAT, CHAT], "n": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    assert len(adapt_file(tmp_path / "a.parquet").rows) == 2
