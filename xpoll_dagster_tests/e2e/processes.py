"""The processes that work on one data folder, whoever started them."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import psutil


def processes_of(data: Path) -> list[psutil.Process]:
    """All living processes whose environment names the data folder: runs, readers, tesseract."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if (
                process.environ().get("XPOLL_DATA_DIR") == str(data)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
    return found


def kill_all(data: Path) -> int:
    """`kill -9` for all of them, those too that are started meanwhile; returns how many."""
    killed = 0
    deadline = time.monotonic() + 20
    while (left := processes_of(data)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
                killed += 1
        time.sleep(0.05)
    return killed
