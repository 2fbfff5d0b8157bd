"""What linking keeps between runs, so that a book that changed costs its own comparisons only.

Everything kept is addressed by content: the versions of the books it was made from, the
options that were read and the code. So nothing kept can be wrong, only useless; it may be
deleted at any time. Files are replaced whole; what no library needs any more is removed by
the run that finds it so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from xpoll_dagster.storage import fingerprint, replace_file

# Raised whenever the same books and options would now be linked otherwise.
CODE = 1


class LinkCache:
    """Tables of one library's linking, kept below one folder.

    `versions` says for every book what its content is (any text that changes whenever the
    book's chunks, vectors or concepts do). A book without a version is an error: its links
    could be kept for ever.
    """

    def __init__(self, folder: Path, versions: Mapping[str, str]) -> None:
        self.folder = folder
        self._versions = versions

    def key(self, books: Iterable[str], *about: BaseModel | str) -> str:
        """Address of what was made from some books, in this order, under some options.

        Raises:
            ValueError: A book has no version.
        """
        try:
            content = [(book, self._versions[book]) for book in books]
        except KeyError as missing:
            raise ValueError(f"No version is known of the book {missing.args[0]}.") from None
        said = [one if isinstance(one, str) else one.model_dump(mode="json") for one in about]
        return fingerprint([CODE, pl.__version__, content, said])

    def read(self, kind: str, name: str) -> pl.DataFrame | None:
        """A table as it was kept, or None."""
        path = self._path(kind, name)
        try:
            return pl.read_parquet(path, memory_map=False) if path.exists() else None
        except (OSError, pl.exceptions.PolarsError):
            # A file that cannot be read is as good as none: it is made anew and replaced.
            return None

    def write(self, kind: str, name: str, table: pl.DataFrame) -> None:
        """Keep a table, whole or not at all."""
        try:
            with replace_file(self._path(kind, name)) as temporary:
                table.write_parquet(temporary, compression="lz4")
        except OSError:
            # A disk that is full or read-only costs the memory, not the answer.
            return

    def keep_only(self, kind: str, names: Collection[str]) -> None:
        """Remove all tables of a kind but the named ones."""
        for path in (self.folder / kind).glob("*.parquet"):
            if path.stem not in names and not path.name.startswith("."):
                path.unlink(missing_ok=True)

    def _path(self, kind: str, name: str) -> Path:
        return self.folder / kind / f"{name}.parquet"
