"""What the cache and the reading of answers cost beside the engine alone.

`python -m benchmarks.author [--requests N] [--repeats N] [--concurrency N] [--latency SECONDS]`
prints a table and ends with one line of JSON. Three parts:

- `cache`: answers stored and looked up per second, in batches and one by one;
- `http`: the OpenAI engine against a server in a process of its own on 127.0.0.1, which answers
  after `--latency`; once alone, once behind the cache with answers read and validated;
- `model`: the same around an engine in this process that takes its time and nothing else (time
  to the first token, then 500 tokens a second, so many requests at once), so that all
  processor time is the wrapping's own.

The two ways take turns; overhead is the median over the turns of (wrapped / alone - 1), in wall
time and in processor time of this process. The cache is a new, empty file each time, so every
request is looked up in vain, sent and stored.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xpoll_dagster.writing.completion import (
    CachedEngine,
    CompletionCache,
    Entry,
    Job,
    RequestKeys,
    complete_structured,
)
from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    Engine,
    OnCompletion,
    Sampling,
)
from xpoll_dagster.writing.model import Message

PROMPT_WORDS, ANSWER_WORDS, TOKENS = 500, 120, 180
VOCABULARY = [f"{a}{b}{c}" for a in "bcdlmnrst" for b in "aeiou" for c in "lmnrst"]


class Answer(BaseModel):
    question: str
    answer: str


def words(count: int, draw: random.Random) -> str:
    return " ".join(draw.choices(VOCABULARY, k=count))


def answer_text(seed: str) -> str:
    draw = random.Random(seed)
    return Answer(question=words(20, draw), answer=words(ANSWER_WORDS, draw)).model_dump_json()


def make_jobs(count: int) -> list[Job[Answer]]:
    draw = random.Random(0)
    system = Message("system", "Ask one question about the passage, and answer it from it.")
    return [
        Job((system, Message("user", f"{n}: {words(PROMPT_WORDS, draw)}")), Answer, Sampling())
        for n in range(count)
    ]


class ModelledEngine:
    """Waits as a served model would: time to the first token, then a steady rate."""

    model = "modelled"

    def __init__(self, latency: float, concurrency: int, tokens_per_second: float = 500) -> None:
        self.identity: Mapping[str, Any] = {"model": self.model}
        self.concurrency = concurrency
        self.seconds = latency + TOKENS / tokens_per_second

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        answers = [
            Completion(answer_text(str(n % 64)), prompt_tokens=700, completion_tokens=TOKENS)
            for n in range(len(requests))
        ]
        waiting = iter(range(len(requests)))

        async def worker() -> None:
            for place in waiting:
                await asyncio.sleep(self.seconds)
                if on_completion is not None:
                    on_completion(place, answers[place])

        async def everything() -> None:
            await asyncio.gather(*(worker() for _ in range(self.concurrency)))

        asyncio.run(everything())
        return answers


# -- the server --------------------------------------------------------------------------


async def serve(latency: float) -> None:
    """Speak just enough HTTP and OpenAI for one engine."""
    body = [
        json.dumps(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": answer_text(str(n))},
                    }
                ],
                "usage": {"prompt_tokens": 700, "completion_tokens": TOKENS, "total_tokens": 880},
            }
        ).encode()
        for n in range(64)
    ]
    served = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(
                    line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if line
                )
                await reader.readexactly(int(fields.get(b"content-length", b"0")))
                await asyncio.sleep(latency)
                served += 1
                content = body[served % len(body)]
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                    + str(len(content)).encode()
                    + b"\r\n\r\n"
                    + content
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


# -- measures ----------------------------------------------------------------------------


def measure_cache(folder: Path, count: int = 20_000, batch: int = 500) -> dict[str, float]:
    requests = [ChatRequest(job.messages, job.sampling) for job in make_jobs(2000)]
    keys = RequestKeys({"model": "m"})
    began = time.perf_counter()
    for request in requests:
        keys.key(request)
    keyed = len(requests) / (time.perf_counter() - began)
    texts = [answer_text(str(n)) for n in range(200)]
    entries = [
        Entry(
            random.Random(n).randbytes(32),
            512,
            "m",
            Completion(texts[n % 200], prompt_tokens=700, completion_tokens=TOKENS),
        )
        for n in range(count)
    ]
    figures: dict[str, float] = {"keys_per_s": keyed}

    def rate(
        name: str, act: Callable[[list[Entry]], object], size: int, among: list[Entry]
    ) -> None:
        began = time.perf_counter()
        for start in range(0, len(among), size):
            act(among[start : start + size])
        figures[name] = len(among) / (time.perf_counter() - began)

    def find(part: list[Entry]) -> None:
        assert None not in cache.find([(entry.key, 512) for entry in part])

    with CompletionCache(folder / "batches.sqlite") as cache:
        rate("stores_per_s_in_batches", cache.store, batch, entries)
        shuffled = random.Random(1).sample(entries, len(entries))
        rate("lookups_per_s_in_batches", find, batch, shuffled)
        rate("lookups_per_s_one_by_one", find, 1, shuffled[:2000])
    with CompletionCache(folder / "single.sqlite") as cache:
        rate("stores_per_s_one_by_one", cache.store, 1, entries[:5000])
    figures["bytes_per_entry"] = (folder / "batches.sqlite").stat().st_size / count
    return {name: round(value, 1) for name, value in figures.items()}


def timed(act: Callable[[], object]) -> tuple[float, float]:
    began, began_cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - began, time.process_time() - began_cpu


def measure_overhead(
    engine: Engine, count: int, repeats: int, folder: Path, name: str
) -> dict[str, Any]:
    jobs = make_jobs(count)
    schema = Answer.model_json_schema()
    requests = [ChatRequest(job.messages, job.sampling, schema) for job in jobs]

    def alone() -> None:
        assert len(engine.complete(requests)) == count

    def wrapped(number: int) -> None:
        with CompletionCache(folder / f"{name}-{number}.sqlite") as cache:
            results = complete_structured(CachedEngine(engine, cache), jobs)
            assert all(result.value is not None and not result.cached for result in results)

    def again(number: int) -> None:
        with CompletionCache(folder / f"{name}-{number}.sqlite") as cache:
            results = complete_structured(CachedEngine(engine, cache), jobs)
            assert all(result.cached for result in results)

    engine.complete(requests[:64])  # imports, connections
    turns = []
    for number in range(repeats):
        # Whoever goes first in a turn changes, so that neither profits from its place.
        order = [("alone", alone), ("wrapped", partial(wrapped, number))]
        turns.append({key: timed(act) for key, act in (order if number % 2 else order[::-1])})
    from_cache, _ = timed(lambda: again(0))

    def median(way: str, clock: int) -> float:
        return statistics.median(turn[way][clock] for turn in turns)

    def overhead(clock: int) -> float:
        ratios = [turn["wrapped"][clock] / turn["alone"][clock] - 1 for turn in turns]
        return round(100 * statistics.median(ratios), 2)

    return {
        f"{name}_alone_s": round(median("alone", 0), 3),
        f"{name}_wrapped_s": round(median("wrapped", 0), 3),
        f"{name}_overhead_percent": overhead(0),
        f"{name}_cpu_overhead_percent": overhead(1),
        f"{name}_cpu_ms_per_request_alone": round(1e3 * median("alone", 1) / count, 3),
        f"{name}_cpu_ms_per_request_wrapped": round(1e3 * median("wrapped", 1) / count, 3),
        f"{name}_tokens_per_s_alone": round(count * TOKENS / median("alone", 0)),
        f"{name}_from_cache_s": round(from_cache, 3),
    }


def measure_http(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from xpoll_dagster.writing.engines.openai import OpenAIEngine
    from xpoll_dagster.writing.engines.options import OpenAIOptions

    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.author", "--serve", "--latency", str(given.latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        options = OpenAIOptions(base_url=url, model="m", concurrency=given.concurrency)
        engine = OpenAIEngine(options)
        return measure_overhead(engine, given.requests, given.repeats, folder, "http")
    finally:
        server.kill()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.latency))
        return
    figures: dict[str, Any] = {
        "requests": given.requests,
        "concurrency": given.concurrency,
        "latency_s": given.latency,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures |= measure_cache(folder)
        figures |= measure_http(given, folder)
        modelled = ModelledEngine(given.latency, given.concurrency)
        figures |= measure_overhead(modelled, given.requests, given.repeats, folder, "model")
    width = max(map(len, figures))
    for key, value in figures.items():
        print(f"{key:<{width}}  {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
