"""What was made of a source so far, kept so that a killed process goes on where it stopped.

A piece is one batch of a file: three small tables and a note, written beside and put in place
by one rename, so a piece is there wholly or not at all. A journal belongs to one state of entry and
files; another state empties it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from xpoll_dagster.storage import replace_directory, replace_file


@dataclass(frozen=True, slots=True)
class Piece:
    """What became of one batch: rows, rejected and preferences, and counts."""

    rows: pl.DataFrame
    rejected: pl.DataFrame
    preferences: pl.DataFrame
    adapters: dict[str, int]
    notes: dict[str, int]

    @property
    def units(self) -> int:
        """Rows and rejected together."""
        return self.rows.height + self.rejected.height


_TABLES = ("rows", "rejected", "preferences")


class Journal:
    """Pieces by file and number.

    Args:
        folder: Where it lies; unset, nothing is kept.
        identity: Of the entry and its files.
    """

    def __init__(self, folder: Path | None, identity: str) -> None:
        self._folder = folder
        self._added: dict[int, int] = {}
        if folder is None:
            return
        note = folder / "identity"
        if not note.is_file() or note.read_text(encoding="utf-8") != identity:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with replace_file(note) as temporary:
                temporary.write_text(identity, encoding="utf-8")

    def finished(self, file: int) -> Iterator[Piece]:
        """The pieces of a file that are there, from the first on without a gap."""
        self._added[file] = 0
        if self._folder is not None:
            while (path := self._path(file, self._added[file])).is_dir():
                yield _read(path)
                self._added[file] += 1

    def whole(self, file: int) -> bool:
        """Whether all pieces of a file are there."""
        return self._folder is not None and (self._folder / f"{file:05d}.whole").exists()

    def add(self, file: int, piece: Piece) -> None:
        """Keep the next piece of a file."""
        if self._folder is None:
            return
        number = self._added.get(file, 0)
        with replace_directory(self._path(file, number)) as temporary:
            for name in _TABLES:
                table: pl.DataFrame = getattr(piece, name)
                table.write_parquet(temporary / f"{name}.parquet", compression="lz4")
            note = {"adapters": piece.adapters, "notes": piece.notes}
            (temporary / "note.json").write_text(json.dumps(note), encoding="utf-8")
        self._added[file] = number + 1

    def finish(self, file: int) -> None:
        """Note that a file has no more pieces."""
        if self._folder is not None:
            (self._folder / f"{file:05d}.whole").touch()

    def pieces(self) -> Iterator[Piece]:
        """All pieces, in order."""
        if self._folder is not None:
            for path in sorted(self._folder.glob("[0-9]*-[0-9]*")):
                yield _read(path)

    def clear(self) -> None:
        """Forget everything: the source is whole."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, file: int, number: int) -> Path:
        return (self._folder or Path()) / f"{file:05d}-{number:07d}"


def _read(path: Path) -> Piece:
    note = json.loads((path / "note.json").read_text(encoding="utf-8"))
    tables = [pl.read_parquet(path / f"{name}.parquet") for name in _TABLES]
    return Piece(*tables, adapters=note["adapters"], notes=note["notes"])
