"""Functions that the sandbox's tests run in child processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Progress = Callable[[int, int], None]


class PaperJamError(Exception):
    """An error of the tests' own."""


def echo(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    for done in range(3):
        progress(done + 1, 3)
    return {"heard": request}


def fail(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    raise PaperJamError("The paper is stuck in tray 2.")


def sleep(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    Path(request["pid_file"]).write_text(f"{os.getpid()} {helper.pid}")
    time.sleep(120)
    return {}


def spin(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    while True:
        pass


def hoard(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    kept = [bytearray(b"x" * (16 << 20)) for _ in range(request["pieces"])]
    return {"pieces": len(kept)}


def die(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    os.kill(os.getpid(), 11)
    return {}


def write_much(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    with Path(request["file"]).open("wb") as stream:
        stream.writelines(b"x" * (1 << 20) for _ in range(64))
    return {}


def chatter(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    os.write(1, b"this goes nowhere")
    os.write(2, b"y" * 100_000)
    progress(1, 1)
    return {"fine": True}
