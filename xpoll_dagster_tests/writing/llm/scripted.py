"""An engine that answers by a function, and small passages to write about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from xpoll_dagster.writing.engines.model import ChatRequest, Completion, OnCompletion
from xpoll_dagster.writing.model import PairEvidence, Passage, SourceChunk


class ScriptedEngine:
    """Answers every request by a function of it, and keeps what it was asked, batch by batch."""

    model = "scripted"

    def __init__(self, answer: Callable[[ChatRequest], Any]) -> None:
        self.identity: Mapping[str, Any] = {"model": self.model}
        self._answer = answer
        self.batches: list[list[ChatRequest]] = []

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        self.batches.append(list(requests))
        completions = []
        for place, request in enumerate(requests):
            answer = self._answer(request)
            if isinstance(answer, dict):
                answer = json.dumps(answer)
            completion = (
                answer if isinstance(answer, Completion) else Completion(answer, "stop", 10, 5)
            )
            completions.append(completion)
            if on_completion is not None:
                on_completion(place, completion)
        return completions


def asked(request: ChatRequest) -> str:
    """The first message of the user."""
    return next(message.content for message in request.messages if message.role == "user")


PUMP = Passage(
    chunk_id="physics-1",
    book="physics--engines",
    title="Engines of Old",
    authors=(),
    domain="physics",
    section=("Steam",),
    page_start=3,
    page_end=3,
    text=(
        "The steam pump of Newcomen was built in 1712 and drained a coal mine near Dudley. Steam "
        "was let into a cylinder and cooled by a jet of water, so that the air above pressed the "
        "piston down. The beam then lifted water out of the mine. Each stroke wasted most of the "
        "heat, because the cylinder had to be warmed again."
    ),
)
MILL = Passage(
    chunk_id="history-1",
    book="history--mills",
    title="A History of Mills: With Plates",
    authors=(),
    domain="history",
    section=("Rivers",),
    page_start=9,
    page_end=10,
    text=(
        "Water mills ground the corn of Europe for a thousand years. A river turned the wheel, and "
        "the wheel turned the stones through wooden gears. In dry summers the river failed and the "
        "villages went without flour. Millers therefore built ponds that stored the water of the "
        "night for the work of the day."
    ),
)
PAIR = PairEvidence(
    pair_id="pair-1",
    left=PUMP,
    right=MILL,
    concepts=(("water", 2.0), ("wheel", 1.0)),
    signals=("lexical",),
    score=0.9,
    explanation="Both speak of water.",
)
LINK = {
    "quote_a": "",
    "quote_b": "",
    "relation": "analogy",
    "in_a": "the steam",
    "in_b": "the river",
    "because": "each drives a machine",
    "meaningful": True,
}
NO_LINK = {
    "quote_a": "",
    "quote_b": "",
    "relation": "none",
    "in_a": "",
    "in_b": "",
    "because": "",
    "meaningful": False,
}
BODY = (
    "In *Engines of Old*, steam enters a cylinder and is cooled by a jet of water [A]. The "
    "air then presses the piston down, and the beam lifts water out of a mine [A]. In *A "
    "History of Mills*, a river turns a wheel, which turns stones through wooden gears [B]. "
    "When the river fails in dry summers, there is no flour [B]. The steam corresponds to the"
    " river, because each drives a machine [A][B]. They differ in what is lost: the pump "
    "wastes heat, while the mill waits for water [A, B]."
)


def chunk(passage: Passage = PUMP, **changes: Any) -> SourceChunk:
    return SourceChunk(replace(passage, **changes))
