"""The vendor's batch API: handed in once, collected later, nothing lost when killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from xpoll_dagster.writing.engines.batch_records import BatchPendingError, custom_ids
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, EngineError
from xpoll_dagster.writing.engines.openai import OpenAIEngine
from xpoll_dagster.writing.engines.options import OpenAIOptions
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.writing.engines.asking import SCHEMA, chats
from xpoll_dagster_tests.writing.engines.fault_server import FaultServer


def engine(server: FaultServer, state: Path, **more: Any) -> OpenAIEngine:
    quick = {"backoff_s": 0.01, "longest_backoff_s": 0.05, "batch_poll_s": 0.05}
    options = OpenAIOptions(base_url=server.base_url, model="m", use_batch_api=True,
                            **{**quick, **more})  # fmt: skip
    return OpenAIEngine(options, state_dir=state)


def records(state: Path) -> list[Path]:
    return list(state.glob("batch-*.json"))


def texts(completions: list[Completion]) -> list[str]:
    return [c.text for c in completions]


def test_handed_in_then_collected(tmp_path: Path):
    with FaultServer() as server:
        server.batches.polls = 1
        with pytest.raises(BatchPendingError, match=r"batch_0.*run again later") as caught:
            engine(server, tmp_path).complete(chats(*range(10)))
        assert caught.value.batch_ids == ("batch_0",)
        assert caught.value.pending == 10
        with pytest.raises(BatchPendingError):  # looked at, not done, not handed in again
            engine(server, tmp_path).complete(chats(*range(10)))
        handed = []
        results = engine(server, tmp_path).complete(
            chats(*range(10)), lambda i, c: handed.append(i)
        )
    assert texts(results) == [f"PROMPT {i}" for i in range(10)]
    assert sorted(handed) == list(range(10))
    assert set(server.batches.submitted.values()) == {1}
    assert len(server.batches.batches) == 1
    assert records(tmp_path) == []
    assert [p.name for p in tmp_path.iterdir()] == ["lock"]


def test_a_run_may_wait(tmp_path: Path):
    with FaultServer() as server:
        server.batches.polls = 3
        results = engine(server, tmp_path, batch_wait_s=10).complete(chats(1, 2))
    assert texts(results) == ["PROMPT 1", "PROMPT 2"]
    assert not server.calls


def test_only_what_is_in_no_batch_is_handed_in_and_all_can_be_collected(tmp_path: Path):
    with FaultServer() as server:
        server.batches.polls = 2
        for wanted in (chats(0, 1, 2), chats(2, 3)):
            with pytest.raises(BatchPendingError):
                engine(server, tmp_path).complete(wanted)
        assert sorted(server.batches.submitted.values()) == [1, 1, 1, 1]
        time.sleep(0.01)
        # Another selection: what it does not ask for stays to be collected.
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(3, 1))
        assert texts(results) == ["PROMPT 3", "PROMPT 1"]
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(2, 0))
        assert texts(results) == ["PROMPT 2", "PROMPT 0"]
        assert records(tmp_path) == []
    assert set(server.batches.submitted.values()) == {1}


def test_equal_requests_are_draws_of_their_own(tmp_path: Path):
    with FaultServer() as server:
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(1, 1, 1))
    assert texts(results) == ["PROMPT 1"] * 3
    assert len(server.batches.submitted) == 3


def test_limits_of_a_batch(tmp_path: Path):
    with FaultServer() as server:
        one = engine(server, tmp_path, batch_wait_s=5, batch_max_requests=3)
        assert len(one.complete(chats(*range(8)))) == 8
        assert len(server.batches.batches) == 3
        two = engine(server, tmp_path, batch_wait_s=5, batch_max_bytes=10_000)
        long = [ChatRequest((Message("user", f"{i}" + "x" * 4000),)) for i in range(4)]
        over = ChatRequest((Message("user", "y" * 20_000),))
        results = two.complete([*long, over])
    assert [c.finish_reason for c in results] == ["stop"] * 4 + ["error"]
    assert len(server.batches.batches) == 5


def test_cut_connections_submit_nothing_twice(tmp_path: Path):
    with FaultServer() as server:
        server.batches.cut_creates = 2
        server.batches.cut_uploads = 2
        server.batches.cut_downloads = 2
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(*range(5)))
    assert len(results) == 5
    assert len(server.batches.batches) == 1
    assert set(server.batches.submitted.values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize("unlisted", [0, 1])
def test_killed_between_handing_in_and_writing_it_down(tmp_path: Path, unlisted: int):
    script = """
        import sys
        from pathlib import Path
        from xpoll_dagster.writing.engines.model import ChatRequest
        from xpoll_dagster.writing.engines.openai import OpenAIEngine
        from xpoll_dagster.writing.engines.options import OpenAIOptions
        from xpoll_dagster.writing.model import Message
        options = OpenAIOptions(base_url=sys.argv[1], model="m", use_batch_api=True)
        engine = OpenAIEngine(options, state_dir=Path(sys.argv[2]))
        engine.complete([ChatRequest((Message("user", f"prompt {n}"),)) for n in range(5)])
    """
    with FaultServer() as server:
        server.batches.create_delay_s = 30
        # Older batches of others: the list has pages.
        for n in range(5):
            server.batches.batches[f"other_{n}"] = {
                "id": f"other_{n}", "status": "completed", "created_at": int(time.time()),
            }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), server.base_url, str(tmp_path)]
        )
        while len(server.batches.batches) < 6:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (record,) = records(tmp_path)
        assert json.loads(record.read_text())["batch_id"] == ""
        server.batches.create_delay_s = 0
        server.batches.unlisted = unlisted
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(*range(5)))
    assert len(results) == 5
    assert set(server.batches.submitted.values()) == {1}


def test_killed_before_it_was_made(tmp_path: Path):
    with FaultServer() as server:
        server.batches.cut_uploads = 99
        with pytest.raises(EngineError, match="cut the connection"):
            engine(server, tmp_path, max_retries=2).complete(chats(1, 2))
        assert len(records(tmp_path)) == 1
        server.batches.cut_uploads = 0
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(1, 2))
    assert texts(results) == ["PROMPT 1", "PROMPT 2"]
    assert len(server.batches.batches) == 1
    assert records(tmp_path) == []


def test_expired_requests_are_handed_in_again_alone(tmp_path: Path):
    with FaultServer() as server:
        server.batches.outcome = "expired"
        handed: list[int] = []
        one = engine(server, tmp_path)
        requests = chats(*range(6))
        with pytest.raises(BatchPendingError):
            one.complete(requests)
        with pytest.raises(BatchPendingError) as caught:
            one.complete(requests, lambda i, c: handed.append(i))
        assert sorted(handed) == [0, 2, 4]
        assert caught.value.pending == 3
        server.batches.outcome = "completed"
        assert texts(one.complete([requests[i] for i in (1, 3, 5)])) == [
            f"PROMPT {i}" for i in (1, 3, 5)
        ]
    assert sorted(server.batches.submitted.values()) == [1, 1, 1, 2, 2, 2]


def test_a_cancelled_batch_gives_what_it_has_and_ends_the_run(tmp_path: Path):
    with FaultServer() as server:
        server.batches.outcome = "cancelled"
        handed: list[int] = []
        with pytest.raises(EngineError, match="was cancelled: run again to hand in the 2"):
            engine(server, tmp_path, batch_wait_s=5).complete(
                chats(*range(4)), lambda i, c: handed.append(i)
            )
        assert sorted(handed) == [0, 2]
        assert records(tmp_path) == []


def test_a_failed_batch_says_why_and_the_next_run_starts_anew(tmp_path: Path):
    with FaultServer() as server:
        server.batches.outcome = "failed"
        with pytest.raises(EngineError, match="Enqueued token limit reached") as caught:
            engine(server, tmp_path, batch_wait_s=5).complete(chats(1))
        assert not isinstance(caught.value, BatchPendingError)
        server.batches.outcome = "completed"
        assert texts(engine(server, tmp_path, batch_wait_s=5).complete(chats(1))) == ["PROMPT 1"]


def test_single_requests_fail_alone(tmp_path: Path):
    too_long = {"error": {"message": "maximum context length", "code": "context_length_exceeded"}}
    names = custom_ids({"engine": "openai", "model": "m", "revision": "", "extra_body": {}},
                       chats(*range(5)))  # fmt: skip
    lines = {
        names[0]: (400, too_long),
        names[1]: (500, {"error": {"message": "oops"}}),
        names[2]: (200, {"choices": []}),
        names[3]: "expired",
    }
    with FaultServer() as server:
        batches = server.batches
        batches.line_fault = lambda name, attempt: lines.get(name) if attempt < 3 else None
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(*range(5)))
        assert [c.finish_reason for c in results] == ["error", *["stop"] * 4]
        assert sorted(batches.submitted.values()) == [1, 1, 3, 3, 3]
        batches.line_fault = lambda name, attempt: "expired"
        (never,) = engine(server, tmp_path, batch_wait_s=5).complete(chats(9))
    assert never.error == "The request got no answer in 3 batches."


def test_a_refused_schema_is_asked_for_otherwise(tmp_path: Path):
    with FaultServer(refuses=("json_schema",)) as server:
        results = engine(server, tmp_path, batch_wait_s=5).complete(chats(1, 2, schema=SCHEMA))
    assert [c.finish_reason for c in results] == ["stop", "stop"]
    assert sorted(server.batches.submitted.values()) == [2, 2]


def test_records_that_cannot_be_trusted(tmp_path: Path):
    with FaultServer() as server:
        server.batches.polls = 99
        with pytest.raises(BatchPendingError):
            engine(server, tmp_path).complete(chats(1))
        server.batches.batches.clear()
        with pytest.raises(EngineError, match="does not know batch batch_0"):
            engine(server, tmp_path).complete(chats(1))
        (record,) = records(tmp_path)
        record.write_text("{")
        with pytest.raises(EngineError, match="no record of a batch"):
            engine(server, tmp_path).complete(chats(1))
    assert len(server.batches.submitted) == 1


def test_a_place_for_records_is_needed():
    with pytest.raises(ValueError, match="state_dir"):
        OpenAIEngine(OpenAIOptions(use_batch_api=True))
