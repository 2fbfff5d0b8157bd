"""Only what is missing is sent, and what has arrived is kept, whatever happens next."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.writing.completion import (
    CachedEngine,
    CacheError,
    CacheOptions,
    CompletionCache,
)
from xpoll_dagster.writing.engines.model import (
    ChatRequest,
    Completion,
    EngineError,
    OnCompletion,
)
from xpoll_dagster_tests.writing.completion.engines import LocalEngine, chat, echo

WHOLE = 400


@pytest.fixture
def cache(tmp_path: Path) -> CompletionCache:
    return CompletionCache(tmp_path / "completions.sqlite")


def texts(completions: list[Completion]) -> list[str]:
    return [completion.text for completion in completions]


@given(st.lists(st.lists(st.integers(0, 8), max_size=12), max_size=4))
def test_order_is_kept_and_nothing_is_sent_twice(batches: list[list[int]]) -> None:
    inner = LocalEngine(at_once=2)
    with CompletionCache(Path(":memory:")) as cache:
        engine = CachedEngine(inner, cache)
        for batch in batches:
            requests = [chat(f"question {n}") for n in batch]
            seen: list[tuple[int, Completion]] = []
            results = engine.complete(
                requests, on_completion=lambda place, one, seen=seen: seen.append((place, one))
            )
            assert texts(results) == texts([echo(request) for request in requests])
            assert sorted(place for place, _ in seen) == list(range(len(batch)))
            assert all(results[place] == completion for place, completion in seen)
    sent = Counter(request.messages[-1].content for request in inner.sent)
    assert sent == Counter({f"question {n}": 1 for batch in batches for n in batch})


def test_a_second_run_sends_nothing_and_says_so(cache: CompletionCache) -> None:
    requests = [chat(f"q {n}") for n in range(1200)]
    first = CachedEngine(LocalEngine(), cache).complete(requests)
    assert not any(completion.cached for completion in first)
    inner = LocalEngine()
    second = CachedEngine(inner, cache).complete(requests)
    assert inner.batches == []
    assert all(completion.cached for completion in second)
    assert texts(first) == texts(second)


def test_other_engines_and_limits_have_answers_of_their_own(cache: CompletionCache) -> None:
    def answer(request: ChatRequest) -> Completion:
        limit = request.sampling.max_tokens
        if limit < 100:
            return Completion("cu", "length", completion_tokens=limit)
        return Completion("whole", completion_tokens=90)

    def sent(max_tokens: int, name: str = "a") -> int:
        inner = LocalEngine(answer, identity={"model": name})
        CachedEngine(inner, cache).complete([chat("q", max_tokens=max_tokens)])
        return len(inner.sent)

    assert [sent(n) for n in (50, 40, 60, 60, 500, 700, 90, 80, 500)] == [1, 0, 1, 0, 1, 0, 0, 1, 0]
    assert sent(500, name="b") == 1


def test_identical_requests_are_sent_once_and_counted_once(cache: CompletionCache) -> None:
    inner = LocalEngine()
    results = CachedEngine(inner, cache).complete([chat("q"), chat("r"), chat("q")])
    assert len(inner.sent) == 2
    assert [completion.cached for completion in results] == [False, False, True]


def test_errors_are_tried_again(cache: CompletionCache) -> None:
    failing = LocalEngine(lambda _: Completion("", "error", error="Too long."))
    results = CachedEngine(failing, cache).complete([chat("q"), chat("q")])
    assert [one.finish_reason for one in results] == ["error", "error"]
    assert not any(one.cached for one in results)
    inner = LocalEngine()
    assert CachedEngine(inner, cache).complete([chat("q")])[0].finish_reason == "stop"


def test_what_arrived_before_the_engine_failed_is_kept(cache: CompletionCache) -> None:
    requests = [chat(f"q {n}") for n in range(100)]
    with pytest.raises(EngineError, match="The server is down"):
        CachedEngine(LocalEngine(fail_after=37), cache).complete(requests)
    inner = LocalEngine()
    results = CachedEngine(inner, cache).complete(requests)
    assert len(inner.sent) == 63
    assert texts(results) == texts([echo(request) for request in requests])


def test_an_engine_that_loses_a_request_is_caught(cache: CompletionCache) -> None:
    class Losing(LocalEngine):
        def complete(
            self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
        ) -> list[Completion]:
            return super().complete(requests, on_completion)[:-1]

    with pytest.raises(RuntimeError, match="gave 2 completions for 3"):
        CachedEngine(Losing(), cache).complete([chat(f"q {n}") for n in range(3)])


# -- a disk that is full -----------------------------------------------------------------


def test_a_full_disk_loses_no_completion_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = CompletionCache(tmp_path / "c.sqlite", CacheOptions(retry_seconds=0))
    engine = CachedEngine(LocalEngine(), cache)
    requests = [chat(f"q {n} {os.urandom(800).hex()}") for n in range(200)]
    with cache.connected() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    with caplog.at_level(logging.WARNING):
        results = engine.complete(requests)
    assert texts(results) == texts([echo(request) for request in requests])
    assert "is full" in engine.problem
    assert sum("The run goes on" in record.message for record in caplog.records) == 1
    kept = cache.stats().entries
    assert 0 < kept < 200
    # Space is made: all that was held gets stored with the next completion.
    with cache.connected() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    engine.complete([chat("one more")])
    assert engine.problem == ""
    assert cache.stats().entries == 201


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root"
)
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        engine = CachedEngine(LocalEngine(), CompletionCache(small / "c.sqlite"))
        requests = [chat(f"q {n} {os.urandom(800).hex()}") for n in range(400)]
        results = engine.complete(requests)
        assert texts(results) == texts([echo(request) for request in requests])
        assert "is full" in engine.problem
        assert sum(one is not None for one in engine.complete(requests[:5])) == 5
        with pytest.raises(CacheError, match="is full"):
            CompletionCache(small / "another.sqlite")
        engine.cache.close()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


# -- kill -9 -----------------------------------------------------------------------------

BATCH = """
import os, sys
from pathlib import Path
from xpoll_dagster.writing.completion import CachedEngine, CompletionCache
from xpoll_dagster_tests.writing.completion.engines import LocalEngine, chat
path, log, whole = Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND), sys.argv[3]

