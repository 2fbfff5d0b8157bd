"""The child's side of `sandbox`: puts on the limits, calls the function, writes the result.

Two processes: a keeper, which only waits, and the worker, its child. When the parent dies the
keeper kills the group, so no tesseract is left behind; when the keeper dies the worker does.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

_MEMORY_EXIT = 97
_PR_SET_PDEATHSIG = 1


def main() -> NoReturn:
    """Read the order from standard input, do it, exit with the worker's exit code."""
    progress = int(sys.argv[1])
    order = json.loads(_first_line(0))
    # Only the worker holds the writing end: its closing tells the keeper that the worker is
    # gone, without a signal handler.
    alive_read, alive_write = os.pipe()
    keeper = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.close(alive_read)
        _die_with(keeper)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os._exit(_work(order, progress))
    os.close(alive_write)
    os.close(progress)
    ready, _, _ = select.select([0, alive_read], [], [])
    if alive_read not in ready:  # the parent's pipe closed first
        os.killpg(0, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _first_line(descriptor: int) -> bytes:
    """Read up to the first line end and not beyond what has come, leaving the pipe open."""
    received = b""
    while not received.endswith(b"\n"):
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            sys.exit("the parent process is gone")
        received += chunk
    return received


def _die_with(keeper: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)


def _limit(limits: Mapping[str, Any]) -> None:
    """Put on the limits; all that the worker starts inherits them.

    Memory is limited by RLIMIT_DATA, which counts private writable memory. RLIMIT_AS would
    also count what libraries reserve or map from files: PyMuPDF and an ONNX model alone
    reserve gigabytes on a machine with many cores.
    """
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_DATA: limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
    }
    for kind, value in wanted.items():
        if value is None:
            continue
        _, hard = resource.getrlimit(kind)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # At the soft limit of processor time comes a signal that can be told from a plain kill.
        above = most + 5 if kind == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else most
        resource.setrlimit(kind, (most, above))


def _work(order: Mapping[str, Any], progress: int) -> int:
    _limit(order["limits"])

    def tell(done: int, total: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(progress, b"%d %d\n" % (done, total))

    code = 0
    try:
        answer: dict[str, Any] = {"result": _function(order["target"])(order["request"], tell)}
    except MemoryError:
        return _MEMORY_EXIT
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told
        if _ran_out_of_memory(error):
            return _MEMORY_EXIT
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return 128 + signal.SIGXFSZ  # the signal itself Python ignores
        answer = {"error": {"kind": type(error).__name__, "message": str(error)}}
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    Path(order["result"]).write_text(json.dumps(answer), encoding="utf-8")
    return code


def _ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, is C code's way of saying so."""
    while error is not None:
        said = str(error).lower()
        if isinstance(error, MemoryError) or "bad_alloc" in said or "malloc" in said:
            return True
        error = error.__cause__ or error.__context__
    return False


def _function(
    target: str,
) -> Callable[[dict[str, Any], Callable[[int, int], None]], dict[str, Any]]:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


if __name__ == "__main__":
    main()
