"""A language model as author, on real vLLM in this process: gibberish in, all of it rejected."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.cached_engine import CachedEngine
from xpoll_dagster.writing.completion.options import CompletionOptions
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, Engine, OnCompletion
from xpoll_dagster.writing.engines.vllm import VllmEngine
from xpoll_dagster.writing.engines.vllm_options import VllmOptions
from xpoll_dagster.writing.gate_options import GateOptions
from xpoll_dagster.writing.gates.paraphrase import judge_paraphrase
from xpoll_dagster.writing.llm.author import LLMAuthor
from xpoll_dagster.writing.llm.options import LLMOptions, SamplingChange
from xpoll_dagster.writing.model import (
    Draft,
    PairEvidence,
    Paraphrase,
    Passage,
    Question,
    SourceChunk,
)
from xpoll_dagster_tests.vllm import killed_run
from xpoll_dagster_tests.vllm.tiny_model import SAMPLES

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]


class CountingEngine:
    """Passes batches on to an engine and counts what reaches it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.model = engine.model
        self.identity: Mapping[str, Any] = engine.identity
        self.calls = 0
        self.sent: list[ChatRequest] = []

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        self.calls += 1
        self.sent += requests
        return self.engine.complete(requests, on_completion)


@pytest.fixture
def chunks() -> list[SourceChunk]:
    """The first long paragraphs of two sample books."""
    found: list[SourceChunk] = []
    for domain in ("biology", "astronomy"):
        [source, *_] = sorted((SAMPLES / domain).rglob("*.md"))
        paragraphs = [" ".join(it.split()) for it in source.read_text().split("\n\n")]
        long = [it for it in paragraphs if 50 <= len(it.split()) <= 200 and it[0].isalpha()]
        found += [
            SourceChunk(
                Passage(
                    chunk_id=f"{domain}-{place}",
                    book=source.stem,
                    title=source.stem,
                    authors=(),
                    domain=domain,
                    section=(),
                    page_start=1,
                    page_end=1,
                    text=re.sub(r"[*_`]", "", text),
                )
            )
            for place, text in enumerate(long[:4])
        ]
    assert len(found) >= 4
    return found


Written = tuple[list[Paraphrase], list[Question], list[Draft]]


def write(engine: Engine, chunks: list[SourceChunk]) -> Written:
    few = SamplingChange(max_tokens=48)
    options = LLMOptions(
        sampling=dict.fromkeys(("paraphrase", "ask", "bridge"), few),
        completion=CompletionOptions(rounds=2, max_tokens_cap=96),
    )
    author = LLMAuthor(engine, options)
    pair = PairEvidence("pair", chunks[0].passage, chunks[-1].passage, (), ("cosine",), 0.5, "")
    paraphrases = [it for style in ("short", "long") for it in author.paraphrase(chunks, style)]
    return paraphrases, author.ask(chunks, 2), author.bridge([pair])


def test_gibberish_is_rejected_and_never_paid_twice(
    engine: VllmEngine, chunks: list[SourceChunk], tmp_path: Path
) -> None:
    counting = CountingEngine(engine)
    with CompletionCache(tmp_path / "completions.sqlite") as cache:
        paraphrases, questions, bridges = first = write(CachedEngine(counting, cache), chunks)
        assert counting.calls > 0
        sent = len(counting.sent)
        assert write(CachedEngine(counting, cache), chunks) == first
        assert len(counting.sent) == sent
    # Another process would find the same cache: the identity is that of the model's content.
    again = CountingEngine(VllmEngine(VllmOptions.model_validate(engine.options.model_dump())))
    with CompletionCache(tmp_path / "completions.sqlite") as cache:
        assert write(CachedEngine(again, cache), chunks) == first
    assert again.calls == 0

    assert len(paraphrases) == 2 * len(chunks)
    assert {it.chunk_id for it in questions} == {it.passage.chunk_id for it in chunks}
    sources = {it.passage.chunk_id: it.passage.text for it in chunks}
    for paraphrase in paraphrases:
        assert paraphrase.origin.model == "tiny-llama"
        rejected = (
            paraphrase.problems
            or judge_paraphrase(paraphrase, sources[paraphrase.chunk_id], GateOptions()).rejected_by
        )
        assert rejected
        assert paraphrase.origin.raw or paraphrase.text  # what it said is kept
    assert all(question.problems for question in questions)
    assert bridges
    assert all(bridge.problems for bridge in bridges)


def test_killed_in_mid_batch_it_sends_only_what_is_missing(
    engine: VllmEngine, options: VllmOptions, tmp_path: Path
) -> None:
    psutil = pytest.importorskip("psutil")
    path = tmp_path / "completions.sqlite"
    command = [sys.executable, "-m", killed_run.__name__, str(path), options.model_dump_json()]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path.cwd()
    )
    assert run.stdout is not None
    arrived = 0
    for line in run.stdout:
        arrived += line.startswith("arrived")
        if arrived == 5:
            break
    assert arrived == 5, "the run ended before it was killed"
    below = psutil.Process(run.pid).children(recursive=True)
    os.kill(run.pid, signal.SIGKILL)
    run.wait(30)

    counting = CountingEngine(engine)
    with CompletionCache(path) as cache:
        kept = cache.stats().entries
        completions = CachedEngine(counting, cache).complete(killed_run.requests())
    assert 5 <= kept < len(completions) == killed_run.N_REQUESTS
    assert len(counting.sent) == len(completions) - kept
    assert sum(completion.cached for completion in completions) == kept
    assert {completion.finish_reason for completion in completions} <= {"stop", "length"}

    # vLLM's own processes went with their starter: on a GPU they would hold its memory.
    _, left = psutil.wait_procs(below, timeout=20)
    assert [process.pid for process in left if "VLLM" in process.name()] == []


def test_a_server_gives_what_its_schema_asks_and_is_asked_once(
    base_url: str, tmp_path: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from xpoll_dagster.writing.engines.openai import OpenAIEngine
    from xpoll_dagster.writing.engines.options import OpenAIOptions

    counting = CountingEngine(
        OpenAIEngine(OpenAIOptions(base_url=base_url, model="tiny-llama", concurrency=16))
    )
    requests = killed_run.guided_requests(24)
    started = time.monotonic()
    with CompletionCache(tmp_path / "completions.sqlite") as cache:
        engine = CachedEngine(counting, cache)
        completions = engine.complete(requests)
        assert time.monotonic() - started < 300
        for completion in completions:
            assert completion.finish_reason == "stop"
            # The grammar lets control characters stand bare in strings: hence not strict.
            jsonschema.validate(json.loads(completion.text, strict=False), killed_run.SCHEMA)
            assert completion.completion_tokens > 0
        again = engine.complete(requests)
    assert [it.text for it in again] == [it.text for it in completions]
    assert counting.calls == 1
    assert len(counting.sent) == len(requests)
