"""A real `xpoll dev` (daemon, code server, UI) over a library in a temporary folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg

from xpoll_dagster.defs.home import OPENING
from xpoll_dagster.storage.lock import held_alone
from xpoll_dagster_tests.e2e.processes import kill_all

CHECKOUT = Path(__file__).resolve().parents[2]
XPOLL = [sys.executable, "-m", "xpoll_dagster.cli"]


class Dev:
    """`xpoll dev` with the sensor on and short intervals."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.log = data / "dev.log"
        self.environment = {
            name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"
        } | {
            "XPOLL_DATA_DIR": str(data),
            "XPOLL_AUTOMATION__ENABLED": "true",
            "XPOLL_AUTOMATION__INTERVAL_SECONDS": "2",
            "XPOLL_AUTOMATION__SETTLE_SECONDS": "6",
            "COLUMNS": "250",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on a free port; returns at once."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*XPOLL, "dev", "--port", str(port)],
                env=self.environment,
                cwd=CHECKOUT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """`kill -9` for the process and every one below it, the runs too."""
        kill_all(self.data)
        if self.process is not None:
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End it as a service manager does, and whatever is left after some seconds by force."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.kill()

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance that the daemon works with, opened beside it."""
        home = self.data / ".dagster"
        with held_alone(home / OPENING):
            opened = dg.DagsterInstance.from_config(str(home))
        with opened as instance:
            yield instance

    def wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Look until it is done; fails with the end of the log when time is out."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"xpoll dev ended by itself: {self._tail()}")
            # The daemon makes Dagster's home when it starts.
            if (self.data / ".dagster" / "dagster.yaml").exists() and done():
                return
            time.sleep(0.5)
        raise AssertionError(f"{what} did not happen within {seconds:g} s: {self._tail()}")

    def status(self) -> str:
        """What `xpoll status` says."""
        said = subprocess.run(
            [*XPOLL, "status"],
            env=self.environment,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    def _tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]


def manifests(data: Path) -> Mapping[str, dict[str, object]]:
    """What the store says of every artifact, by `asset` or `asset@partition`."""
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text(encoding="utf-8"))
        for file in sorted((data / "artifacts" / ".manifests").glob("*.json"))
        if not file.name.endswith(".failed.json")
    }
