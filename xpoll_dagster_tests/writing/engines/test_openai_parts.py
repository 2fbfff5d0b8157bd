"""Whatever a server sends: read or refused, never an exception; waits as they are defined."""

from __future__ import annotations

import json
from email.utils import formatdate
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.writing.engines.backoff import AdaptiveLimit, backoff, retry_after
from xpoll_dagster.writing.engines.chat_answers import read_answer
from xpoll_dagster.writing.engines.faults import Fault, Redactor, fault_of_status, read_error
from xpoll_dagster.writing.engines.model import Completion

SECRET = "sk-abcdef"
REDACT = Redactor([SECRET])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET)
names = st.sampled_from(
    [
        "choices",
        "message",
        "content",
        "finish_reason",
        "usage",
        "prompt_tokens",
        "error",
        "code",
        "param",
        "type",
        "detail",
        "innererror",
        "refusal",
        "text",
    ]
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(), inner),
    max_leaves=12,
)
shaped = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({"message": anything, "finish_reason": anything}), max_size=2
        ),
        "usage": anything,
    }
)


@given(anything | shaped | st.dictionaries(st.just("error"), anything))
def test_any_json_is_a_completion_or_a_fault(value: Any) -> None:
    answer = read_answer(json.dumps(value).encode(), "server", REDACT)
    if isinstance(answer, Completion):
        assert answer.prompt_tokens >= 0
        assert isinstance(answer.text, str)
        answer.text.encode()
    else:
        assert answer.kind in {"failed", "empty"}
        assert SECRET not in answer.message


@given(st.binary() | anything.map(lambda v: json.dumps(v).encode()), st.integers(300, 599))
def test_any_error_is_a_fault_of_one_line(body: bytes, status: int) -> None:
    fault = fault_of_status(
        status,
        {},
        body,
        server="server",
        model="m",
        sent=["max_tokens", "response_format"],
        redact=REDACT,
    )
    assert isinstance(fault, Fault)
    assert "\n" not in fault.message
    assert SECRET not in fault.message
    assert len(fault.message) < 500


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["<" * 4_000_000, "context" * 600_000, "[" * 4_000_000, " " * 4_000_000]
)
def test_a_huge_answer_costs_little(text: str) -> None:
    body = text.encode()
    assert isinstance(read_answer(body, "server", REDACT), Fault)
    for content in (body, json.dumps({"error": {"message": text}}).encode()):
        fault = fault_of_status(
            400, {}, content, server="s", model="m", sent=["seed"], redact=REDACT
        )
        assert len(fault.message) < 500


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "a", "code": 1}}', "a"),
        (b'{"error": "a"}', "a"),
        (b'{"detail": [{"msg": "a"}]}', "[{'msg': 'a'}]"),
        (b'{"message": "a"}', "a"),
        (b"a", "a"),
        (b"", ""),
    ],
)
def test_errors_of_several_servers(body: bytes, message: str) -> None:
    assert read_error(body).message == message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1),
        ({"retry-after": formatdate(1_000_060, usegmt=True)}, 60),
        ({"retry-after": formatdate(999_000, usegmt=True)}, 0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=1_000_000) == seconds


@given(st.text())
def test_any_retry_after_is_read(value: str) -> None:
    seconds = retry_after({"retry-after": value})
    assert seconds is None or seconds >= 0


@given(st.integers(1, 10_000), st.integers())
def test_backoff_is_bounded(failures: int, seed: int) -> None:
    wait = backoff(failures, 0.5, 60, Random(seed))
    most = min(60, 0.5 * 2.0 ** min(failures - 1, 60))
    assert most / 2 <= wait <= most


def test_one_overload_halves_once() -> None:
    limit = AdaptiveLimit(16)
    for _ in range(5):  # five requests that were under way together
        limit.shrink(sent_at=1.0, now=2.0 + _)
    assert limit.value == 8
    limit.shrink(sent_at=3.0, now=4.0)
    assert limit.value == 4
    for _ in range(5):
        limit.grow()
    assert limit.value == 5
    for _ in range(10_000):
        limit.grow()
    assert limit.value == 16
    for turn in range(99):
        limit.shrink(sent_at=10.0 + turn, now=10.5 + turn)
    assert limit.value == 1
