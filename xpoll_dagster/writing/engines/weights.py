"""Telling a model folder's content without reading all of it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_WHOLE = 1 << 20  # files up to 1 MiB are read whole
_SAMPLES = 64
_SAMPLE = 1 << 14
_MOST_FILES = 10_000


def weights_fingerprint(path: Path) -> str:
    """SHA-256 over what a model's or adapter's folder (or one file) holds.

    Small files count whole; of a large one (weights) count its size and 64 spans of 16 KiB
    spread evenly over it. Training moves nearly all weights, so a model trained further is
    told from its former self in a fraction of a second. Hidden files and Markdown don't count,
    nor does the place of the folder.

    Raises:
        OSError: A file cannot be read.
        ValueError: The folder holds more than 10,000 files, so it is no model.
    """
    digest = hashlib.sha256()
    files = [path] if path.is_file() else _files(path)
    for file in files:
        size = file.stat().st_size
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        digest.update(f"{name}\0{size}\0".encode())
        with file.open("rb") as stream:
            if size <= _WHOLE:
                digest.update(stream.read(_WHOLE))
                continue
            for sample in range(_SAMPLES):
                stream.seek((size - _SAMPLE) * sample // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE))
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(base, name)
            for name in sorted(names)
            if not name.startswith(".") and not name.lower().endswith(".md")
        ]
        if len(found) > _MOST_FILES:
            raise ValueError(f"{folder} holds more than {_MOST_FILES} files: it is no model.")
    return found
