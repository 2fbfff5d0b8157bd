"""Engines of the tests' own, which do what the contract says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    EngineError,
    OnCompletion,
    Sampling,
)
from xpoll_dagster.writing.model import Message

Answer = Callable[[ChatRequest], Completion]


def chat(text: str, **sampling: Any) -> ChatRequest:
    return ChatRequest((Message("user", text),), Sampling(**sampling))


def echo(request: ChatRequest) -> Completion:
    text = f"Answer to: {request.messages[-1].content}"
    return Completion(text, prompt_tokens=7, completion_tokens=5)


class LocalEngine:
    """Completes in threads, in any order; `sent` are the requests it was given."""

    def __init__(
        self,
        answer: Answer = echo,
        *,
        model: str = "local",
        identity: Mapping[str, Any] | None = None,
        seconds: float = 0.0,
        at_once: int = 4,
        fail_after: int | None = None,
    ) -> None:
        self.model = model
        self.identity = {"model": model} if identity is None else identity
        self.answer = answer
        self.seconds = seconds
        self.at_once = at_once
        self.fail_after = fail_after
        self.batches: list[list[ChatRequest]] = []

    @property
    def sent(self) -> list[ChatRequest]:
        return [request for batch in self.batches for request in batch]

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        self.batches.append(list(requests))
        lock, arrived = threading.Lock(), 0

        def one(place: int) -> Completion:
            nonlocal arrived
            time.sleep(self.seconds)
            completion = self.answer(requests[place])
            with lock:
                if self.fail_after is not None and arrived >= self.fail_after:
                    raise EngineError("The server is down.")
                arrived += 1
                if on_completion is not None:
                    on_completion(place, completion)
            return completion

        with ThreadPoolExecutor(self.at_once) as pool:
            return list(pool.map(one, range(len(requests))))


class ScriptedEngine:
    """Answers each conversation from a script: its first user message names the line."""

    model = "scripted"
    identity: Mapping[str, Any] = {"model": "scripted"}

    def __init__(self, script: Mapping[str, Sequence[str | Completion]]) -> None:
        self.script = script
        self.asked: dict[str, int] = dict.fromkeys(script, 0)
        self.batches: list[list[ChatRequest]] = []

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        self.batches.append(list(requests))
        results = []
        for place, request in enumerate(requests):
            name = request.messages[0].content
            line = self.script[name][self.asked[name]]
            self.asked[name] += 1
            if isinstance(line, str):
                line = Completion(line, prompt_tokens=10, completion_tokens=3)
            results.append(line)
            if on_completion is not None:
                on_completion(place, line)
        return results
