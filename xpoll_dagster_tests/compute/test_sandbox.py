from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xpoll_dagster.compute import ChildFailed, LimitExceeded, Limits, run_limited

WORKERS = "xpoll_dagster_tests.compute.workers"


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def _wait_until_gone(pids: list[int], seconds: float = 10) -> list[int]:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(_is_alive(pid) for pid in pids):
        time.sleep(0.05)
    return [pid for pid in pids if _is_alive(pid)]


def _pids(file: Path) -> list[int]:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if file.exists() and len(file.read_text().split()) == 2:
            return [int(pid) for pid in file.read_text().split()]
        time.sleep(0.05)
    pytest.fail("the child never started")


def test_result_and_progress_come_back():
    heard = []
    result = run_limited(
        f"{WORKERS}:echo", {"größe": [1, None]}, Limits(), lambda *n: heard.append(n)
    )
    assert result == {"heard": {"größe": [1, None]}}
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_an_error_comes_back_as_its_own_sentence():
    with pytest.raises(ChildFailed, match="The paper is stuck in tray 2") as caught:
        run_limited(f"{WORKERS}:fail", {}, Limits())
    assert caught.value.kind == "PaperJamError"
    assert "PaperJamError" in caught.value.details


def test_a_function_that_does_not_exist_is_an_error_not_a_hang():
    with pytest.raises(ChildFailed):
        run_limited(f"{WORKERS}:absent", {}, Limits())


def test_a_crash_is_named():
    with pytest.raises(ChildFailed, match="SIGSEGV"):
        run_limited(f"{WORKERS}:die", {}, Limits())


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["wall_seconds", "idle_seconds"])
def test_time_runs_out_and_no_process_is_left(tmp_path: Path, limit: str):
    file = tmp_path / "pids"
    began = time.monotonic()
    with pytest.raises(LimitExceeded, match=r"1\.5 s"):
        run_limited(
            f"{WORKERS}:sleep", {"pid_file": str(file)}, Limits.model_validate({limit: 1.5})
        )
    assert time.monotonic() - began < 10
    if file.exists():
        assert _wait_until_gone(_pids(file)) == []


@pytest.mark.slow
def test_processor_time_runs_out():
    with pytest.raises(LimitExceeded, match="processor time"):
        run_limited(f"{WORKERS}:spin", {}, Limits(cpu_seconds=1))


def test_memory_runs_out():
    with pytest.raises(LimitExceeded, match="memory"):
        run_limited(f"{WORKERS}:hoard", {"pieces": 64}, Limits(memory_bytes=256 << 20))


def test_memory_below_the_limit_is_enough():
    limits = Limits(memory_bytes=512 << 20)
    assert run_limited(f"{WORKERS}:hoard", {"pieces": 16}, limits) == {"pieces": 16}


def test_no_file_grows_beyond_the_limit(tmp_path: Path):
    file = tmp_path / "large"
    with pytest.raises(LimitExceeded, match="larger file"):
        run_limited(f"{WORKERS}:write_much", {"file": str(file)}, Limits(file_bytes=4 << 20))
    assert file.stat().st_size <= 4 << 20


def test_output_of_the_child_does_not_stop_it():
    assert run_limited(f"{WORKERS}:chatter", {}, Limits()) == {"fine": True}


def test_an_error_in_the_progress_callback_ends_the_child():
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_limited(f"{WORKERS}:echo", {}, Limits(), stop)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_child_and_what_it_started_die_with_the_parent(tmp_path: Path):
    file = tmp_path / "pids"
    code = (
        "from xpoll_dagster.compute import Limits, run_limited\n"
        f"run_limited('{WORKERS}:sleep', {{'pid_file': {str(file)!r}}}, Limits())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment)
    pids = _pids(file)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _wait_until_gone(pids) == []


def test_starting_a_child_is_quick():
    run_limited(f"{WORKERS}:echo", {}, Limits())
    began = time.monotonic()
    run_limited(f"{WORKERS}:echo", {}, Limits())
    assert time.monotonic() - began < 2  # 0.1 s where nobody else computes
