"""The one interface of all engines: a batch of chats in, completions in order out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.writing.model import Message

FinishReason = Literal["stop", "length", "refused", "error"]


class EngineError(Exception):
    """No completion can be had; the message is a sentence that says what to do.

    What had finished before is not lost: it was handed to `on_completion`.
    """


class Sampling(BaseModel):
    """How a model draws its words; the defaults are those of the reference project (ReZero)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=0.3, ge=0, description="0 takes the likeliest word.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="Mass of the words drawn from.")
    max_tokens: int = Field(default=512, ge=1, description="Tokens of an answer at most.")
    seed: int | None = Field(default=None, description="For engines that can repeat a draw.")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat to complete.

    `json_schema` is the JSON schema that the answer must follow; an engine that cannot hold
    a model to it asks for plain JSON, so an answer is parsed and checked in any case.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered.

    `finish_reason` is "stop" for a finished answer, "length" for one cut at `max_tokens`,
    "refused" where a server's filter withheld it, "error" where this one request can never
    succeed (a prompt too long for the model, say): then `text` is empty and `error` is a
    sentence that says why. `cached` says that it was taken from the cache.
    """

    text: str
    finish_reason: FinishReason = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = ""
    cached: bool = False


OnCompletion = Callable[[int, Completion], None]
"""Called with a request's place in the batch and its completion, the moment it arrives."""


class Engine(Protocol):
    """What completes chats."""

    @property
    def model(self) -> str:
        """The model's name, as it is recorded in rows."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON-like: all that decides what an answer reads like, besides the request itself.

        Model, revision, adapters, quantisation, chat template; not where the server stands, nor
        how many requests run at once. Part of the cache's key.
        """
        ...

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """Complete a batch; `result[i]` answers `requests[i]`.

        Args:
            requests: Chats, each with its own sampling parameters and schema.
            on_completion: Called once for each request as it finishes, in any order, from
                the calling thread or another one, never twice at once.

        Raises:
            EngineError: The engine as a whole cannot go on (server down, wrong key or model,
                no GPU); bounded retries were made.
        """
        ...
