"""Retries go only where an answer failed, say why, and end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel

from xpoll_dagster.writing.completion import (
    CachedEngine,
    CompletionCache,
    CompletionOptions,
    Job,
    Structured,
    complete_structured,
)
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Engine, Sampling
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.completion.engines import LocalEngine, ScriptedEngine


class QA(BaseModel):
    question: str
    answer: str


GOOD = '{"question": "Who?", "answer": "One."}'
CUT = Completion('{"question": "Who', "length", prompt_tokens=10, completion_tokens=64)


def job(
    name: str, check: Callable[[QA], str | None] | None = None, max_tokens: int = 64
) -> Job[QA]:
    sampling = Sampling(max_tokens=max_tokens, temperature=0)
    return Job((Message("user", name),), QA, sampling, check)


def run(
    engine: Engine, jobs: Sequence[Job[QA]], options: CompletionOptions | None = None
) -> list[Structured[QA]]:
    return complete_structured(engine, jobs, options)


def test_only_what_failed_is_asked_again_with_the_reason() -> None:
    engine = ScriptedEngine(
        {
            "a": [GOOD],
            "b": ['{"question": "Who?"}', GOOD],
            "c": ["Sorry.", "Sorry again.", "<think>{}</think>"],
        }
    )
    good, mended, failed = run(engine, [job("a"), job("b"), job("c")])
    assert [len(batch) for batch in engine.batches] == [3, 2, 1]
    assert good.value == mended.value == QA(question="Who?", answer="One.")
    assert (good.rounds, mended.rounds, failed.rounds) == (1, 2, 3)
    assert mended.retried_for == ("The JSON does not fit the schema: answer: Field required.",)
    assert (mended.prompt_tokens, mended.completion_tokens) == (20, 6)
    assert failed.value is None
    assert failed.problems == ("The answer is empty.",)
    assert failed.raw == "<think>{}</think>"
    assert len(failed.retried_for) == 2
    retry = engine.batches[1][0].messages
    assert [message.role for message in retry] == ["user", "assistant", "user"]
    assert retry[1].content == '{"question": "Who?"}'
    assert "answer: Field required" in retry[2].content
    assert '"question", "answer"' in retry[2].content
    # The third round stands on the first messages, not on the second's.
    assert len(engine.batches[2][0].messages) == 3


def test_the_schema_goes_with_every_request() -> None:
    engine = ScriptedEngine({"a": ["no", GOOD]})
    run(engine, [job("a")])
    schemas = [request.json_schema for batch in engine.batches for request in batch]
    assert schemas == [QA.model_json_schema()] * 2


def test_a_long_wrong_answer_is_shown_in_part() -> None:
    engine = ScriptedEngine({"a": ["no " * 30_000, GOOD]})
    run(engine, [job("a")])
    shown = engine.batches[1][0].messages[1].content
    assert len(shown) < 2100
    assert "characters left out" in shown


def test_an_empty_answer_and_a_broken_character_can_be_sent_back() -> None:
    engine = ScriptedEngine({"a": ["", "\ud800", GOOD]})
    (result,) = run(engine, [job("a")])
    assert result.value is not None
    for batch in engine.batches[1:]:
        for message in batch[0].messages:
            assert message.content.encode()


def test_a_check_says_what_is_wrong() -> None:
    engine = ScriptedEngine({"a": [GOOD, GOOD.replace("One", "Two")]})
    (result,) = run(
        engine,
        [
            job(
                "a",
                check=lambda qa: None if qa.answer == "Two." else "The passage lacks it.",
            )
        ],
    )
    assert result.value == QA(question="Who?", answer="Two.")
    assert result.retried_for == ("The passage lacks it.",)
    assert "The passage lacks it." in engine.batches[1][0].messages[-1].content


def test_a_cut_answer_gets_more_room_once() -> None:
    engine = ScriptedEngine({"a": [CUT, GOOD], "b": [CUT, CUT, GOOD], "c": [CUT, "no", CUT]})
    done, given_up, after = run(engine, [job("a"), job("b"), job("c")])
    assert [r.sampling.max_tokens for r in engine.batches[1]] == [128, 128, 128]
    assert all(len(request.messages) == 1 for request in engine.batches[1])
    assert done.value is not None
    assert given_up.value is None
    assert given_up.finish_reason == "length"
    assert given_up.problems == ("The answer was cut after 64 tokens.",)
    assert (given_up.raw, given_up.rounds) == (CUT.text, 2)
    assert after.value is None
    assert [len(batch) for batch in engine.batches] == [3, 3, 1]


def test_room_ends_at_the_cap() -> None:
    engine = ScriptedEngine({"a": [CUT], "b": [CUT, GOOD]})
    options = CompletionOptions(max_tokens_cap=100)
    first, second = run(engine, [job("a", max_tokens=100), job("b")], options)
    assert first.rounds == 1
    assert first.problems
    assert engine.batches[1][0].sampling.max_tokens == 100
    assert second.value is not None


def test_a_whole_object_before_the_cut_counts() -> None:
    engine = ScriptedEngine({"a": [Completion(GOOD + "\n" * 40, "length", completion_tokens=64)]})
    (result,) = run(engine, [job("a")])
    assert result.value is not None
    assert result.finish_reason == "length"


def test_the_hopeless_is_not_asked_again() -> None:
    engine = ScriptedEngine(
        {
            "a": [Completion("", "error", error="The prompt is too long.")],
            "b": [Completion("", "refused")],
            "c": ["no", Completion("", "error", error="The prompt is too long.")],
        }
    )
    failed, withheld, later = run(engine, [job("a"), job("b"), job("c")])
    assert failed.problems == ("The prompt is too long.",)
    assert withheld.problems == ("The server's filter withheld the answer.",)
    assert withheld.finish_reason == "refused"
    assert later.raw == "no"
    assert later.problems == ("The prompt is too long.",)
    assert [len(batch) for batch in engine.batches] == [3, 1]


def test_plain_text_is_taken_as_it_is() -> None:
    engine = ScriptedEngine({"a": ["<think>Hm.</think>\nIn {other} words.\n"], "b": ["", "Text."]})
    jobs: list[Job[str]] = [Job((Message("user", name),)) for name in "ab"]
    first, second = complete_structured(engine, jobs)
    assert first.value == "In {other} words."
    assert first.raw == "<think>Hm.</think>\nIn {other} words.\n"
    assert (second.value, second.retried_for) == ("Text.", ("The answer is empty.",))
    assert engine.batches[0][0].json_schema is None


def test_one_round_means_no_retry() -> None:
    engine = ScriptedEngine({"a": ["no"]})
    (result,) = run(engine, [job("a")], CompletionOptions(rounds=1))
    assert result.problems
    assert len(engine.batches) == 1


def test_no_jobs_ask_nothing() -> None:
    engine = ScriptedEngine({})
    assert run(engine, []) == []
    assert engine.batches == []


def stubborn(request: ChatRequest) -> Completion:
    """At temperature 0: the same prompt has the same answer, here one wrong until told thrice."""
    told = sum(message.role == "assistant" for message in request.messages)
    name = request.messages[0].content
    answer = {"question": name, "answer": "right"} if told else {"question": name}
    return Completion(json.dumps(answer), prompt_tokens=4, completion_tokens=4)


def test_a_cache_does_not_repeat_the_wrong_answer_but_the_whole_course(tmp_path: Path) -> None:
    jobs = [job(f"q {n}") for n in range(30)]
    with CompletionCache(tmp_path / "c.sqlite") as cache:
        inner = LocalEngine(stubborn)
        first = run(CachedEngine(inner, cache), jobs)
        assert [len(batch) for batch in inner.batches] == [30, 30]
        assert all(result.value is not None and result.rounds == 2 for result in first)
        assert [result.value.question for result in first if result.value] == [
            f"q {n}" for n in range(30)
        ]
        again = LocalEngine(stubborn)
        second = run(CachedEngine(again, cache), jobs)
        assert again.batches == []
        assert all(result.cached for result in second)
        assert [result.value for result in second] == [result.value for result in first]
        # One more job: only its own requests are sent.
        run(CachedEngine(again, cache), [*jobs, job("new")])
        assert [len(batch) for batch in again.batches] == [1, 1]


def test_a_failing_check_is_the_callers_own_error() -> None:
    def check(qa: QA) -> str | None:
        raise KeyError(qa.answer)

    with pytest.raises(KeyError):
        run(ScriptedEngine({"a": [GOOD]}), [job("a", check=check)])
