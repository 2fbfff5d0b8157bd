"""The engine for OpenAI's API against a real server that goes wrong."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import Any

import pytest
from pydantic import SecretStr

from xpoll_dagster.writing.engines.loading import load_engine
from xpoll_dagster.writing.engines.model import Completion, EngineError
from xpoll_dagster.writing.engines.openai import OpenAIEngine
from xpoll_dagster.writing.engines.options import OpenAIOptions
from xpoll_dagster_tests.writing.engines.asking import chats, complete, free_port, options
from xpoll_dagster_tests.writing.engines.fault_server import (
    CUT,
    EMPTY,
    NO_CHOICES,
    NULL_CONTENT,
    RATE_LIMITED,
    SERVER_ERROR,
    UNAVAILABLE,
    WRONG_JSON,
    Fault,
    FaultServer,
    always,
    first,
    random_faults,
)


class TestManyFaults:
    @pytest.mark.parametrize(
        ("n", "seed"),
        [
            (200, 6),
            pytest.param(1000, 7, marks=pytest.mark.slow),
            pytest.param(1000, 8, marks=pytest.mark.slow),
        ],
    )
    def test_none_lost_none_doubled_order_kept(self, n: int, seed: int):
        with FaultServer(random_faults(seed, share=0.3)) as server:
            engine = OpenAIEngine(
                options(server, longest_backoff_s=0.1, max_retries=15, max_empty_retries=15)
            )
            handed: Counter[int] = Counter()
            results = engine.complete(chats(*range(n)), lambda i, c: handed.update([i]))
        assert [c.text for c in results] == [f"PROMPT {i}" for i in range(n)]
        assert {c.finish_reason for c in results} == {"stop"}
        assert set(handed.values()) == {1}
        assert len(handed) == n
        assert server.answered == {f"prompt {i}": 1 for i in range(n)}
        assert len(server.calls) > 1.2 * n  # the faults did happen

    @pytest.mark.parametrize(
        "fault",
        [RATE_LIMITED, SERVER_ERROR, UNAVAILABLE, CUT, WRONG_JSON, NO_CHOICES, EMPTY, NULL_CONTENT,
         Fault(cut=True, status=500), Fault(delay_s=0.6), Fault(status=408), Fault(status=529),
         Fault(body=b"[" * 100_000), Fault(body=b'{"choices": [1]}'), Fault(body=b"null"),
         Fault(body=b'{"choices": [{"message": {"content": "\\ud800"}}]}'),
         Fault(body=b"<html>502</html>"), Fault(choice={"finish_reason": "abort"}),
         Fault(body=b'{"error": {"message": "no worker"}}')],
    )  # fmt: skip
    def test_one_fault_is_got_over(self, fault: Fault):
        with FaultServer(first(fault)) as server:
            (completion,) = complete(server, request_timeout_s=0.4)
        assert completion == Completion("PROMPT 0", "stop", 2, 2)
        assert len(server.calls) == 2

    @pytest.mark.parametrize("fault", [CUT, SERVER_ERROR, WRONG_JSON, NO_CHOICES, EMPTY])
    def test_a_request_that_alone_fails_ends_alone(self, fault: Fault):
        with FaultServer(lambda call: fault if call.prompt == "prompt 3" else None) as server:
            results = complete(server, 6, max_retries=3)
        assert [c.finish_reason for c in results] == ["stop"] * 3 + ["error"] + ["stop"] * 2
        assert results[3].text == ""
        assert results[3].error.endswith(".")
        assert Counter(c.prompt for c in server.calls)["prompt 3"] <= 4

    def test_a_body_that_never_ends_is_cut_off(self):
        huge = Fault(body=b'{"a": "' + b"x" * 200_000 + b'"}')
        with FaultServer(lambda call: huge if call.prompt == "prompt 0" else None) as server:
            results = complete(server, 2, max_retries=1, max_response_bytes=100_000)
        assert "more than 100,000 bytes" in results[0].error
        assert results[1].text == "PROMPT 1"


class TestEngineErrors:
    def check(self, server: FaultServer | str, *words: str, n: int = 20, **more: Any) -> str:
        began = time.monotonic()
        with pytest.raises(EngineError) as caught:
            complete(server, n, **{"max_retries": 3, **more})
        assert time.monotonic() - began < 8
        for word in words:
            assert word in str(caught.value)
        return str(caught.value)

    def test_server_down(self):
        url = f"http://127.0.0.1:{free_port()}/v1"
        self.check(url, "No server answers at", url, "start it")

    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (Fault(status=401), "refuses the key (401)"),
            (Fault(status=403), "forbids"),
            (Fault(status=404), "no model 'm'"),
            (Fault(status=402), "quota"),
            (Fault(status=307, headers={"location": "http://127.0.0.2/"}), "redirects"),
            (Fault(status=429, body=b'{"error": {"code": "insufficient_quota"}}'), "used up"),
            (Fault(status=429), "no capacity"),
            (Fault(status=500), "fails (500)"),
            (Fault(status=400), "rejects the request"),
            (Fault(body=b"<html>hello</html>"), "no whole JSON"),
            (Fault(status=429, headers={"retry-after": "7200"}), "7,200 s"),
            (Fault(headers={"content-encoding": "gzip"}, body=b"x"), "compresses"),
        ],
    )
    def test_a_server_that_answers_nobody(self, fault: Fault, words: str):
        with FaultServer(always(fault)) as server:
            self.check(server, words)
        assert len(server.calls) < 110

    def test_wrong_key_and_wrong_model(self):
        with FaultServer(key="right", model="other") as server:
            self.check(server, "key (401)")
            with pytest.raises(EngineError, match=r"no model 'm'.*does not exist"):
                OpenAIEngine(options(server), SecretStr("right\n")).complete(chats(0))
            good = OpenAIEngine(options(server).model_copy(update={"model": "other"}),
                                SecretStr("right"))  # fmt: skip
            assert good.complete(chats(0))[0].text == "PROMPT 0"

    def test_what_finished_before_was_handed_over(self):
        with FaultServer(lambda call: Fault(401) if call.number > 50 else None) as server:
            handed: list[int] = []
            engine = OpenAIEngine(options(server, concurrency=4))
            with pytest.raises(EngineError):
                engine.complete(chats(*range(200)), lambda i, c: handed.append(i))
        assert len(handed) == len(set(handed)) == 50

    def test_a_server_that_dies_on_the_way_marks_no_request(self):
        with FaultServer(lambda call: SERVER_ERROR if call.number > 40 else None) as server:
            handed: list[Completion] = []
            engine = OpenAIEngine(options(server, concurrency=8, max_retries=4))
            with pytest.raises(EngineError, match="fails"):
                engine.complete(chats(*range(200)), lambda i, c: handed.append(c))
        assert len(handed) == 40
        assert all(c.finish_reason == "stop" for c in handed)

    def test_an_error_of_the_callback_is_raised(self):
        def full(index: int, completion: Completion) -> None:
            raise OSError(28, "No space left on device")

        with FaultServer() as server, pytest.raises(OSError, match="No space"):
            OpenAIEngine(options(server, concurrency=2)).complete(chats(*range(50)), full)
        assert len(server.calls) <= 4


class TestCalling:
    def test_within_a_running_event_loop(self):
        async def notebook() -> list[Completion]:
            return complete(server, 3)

        with FaultServer() as server:
            assert len(asyncio.run(notebook())) == 3

    def test_from_many_threads_at_once(self):
        with FaultServer(random_faults(3, 0.2)) as server:
            engine = OpenAIEngine(options(server, max_retries=15, max_empty_retries=15))
            results: list[Completion] = []
            threads = [
                threading.Thread(target=lambda: results.extend(engine.complete(chats(*range(20)))))
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(results) == 80

    def test_callbacks_come_from_the_calling_thread_one_at_a_time(self):
        threads: set[int] = set()
        with FaultServer() as server:
            OpenAIEngine(options(server)).complete(
                chats(*range(20)), lambda i, c: threads.add(threading.get_ident())
            )
        assert threads == {threading.get_ident()}

    def test_nothing_to_do(self):
        assert OpenAIEngine(OpenAIOptions()).complete([]) == []

    def test_loading(self):
        engine = load_engine("openai", OpenAIOptions(model="a", revision="awq"))
        assert engine.model == "a"
        assert engine.identity == {
            "engine": "openai", "model": "a", "revision": "awq", "extra_body": {}
        }  # fmt: skip
        with pytest.raises(ValueError, match="no engine 'x'"):
            load_engine("x")  # pyright: ignore[reportArgumentType]
