"""Replacing files and folders whole: readers see the old one or the new one, never half.

Everything is written beside its destination (same file system), flushed to disk and put
in place by rename. What a killed process leaves behind has a name that starts with
`.writing-` and is removed by `ArtifactStore.sweep`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

WRITING_PREFIX = ".writing-"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: Path) -> None:
    """Have a file, or all files of a folder, reach the disk."""
    for file in [path] if path.is_file() else path.rglob("*"):
        if file.is_file():
            sync(file)


@contextmanager
def writing_folder(parent: Path) -> Iterator[Path]:
    """Yield an empty folder of its own below `parent`, removed at the end with what is left."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{WRITING_PREFIX}{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(new: Path, destination: Path) -> None:
    """Make a finished file or folder the one at `destination`; `new` is gone, or the old one.

    A file is replaced by one rename. For a folder Linux exchanges the two names in one step,
    so that a reader finds the old one or the new one at any moment, and the old one is left at
    `new`; where the system cannot do that, the old one is moved aside first, and a reader that
    looks in between finds nothing rather than a mixture.
    """
    if not new.is_dir() or not destination.exists():
        new.replace(destination)
    elif not _exchange(new, destination):
        old = new.with_name(f"{new.name}-old")
        destination.rename(old)
        try:
            new.rename(destination)
        except OSError:
            old.rename(destination)
            raise
        old.rename(new)
    sync(destination.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names (renameat2, Linux 3.15 and glibc 2.28); whether that was possible."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    arguments = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return renameat2(*arguments) == 0


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
        sync(temporary)
        put_in_place(temporary, destination)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replace_directory(destination: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it becomes `destination`, whole."""
    with writing_folder(destination.parent) as temporary:
        yield temporary
        temporary.chmod(0o755)
        sync_tree(temporary)
        put_in_place(temporary, destination)


def write_parquet(frame: pl.DataFrame, destination: Path) -> None:
    """Write a frame as zstd Parquet, whole or not at all."""
    with replace_file(destination) as temporary:
        frame.write_parquet(temporary, compression="zstd")
