"""A Ray cluster of two nodes on this machine, and tasks for it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.writing.engines.model import ChatRequest, Completion, EngineError, OnCompletion

# Ray reads these when it is first imported, in the driver (this process) and in every node.
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = os.environ.get("RAY_AUTH_TOKEN") or secrets.token_hex(32)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def descendants(pid: int) -> list[int]:
    """A process and all that it started, parents first."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for known in found:
        found.extend(parents.get(known, []))
    return found


class Nodes:
    """A head and further nodes, each with its own raylet and object store.

    With a dashboard the head takes Ray jobs at `jobs_address`, and there is no second node.
    """

    def __init__(self, *, dashboard: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="xray", dir="/tmp"))
        self.address = f"127.0.0.1:{free_port()}"
        self._processes: list[subprocess.Popen] = []
        ports = [int(self.address.rpartition(":")[2])]
        arguments = ["--include-dashboard=false"]
        if dashboard:
            ports.append(free_port())
            self.jobs_address = f"http://127.0.0.1:{ports[1]}"
            arguments = [
                "--include-dashboard=true",
                "--dashboard-host=127.0.0.1",
                f"--dashboard-port={ports[1]}",
                f"--dashboard-agent-listen-port={free_port()}",
            ]
        self._start(
            "--head", f"--port={ports[0]}", *arguments, f"--temp-dir={self._folder / 'ray'}"
        )
        for port in ports:
            self._wait_for_port(port)
        if dashboard:
            self._wait_for_jobs()
        else:
            self.add()

    def _wait_for_jobs(self) -> None:
        # The dashboard tries its port before it serves there: an open port says nothing yet.
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{self.jobs_address}/api/version", timeout=10).close()
                return
            except urllib.error.HTTPError:  # it asks for the token, so it is there
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _wait_for_port(self, port: int) -> None:
        deadline = time.monotonic() + 90
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _start(self, *arguments: str) -> None:
        ray = Path(sys.executable).parent / "ray"
        command = [
            str(ray),
            "start",
            "--block",
            "--disable-usage-stats",
            "--num-cpus=3",
            "--include-log-monitor=false",
            "--object-store-memory=200000000",
            "--node-ip-address=127.0.0.1",
            *arguments,
        ]
        with (self._folder / f"node{len(self._processes)}.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)

    def add(self) -> None:
        """Start a further node."""
        self._start(f"--address={self.address}")

    def kill_last(self) -> None:
        """Kill the last node with all its workers, as a power cut does."""
        self._kill(self._processes.pop())

    def replace_killed(self) -> None:
        """Start a node in place of one that was killed; the driver must be connected.

        The head learns of a death by missing heartbeats. Before that, the dead node and the head
        are two that seem alive, and who counts the cluster's room then may count one node.
        """
        self.wait_for(1)
        self.add()
        self.wait_for(2)

    def stop(self) -> None:
        while self._processes:
            self._kill(self._processes.pop())
        shutil.rmtree(self._folder, ignore_errors=True)

    def _kill(self, process: subprocess.Popen) -> None:
        for pid in descendants(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(30)

    def wait_for(self, count: int) -> None:
        """Wait until so many nodes are there; the driver must be connected."""
        import ray

        deadline = time.monotonic() + 180
        while (alive := sum(node["Alive"] for node in ray.nodes())) != count:
            assert time.monotonic() < deadline, f"{alive} nodes are alive, not {count}"
            time.sleep(0.2)

    def options(self, **settings: object) -> ComputeOptions:
        return ComputeOptions.model_validate(
            {"kind": "ray", "address": self.address, "partitions": 5, **settings}
        )


@contextlib.contextmanager
def two_nodes() -> Iterator[Nodes]:
    with _started() as nodes:
        yield nodes


@contextlib.contextmanager
def head_that_takes_jobs() -> Iterator[Nodes]:
    with _started(dashboard=True) as nodes:
        yield nodes


@contextlib.contextmanager
def _started(*, dashboard: bool = False) -> Iterator[Nodes]:
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    if not Path("/proc/self/stat").exists():
        pytest.skip("nodes are killed by what /proc tells of them")
    nodes = Nodes(dashboard=dashboard)
    try:
        yield nodes
    finally:
        nodes.stop()


class Echo:
    """An engine that answers with the question, and where and how often it was asked."""

    model = "echo"

    def __init__(self, log: str = "") -> None:
        self.log = log

    @property
    def identity(self) -> dict[str, str]:
        return {"model": "echo"}

    def complete(
        self, requests: Sequence[ChatRequest], on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        if self.log:
            with Path(self.log).open("a") as log:
                log.writelines(f"{request.messages[-1].content!r}\n" for request in requests)
        if any("mute" in request.messages[-1].content for request in requests):
            raise EngineError("The model is mute: choose another.")
        return [
            Completion(
                f"{request.sampling.temperature} {request.messages[-1].content}", "stop", 3, 4
            )
            for request in requests
        ]


class Doubler:
    """Doubles a column, and tells where and for which time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.calls = 0

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        import ray

        time.sleep(self.seconds)
        self.calls += 1
        node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "here"
        return frame.select(
            pl.col("x") * 2, worker=pl.lit(f"{node}/{os.getpid()}"), call=pl.lit(self.calls)
        )


def double(seconds: float = 0.0) -> Doubler:
    return Doubler(seconds)


def lethal() -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Ends its process over one batch, as a bug in native code does."""

    def work(frame: pl.DataFrame) -> pl.DataFrame:
        if frame["x"][0] == 5:
            os._exit(1)
        return frame

    return work


class Flaky:
    """Fails once for each batch, and always for a poisoned one."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        number = frame["x"][0]
        if number == 13:
            raise ValueError("13 cannot be done")
        mark = self.folder / str(number)
        if not mark.exists():
            mark.touch()
            raise ConnectionError("once")
        return frame


def flaky(folder: str) -> Flaky:
    return Flaky(folder)


def smallest(frame: pl.DataFrame) -> pl.DataFrame:
    """For each key its smallest row."""
    return frame.group_by("key").agg(pl.col("row").min(), pl.len()).sort("key")


def refuse(frame: pl.DataFrame) -> pl.DataFrame:
    raise ValueError(f"{frame.height} rows are too many")
