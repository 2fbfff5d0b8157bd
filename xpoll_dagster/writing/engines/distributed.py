"""Chats completed by many engines at once, each in an actor with its own model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import polars as pl

from xpoll_dagster.compute.protocol import BatchError, Compute, ComputeError, Task
from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    Engine,
    EngineError,
    OnCompletion,
    Sampling,
)
from xpoll_dagster.writing.model import Message

_REQUEST = "request"
_COMPLETION = "completion"


class DistributedEngine:
    """An engine whose batches are divided among actors; put it behind a `CachedEngine`.

    The cache then stays where the batch is given from: what it holds is not sent, each part's
    completions are stored as the part arrives, and a run that is broken off goes on from
    there. The nodes need no database.

    Args:
        make_engine: Makes the engine of an actor, such as `partial(load_engine, "vllm",
            options)`. A key among its arguments travels to the nodes.
        compute: Where.
        requests_at_once: Chats in one part. An engine keeps a GPU full with some hundreds;
            what a lost node had under way is asked again.
        here: The engine as it is made here, which tells who all of them are; `make_engine` is
            called if None. Making an engine loads nothing.
    """

    def __init__(
        self,
        make_engine: Callable[[], Engine],
        compute: Compute,
        requests_at_once: int = 256,
        here: Engine | None = None,
    ) -> None:
        engine = here or make_engine()
        self.model = engine.model
        self._identity = engine
        self._make_engine = make_engine
        self._compute = compute
        self._size = max(requests_at_once, 1)

    @property
    def identity(self) -> Mapping[str, Any]:
        """That of the engine in each actor."""
        return self._identity.identity

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """Complete a batch; `result[i]` answers `requests[i]`.

        Raises:
            EngineError: A part failed as often as it was tried, or the cluster is gone.
        """
        results: list[Completion | None] = [None] * len(requests)
        try:
            for part, frame in self._compute.map_batches(
                self._parts(requests), partial(_completing, self._make_engine), model=True
            ):
                for number, text in enumerate(frame[_COMPLETION]):
                    place = part * self._size + number
                    results[place] = completion = Completion(**json.loads(text))
                    if on_completion is not None:
                        on_completion(place, completion)
        except (BatchError, ComputeError) as error:
            raise EngineError(str(error)) from error
        return [completion for completion in results if completion is not None]

    def _parts(self, requests: Sequence[ChatRequest]) -> Iterator[pl.DataFrame]:
        for low in range(0, len(requests), self._size):
            texts = [_request_text(request) for request in requests[low : low + self._size]]
            yield pl.DataFrame({_REQUEST: texts}, schema={_REQUEST: pl.String})


def _completing(make_engine: Callable[[], Engine]) -> Task:
    engine = make_engine()

    def complete(frame: pl.DataFrame) -> pl.DataFrame:
        completions = engine.complete([_request(text) for text in frame[_REQUEST]])
        texts = [json.dumps(asdict(completion)) for completion in completions]
        if len(texts) != frame.height:
            raise EngineError(
                f"The engine {engine.model} gave {len(texts)} completions for {frame.height} "
                "requests."
            )
        return pl.DataFrame({_COMPLETION: texts}, schema={_COMPLETION: pl.String})

    return complete


def _request_text(request: ChatRequest) -> str:
    # JSON escapes lone surrogates, which a frame would not take.
    return json.dumps(
        {
            "messages": [[message.role, message.content] for message in request.messages],
            "sampling": request.sampling.model_dump(),
            "json_schema": request.json_schema,
        },
        ensure_ascii=True,
    )


def _request(text: str) -> ChatRequest:
    given = json.loads(text)
    return ChatRequest(
        tuple(Message(role, content) for role, content in given["messages"]),
        Sampling.model_validate(given["sampling"]),
        given["json_schema"],
    )
