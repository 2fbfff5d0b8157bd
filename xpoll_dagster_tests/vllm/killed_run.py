"""A run to be killed: completes a batch through the cache and prints a line for each answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.cached_engine import CachedEngine
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Sampling
from xpoll_dagster.writing.engines.vllm import VllmEngine
from xpoll_dagster.writing.engines.vllm_options import VllmOptions
from xpoll_dagster.writing.model import Message

N_REQUESTS = 60
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "answer": {"type": "string", "maxLength": 24},
        "difficulty": {"enum": ["easy", "medium", "hard"]},
    },
    "required": ["answer", "difficulty"],
    "additionalProperties": False,
}


def requests() -> list[ChatRequest]:
    """Chats whose answers come one after another: each is longer than the one before."""
    return [
        ChatRequest(
            (Message("user", f"Count to {place}"),),
            Sampling(temperature=0, max_tokens=4 + 10 * place),
        )
        for place in range(N_REQUESTS)
    ]


def guided_requests(n: int) -> list[ChatRequest]:
    """Chats with a schema, half of them greedy."""
    return [
        ChatRequest(
            (Message("user", f"Say {place}"),),
            Sampling(temperature=place % 2 / 2, max_tokens=120, seed=place),
            SCHEMA,
        )
        for place in range(n)
    ]


def main() -> None:
    path, options = sys.argv[1:]
    engine = VllmEngine(VllmOptions.model_validate_json(options))

    def arrived(place: int, _: Completion) -> None:
        sys.stdout.write(f"arrived {place}\n")
        sys.stdout.flush()

    with CompletionCache(Path(path)) as cache:
        CachedEngine(engine, cache).complete(requests(), arrived)


if __name__ == "__main__":
    main()
