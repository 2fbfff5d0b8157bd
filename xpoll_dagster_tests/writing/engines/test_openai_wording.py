"""Requests worded as a server takes them, and its answers to single requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Sampling
from xpoll_dagster.writing.engines.openai import OpenAIEngine
from xpoll_dagster.writing.engines.options import OpenAIOptions
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.engines.asking import SCHEMA, chats, complete, options
from xpoll_dagster_tests.writing.engines.fault_server import (
    Call,
    Fault,
    FaultServer,
    first,
)


class TestWording:
    def test_schema_is_sent(self):
        with FaultServer() as server:
            complete(server, 1, SCHEMA)
        sent = server.calls[0].body["response_format"]
        assert sent["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}

    @pytest.mark.parametrize(
        ("refuses", "wording"),
        [(("json_schema",), "json_object"), (("json_schema", "json_object"), None)],
    )
    def test_a_refused_schema_is_asked_for_otherwise_and_remembered(
        self, refuses: tuple[str, ...], wording: str | None
    ):
        with FaultServer(refuses=refuses) as server:
            engine = OpenAIEngine(options(server, concurrency=1))
            engine.complete(chats(*range(5), schema=SCHEMA))
            results = engine.complete(chats(*range(5), schema=SCHEMA))
        assert len(server.calls) == 10 + len(refuses)
        last = server.calls[-1].body
        assert last.get("response_format", {}).get("type") == wording
        assert json.dumps(SCHEMA) in last["messages"][-1]["content"]
        assert [c.finish_reason for c in results] == ["stop"] * 5

    def test_a_refusal_without_a_reason_is_understood(self):
        def script(call: Call) -> Fault | None:
            return Fault(400, body=b"") if "response_format" in call.body else None

        with FaultServer(script) as server:
            engine = OpenAIEngine(options(server, concurrency=1))
            engine.complete(chats(*range(5), schema=SCHEMA))
        assert len(server.calls) == 7

    def test_the_other_name_of_the_limit_and_fields_left_out(self):
        with FaultServer(refuses=("max_tokens", "temperature", "seed")) as server:
            engine = OpenAIEngine(options(server, concurrency=1))
            engine.complete(chats(*range(3), sampling=Sampling(seed=1, max_tokens=9)))
        assert len(server.calls) == 3 + 3
        assert server.calls[-1].body["max_completion_tokens"] == 9
        assert "top_p" in server.calls[-1].body
        assert not {"seed", "temperature"} & server.calls[-1].body.keys()

    def test_extra_fields_are_sent(self):
        with FaultServer() as server:
            complete(server, extra_body={"top_k": 20})
        assert server.calls[0].body["top_k"] == 20
        with pytest.raises(ValidationError, match="may not set n, stream"):
            OpenAIOptions(extra_body={"n": 2, "stream": True})


class TestOneRequestAlone:
    @pytest.mark.parametrize(
        ("message", "reason"),
        [
            ("This model's maximum context length is 2048 tokens.", "error"),
            ("The response was filtered by our content management policy", "refused"),
        ],
    )
    def test_hopeless_requests(self, message: str, reason: str):
        body = json.dumps({"error": {"message": message}}).encode()
        fault = Fault(400, body=body)
        with FaultServer(lambda call: fault if call.prompt == "prompt 0" else None) as server:
            results = complete(server, 2, SCHEMA)
        assert [c.finish_reason for c in results] == [reason, "stop"]
        assert message[:30] in results[0].error
        assert len(server.calls) == 2

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ({"finish_reason": "length"}, Completion("PROMPT 0", "length", 2, 2)),
            ({"finish_reason": "length", "message": {"content": None}},
             Completion("", "length", 2, 2)),
            ({"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}},
             Completion("ab", "stop", 2, 2)),
            ({"finish_reason": "content_filter"},
             Completion("", "refused", 2, 2, "The server withheld the answer.")),
            ({"message": {"content": None, "refusal": "I won't."}},
             Completion("", "refused", 2, 2, "The server withheld the answer: I won't.")),
        ],
    )  # fmt: skip
    def test_finish_reasons(self, choice: dict[str, Any], expected: Completion):
        with FaultServer(first(Fault(choice=choice))) as server:
            assert complete(server) == [expected]

    def test_half_a_character(self):
        with FaultServer() as server:
            engine = OpenAIEngine(options(server))
            bad = ChatRequest((Message("user", "\ud800"),))
            results = engine.complete([bad, *chats(0)])
        assert [c.finish_reason for c in results] == ["error", "stop"]