class Logging(LocalEngine):
    def complete(self, requests, on_completion=None):
        os.write(log, f"sent {len(requests)}\\n".encode())
        def arrived(place, completion):
            number = requests[place].messages[-1].content.split()[1]
            os.write(log, f"arrived {number}\\n".encode())
            on_completion(place, completion)
            os.write(log, f"kept {number}\\n".encode())
        return super().complete(requests, arrived)

engine = CachedEngine(Logging(seconds=0.004), CompletionCache(path))
results = engine.complete([chat(f"question {n}") for n in range(int(whole))])
os.write(log, b"done\\n")
"""


def start(path: Path, log: Path) -> subprocess.Popen[bytes]:
    log.touch()
    return subprocess.Popen([sys.executable, "-c", BATCH, str(path), str(log), str(WHOLE)])


def numbers(log: Path, word: str) -> list[str]:
    lines = [line.split() for line in log.read_text().splitlines()]
    return [line[1] for line in lines if line[0] == word]


@pytest.mark.slow
def test_after_kill_9_exactly_the_missing_requests_are_sent(tmp_path: Path) -> None:
    path, log = tmp_path / "c.sqlite", tmp_path / "log"
    for goal in (60, 200):  # twice, and the second continues the first
        process = start(path, log)
        deadline = time.monotonic() + 60
        while len(numbers(log, "kept")) < goal and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    arrived, kept = numbers(log, "arrived"), numbers(log, "kept")
    assert len(kept) == len(set(kept))  # nothing that was kept was sent again
    assert set(arrived) - set(kept) <= {arrived[-1], *_last_of_first_run(log)}
    assert 200 <= len(kept) < WHOLE

    inner = LocalEngine()
    results = CachedEngine(inner, CompletionCache(path)).complete(
        [chat(f"question {n}") for n in range(WHOLE)]
    )
    sent = {request.messages[-1].content.split()[1] for request in inner.sent}
    # One may have been stored in the moment between its arrival and the word that it was.
    unsure = set(arrived) - set(kept)
    everything = {str(n) for n in range(WHOLE)}
    assert sent - unsure == everything - set(arrived)
    assert texts(results) == [f"Answer to: question {n}" for n in range(WHOLE)]


def _last_of_first_run(log: Path) -> list[str]:
    lines = log.read_text().splitlines()
    second = max(place for place, line in enumerate(lines) if line.startswith("sent"))
    return [line.split()[1] for line in lines[:second] if line.startswith("arrived")][-1:]


@pytest.mark.slow
def test_two_processes_ask_the_same_at_once(tmp_path: Path) -> None:
    path, logs = tmp_path / "c.sqlite", [tmp_path / "a", tmp_path / "b"]
    processes = [start(path, log) for log in logs]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert all("done" in log.read_text() for log in logs)
    with CompletionCache(path) as cache:
        assert cache.stats().entries == WHOLE
        inner = LocalEngine()
        CachedEngine(inner, cache).complete([chat(f"question {n}") for n in range(WHOLE)])
        assert inner.sent == []
