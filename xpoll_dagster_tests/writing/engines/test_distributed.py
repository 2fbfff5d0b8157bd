"""Chats divided among engines."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.writing.engines.distributed import DistributedEngine
from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    EngineError,
    OnCompletion,
    Sampling,
)
from xpoll_dagster.writing.model import Message

SCHEMA = {"type": "object", "properties": {"b": {}, "a": {}}}


class Telling:
    """An engine that answers with all that it was asked."""

    model = "telling"

    @property
    def identity(self) -> dict[str, object]:
        return {"model": "telling", "revision": 3}

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        if any(request.messages[-1].content == "mute" for request in requests):
            raise EngineError("The model is mute: choose another.")
        return [
            Completion(repr(request), "length", n, 2, "why") for n, request in enumerate(requests)
        ]


def chats(count: int) -> list[ChatRequest]:
    return [
        ChatRequest(
            (Message("system", "Be \ud800 odd\x00."), Message("user", f"\u2028 {n}")),
            Sampling(temperature=n / 10, max_tokens=n + 1, seed=n or None),
            SCHEMA if n % 2 else None,
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_answers_are_those_of_one_engine(size: int):
    engine = DistributedEngine(Telling, LocalCompute(), size)
    told: dict[int, Completion] = {}
    answers = engine.complete(chats(7), told.__setitem__)
    assert [answer.text for answer in answers] == [repr(request) for request in chats(7)]
    assert answers == [told[n] for n in range(7)]
    assert answers[0] == Completion(repr(chats(1)[0]), "length", 0, 2, "why")
    assert (engine.model, engine.identity) == ("telling", Telling().identity)


def test_no_chats_have_no_answers():
    assert DistributedEngine(Telling, LocalCompute()).complete([]) == []


def test_what_had_finished_is_handed_over_before_the_error():
    engine = DistributedEngine(Telling, LocalCompute(ComputeOptions(attempts=1)), 2)
    told: dict[int, Completion] = {}
    asked = [*chats(4), ChatRequest((Message("user", "mute"),))]
    with pytest.raises(EngineError, match="The model is mute"):
        engine.complete(asked, told.__setitem__)
    assert sorted(told) == [0, 1, 2, 3]
