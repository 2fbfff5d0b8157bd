"""Running one function in a child process under limits of time, memory and file size.

The child gets its request as JSON and gives its result back as JSON or in files that the
request names; nothing that comes from it is ever unpickled. The child's side is `child`.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, Field

_MAX_RESULT_BYTES = 64 << 20
_MAX_PROGRESS_LINE = 1 << 16
_STDERR_TAIL = 2000
_MEMORY_EXIT = 97  # what `child` exits with when it runs out of memory


class Limits(BaseModel):
    """What a child process may use. Null lifts a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wall_seconds: float | None = Field(
        default=3600.0, gt=0, description="Time from start to end, after which it is killed."
    )
    idle_seconds: float | None = Field(
        default=600.0, gt=0, description="Time without any progress, after which it is killed."
    )
    cpu_seconds: int | None = Field(
        default=7200, gt=0, description="Processor time of each process of the child."
    )
    memory_bytes: int | None = Field(
        default=4 << 30,
        gt=0,
        description="Memory that each process of the child may write to. Address space that is "
        "only reserved or mapped from files, as numerical libraries do by the gigabyte, does "
        "not count.",
    )
    file_bytes: int | None = Field(
        default=4 << 30, gt=0, description="Size of any one file that the child writes."
    )


class LimitExceeded(Exception):  # noqa: N818 - reads as what happened
    """The child used more than it may; the message is one sentence for a person."""


class ChildFailed(Exception):  # noqa: N818
    """The child's function raised an error, or its process died.

    `kind` is the class name of the child's exception, or the name of the signal that killed
    it; the message is the exception's own. `details` is the end of what the child wrote to
    its standard error, for a log.
    """

    def __init__(self, message: str, *, kind: str, details: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.details = details


def run_limited(
    target: str,
    request: Mapping[str, Any],
    limits: Limits,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Run `module:function` in a child process and return its result.

    The function is called as `function(request, progress)` and returns a JSON object;
    `progress(done, total)` there calls `on_progress(done, total)` here. The child and
    everything that it starts form one process group, which is killed when a limit is
    exceeded, when this call is left by an exception, and when this process dies.

    Raises:
        LimitExceeded: the child took too long or too much memory.
        ChildFailed: the function raised, or the process died otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="xpoll-child-") as name:
        folder = Path(name)
        result_file = folder / "result.json"
        order = {
            "target": target,
            "request": dict(request),
            "result": str(result_file),
            "limits": limits.model_dump(),
            "path": [entry or os.getcwd() for entry in sys.path],  # noqa: PTH109
        }
        with (folder / "stderr").open("w+b") as errors:
            child = _Child(order, errors)
            try:
                code, out_of_time = child.follow(limits, on_progress)
            finally:
                child.kill()
            if out_of_time is not None:
                raise LimitExceeded(out_of_time)
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - _STDERR_TAIL))
            details = errors.read().decode("utf-8", errors="replace")
        return _result(result_file, code, details, limits)


class _Child:
    """A started child process, with the pipes to it."""

    def __init__(self, order: Mapping[str, Any], errors: IO[bytes]) -> None:
        read, write = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "xpoll_dagster.compute.child", str(write)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(write,),
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(order["path"])},
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        self.progress = read
        if self.process.stdin is None:
            raise RuntimeError("the child was started without a pipe to it")
        # The pipe stays open behind the request: the child takes its closing as our death.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()

    def follow(
        self, limits: Limits, on_progress: Callable[[int, int], None] | None
    ) -> tuple[int, str | None]:
        """Pass progress on until the child ends; its exit code, or which time ran out."""
        began = heard = time.monotonic()
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.progress, selectors.EVENT_READ)
            while True:
                now = time.monotonic()
                if limits.wall_seconds is not None and now - began > limits.wall_seconds:
                    return 0, f"It took longer than the {limits.wall_seconds:g} s allowed."
                if limits.idle_seconds is not None and now - heard > limits.idle_seconds:
                    return 0, f"It made no progress for {limits.idle_seconds:g} s."
                if not selector.select(timeout=0.5):
                    continue
                chunk = os.read(self.progress, _MAX_PROGRESS_LINE)
                if not chunk:
                    break
                heard = time.monotonic()
                *lines, rest = (rest + chunk).split(b"\n")
                rest = rest[:_MAX_PROGRESS_LINE]
                for line in lines:
                    numbers = line.split()
                    if on_progress is not None and len(numbers) == 2:
                        with contextlib.suppress(ValueError):
                            done, total = int(numbers[0]), int(numbers[1])
                            on_progress(done, total)
        return self.process.wait(), None

    def kill(self) -> None:
        """End the whole process group, whatever is left of it, and close the pipes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.progress)
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()


def _result(file: Path, code: int, details: str, limits: Limits) -> dict[str, Any]:
    memory = "" if limits.memory_bytes is None else f" of {limits.memory_bytes / 2**30:.3g} GiB"
    if code == _MEMORY_EXIT:
        raise LimitExceeded(f"It needs more memory than the limit{memory} allows.")
    if code in {-signal.SIGXCPU, 128 + signal.SIGXCPU}:
        raise LimitExceeded(f"It took more processor time than the {limits.cpu_seconds} s allowed.")
    if code in {-signal.SIGXFSZ, 128 + signal.SIGXFSZ}:
        raise LimitExceeded("It wrote a larger file than allowed.")
    if code > 128 or code < 0:
        name = _signal_name(abs(code) if code < 0 else code - 128)
        raise ChildFailed(
            f"The process that read it was ended by {name}.", kind=name, details=details
        )
    try:
        if file.stat().st_size > _MAX_RESULT_BYTES:
            raise ChildFailed("Its result is larger than allowed.", kind="result", details=details)
        answer = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ChildFailed(
            f"The process that read it ended without a result (exit code {code}).",
            kind="exit",
            details=details,
        ) from error
    if "error" in answer:
        raise ChildFailed(answer["error"]["message"], kind=answer["error"]["kind"], details=details)
    return answer["result"]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
