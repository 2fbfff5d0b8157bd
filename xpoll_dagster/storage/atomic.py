"""Replacing files and folders whole: readers see the old one or the new one, never half.

Everything is written beside its destination (same file system), flushed to disk and put
in place by rename. What a killed process leaves behind has a name that starts with
`.writing-` and is removed by `ArtifactStore.sweep`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

WRITING_PREFIX = ".writing-"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replace_file(destination: Path) -> Iterator[Path]:
    """Yield a path to write to; on success it becomes `destination`, on error it is removed."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f"{WRITING_PREFIX}{os.getpid()}-", suffix=destination.suffix, dir=destination.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        _sync(temporary)
        temporary.replace(destination)
        _sync(destination.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replace_directory(destination: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it becomes `destination`.

    A non-empty folder cannot be replaced by one rename, so the old one is moved aside
    first; a reader that looks in between finds nothing rather than a mixture.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(
        tempfile.mkdtemp(prefix=f"{WRITING_PREFIX}{os.getpid()}-", dir=destination.parent)
    )
    old: Path | None = None
    try:
        yield temporary
        temporary.chmod(0o755)
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        if destination.exists():
            old = temporary.with_name(f"{temporary.name}-old")
            destination.rename(old)
        try:
            temporary.rename(destination)
        except OSError:
            if old is not None:
                old.rename(destination)
            raise
        _sync(destination.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)


def write_parquet(frame: pl.DataFrame, destination: Path) -> None:
    """Write a frame as zstd Parquet, whole or not at all."""
    with replace_file(destination) as temporary:
        frame.write_parquet(temporary, compression="zstd")
