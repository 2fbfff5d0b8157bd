"""What makes two requests the same, and how far an answer made under one limit serves another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Sampling


class RequestKeys:
    """The keys of requests to one engine: SHA-256 over all that could change a finished answer.

    That is the engine's identity, the messages, the JSON schema (with the order of its
    fields, which guided decoding follows) and the sampling parameters but `max_tokens`. At
    temperature 0 the likeliest word is taken, whatever `top_p` and `seed` say: they don't count
    there. Two samples of one prompt need two seeds.
    """

    def __init__(self, identity: Mapping[str, Any]) -> None:
        try:
            text = json.dumps(identity, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"The engine's identity is no plain JSON: {error}.") from error
        self._start = hashlib.sha256(text.encode())
        self._samplings: dict[Sampling, bytes] = {}
        # By object, which is held so that its id stays its own: a batch shares few schemas.
        self._schemas: dict[int, tuple[Mapping[str, Any] | None, bytes]] = {}

    def key(self, request: ChatRequest) -> bytes:
        """32 bytes: equal for requests that may share an answer."""
        digest = self._start.copy()
        digest.update(self._sampling(request.sampling))
        digest.update(self._schema(request.json_schema))
        for message in request.messages:
            content = message.content.encode("utf-8", "surrogatepass")
            # Lengths stand before contents, so no text can pass for the next message.
            digest.update(f"{message.role} {len(content)}\n".encode())
            digest.update(content)
        return digest.digest()

    def _sampling(self, sampling: Sampling) -> bytes:
        known = self._samplings.get(sampling)
        if known is None:
            ignored = {"max_tokens"} | ({"top_p", "seed"} if sampling.temperature == 0 else set())
            text = json.dumps(sampling.model_dump(mode="json", exclude=ignored), sort_keys=True)
            known = self._samplings[sampling] = hashlib.sha256(text.encode()).digest()
        return known

    def _schema(self, schema: Mapping[str, Any] | None) -> bytes:
        held = self._schemas.get(id(schema))
        if held is None:
            text = json.dumps(schema)
            held = self._schemas[id(schema)] = (schema, hashlib.sha256(text.encode()).digest())
        return held[1]


def tokens_needed(completion: Completion, max_tokens: int) -> int:
    """The smallest `max_tokens` under which this finished answer could have been given.

    Where the tokens were not counted, that is the `max_tokens` it was made under; a refusal
    needs none.
    """
    if completion.finish_reason == "refused":
        return 0
    return min(completion.completion_tokens or max_tokens, max_tokens)


def serves(*, finished: bool, needs: int, made_under: int, asked: int) -> bool:
    """Whether a kept answer may stand for a request with `max_tokens` of `asked`.

    A finished one serves wherever it fits (`tokens_needed`); one that was cut under
    `made_under` tells nothing of what a larger limit would have given.
    """
    return asked >= needs if finished else asked <= made_under
