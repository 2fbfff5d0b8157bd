"""How the tests of the engine ask: quick options, small chats."""

from __future__ import annotations

import socket
from typing import Any

from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Sampling
from xpoll_dagster.writing.engines.openai import OpenAIEngine
from xpoll_dagster.writing.engines.options import OpenAIOptions
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.engines.fault_server import FaultServer

SCHEMA = {
    "title": "answer",
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def options(server: FaultServer | str, **more: Any) -> OpenAIOptions:
    url = server if isinstance(server, str) else server.base_url
    quick = {"backoff_s": 0.01, "longest_backoff_s": 0.05, "request_timeout_s": 5}
    return OpenAIOptions(base_url=url, model="m", **{**quick, **more})


def chats(
    *numbers: int, schema: dict[str, Any] | None = None, sampling: Sampling | None = None
) -> list[ChatRequest]:
    return [
        ChatRequest((Message("user", f"prompt {i}"),), sampling or Sampling(), schema)
        for i in numbers
    ]


def complete(
    server: FaultServer | str, n: int = 1, schema: dict[str, Any] | None = None, **more: Any
) -> list[Completion]:
    return OpenAIEngine(options(server, **more)).complete(chats(*range(n), schema=schema))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
