"""Pieces of linking that are kept between runs: arrays in files that say what they are made of.

Losing the folder, or any file in it, costs time and nothing else: a file that cannot be read,
was cut short by a crash or was made of something else counts as not there.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Arrays = Mapping[str, np.ndarray]

_MAGIC = b"xpoll-pieces-1\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """Arrays and what they are made of."""

    made_of: str
    arrays: Arrays


@dataclass(frozen=True, slots=True)
class PieceCache:
    """Files `<folder>/<kind>/<name>.arrays`; without a folder nothing is kept."""

    folder: Path | None = None

    def arrays(self, kind: str, name: str, key: str, make: Callable[[], Arrays]) -> Arrays:
        """The piece as kept under this key, else made and kept."""
        found = self.load(kind, name)
        if found is not None and found.made_of == key:
            return found.arrays
        made = make()
        self.save(kind, name, Piece(key, made))
        return made

    def load(self, kind: str, name: str) -> Piece | None:
        """The piece whatever it is made of, or None where it is not or cannot be read."""
        if self.folder is None:
            return None
        try:
            return _unpack(self._path(self.folder, kind, name).read_bytes())
        except (OSError, ValueError):
            return None

    def save(self, kind: str, name: str, piece: Piece) -> None:
        """Keep the piece, replacing the one before; a full disk costs the piece, not the run."""
        if self.folder is None:
            return
        path = self._path(self.folder, kind, name)
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not flushed to disk as artifacts are: after a crash of the machine the sum in
            # the file tells that it is incomplete.
            handle, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
            with os.fdopen(handle, "wb") as stream:
                stream.writelines(_pack(piece))
            Path(temporary).replace(path)
        except OSError:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)

    def keep(self, kind: str, names: Collection[str]) -> None:
        """Remove the pieces of a kind that nothing has a use for any more."""
        if self.folder is None or not (self.folder / kind).is_dir():
            return
        for file in (self.folder / kind).glob("*.arrays"):
            if file.stem not in names:
                file.unlink(missing_ok=True)

    @staticmethod
    def _path(folder: Path, kind: str, name: str) -> Path:
        return folder / kind / f"{name}.arrays"


def _pack(piece: Piece) -> list[bytes]:
    arrays = {name: np.ascontiguousarray(array) for name, array in piece.arrays.items()}
    body = [array.tobytes() for array in arrays.values()]
    total = 0
    for part in body:
        total = zlib.crc32(part, total)
    said = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    header = json.dumps([piece.made_of, total, said]).encode()
    return [_MAGIC, len(header).to_bytes(4, "little"), header, *body]


def _unpack(data: bytes) -> Piece:
    """What `_pack` packed. Raises `ValueError` where it is anything else."""
    start = len(_MAGIC) + 4
    if data[: len(_MAGIC)] != _MAGIC:
        raise ValueError("not a piece")
    body = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    made_of, total, said = json.loads(data[start:body])
    if zlib.crc32(memoryview(data)[body:]) != total:
        raise ValueError("incomplete")
    arrays = {}
    for name, kind, shape in said:
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(data, dtype, count, body).reshape(shape)
        body += count * dtype.itemsize
    return Piece(made_of, arrays)


def pack_texts(texts: Sequence[str]) -> np.ndarray:
    """Texts as an array of bytes; they must not hold the unit separator U+001F."""
    return np.frombuffer("\x1f".join(texts).encode(), np.uint8)


def unpack_texts(packed: np.ndarray, count: int) -> list[str]:
    """What `pack_texts` packed."""
    return packed.tobytes().decode().split("\x1f") if count else []
