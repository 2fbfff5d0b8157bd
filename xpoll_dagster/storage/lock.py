"""Locks: content and manifest of an artifact change together for all who look."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path


class StoreLock:
    """A lock file that writers hold alone and readers share, for some milliseconds each.

    The system lets it go when its holder dies, however that comes about.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextlib.contextmanager
    def exchanging(self) -> Iterator[None]:
        """Hold it alone."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Look while nobody exchanges; what cannot be locked is looked at all the same."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY)
        except OSError:  # nothing was ever written here
            yield
            return
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)


_OF_THREAD = threading.local()


@contextlib.contextmanager
def held_alone(file: Path) -> Iterator[None]:
    """Hold a lock file alone, for as long as it takes; the thread that holds it may ask again."""
    held: set[Path] = _OF_THREAD.__dict__.setdefault("files", set())
    if file in held:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        held.add(file)
        try:
            yield
        finally:
            held.discard(file)
