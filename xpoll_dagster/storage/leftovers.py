"""What killed processes left half-written."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import psutil

from xpoll_dagster.storage.atomic import WRITING_PREFIX


def sweep(root: Path, older_than_seconds: float) -> int:
    """Remove half-written files and folders below `root`; returns how many were removed.

    What a living process of this machine writes is left alone however long it takes, and what
    is young is left alone for the sake of other machines.
    """
    removed = 0
    for path in root.rglob(f"{WRITING_PREFIX}*"):
        try:
            if time.time() - path.stat().st_mtime < older_than_seconds:
                continue
        except FileNotFoundError:
            continue
        if _writer_lives(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        removed += 1
    return removed


def _writer_lives(path: Path) -> bool:
    number = path.name.removeprefix(WRITING_PREFIX).partition("-")[0]
    try:
        # A process that is younger than what was written has got a dead writer's number.
        return psutil.Process(int(number)).create_time() <= path.stat().st_mtime
    except (ValueError, psutil.Error, FileNotFoundError):
        return False
