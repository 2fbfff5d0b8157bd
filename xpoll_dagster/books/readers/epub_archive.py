"""The ZIP file that an EPUB is, read within bounds: nothing is ever written to disk."""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from xpoll_dagster.books.model import BookError

MAX_ENTRIES = 20_000
MAX_ENTRY_BYTES = 32_000_000
MAX_TOTAL_BYTES = 256_000_000
_MAX_FILE_BYTES = 2_000_000_000
_PIECE = 1 << 16
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError,
           NotImplementedError, ValueError, IndexError, KeyError)  # fmt: skip


class Archive:
    """An open EPUB. The bytes that come out are counted; declared sizes are not believed."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        size = path.stat().st_size
        if size == 0:
            raise BookError(f"{self.name} is empty (0 bytes).")
        if size > _MAX_FILE_BYTES:
            raise BookError(f"{self.name} is larger than {_MAX_FILE_BYTES // 10**9} GB.")
        try:
            self._zip = zipfile.ZipFile(path)
            entries = self._zip.infolist()
        except _BROKEN as error:
            raise BookError(
                f"{self.name} is no EPUB, or damaged: its ZIP cannot be opened."
            ) from error
        if len(entries) > MAX_ENTRIES:
            self.close()
            raise BookError(f"{self.name} claims {len(entries)} files inside: that is refused.")
        # Of several entries with one name the last counts, as for every unzipper.
        self._entries = {entry.filename: entry for entry in entries if not entry.is_dir()}
        self.duplicates = sum(not entry.is_dir() for entry in entries) - len(self._entries)
        self._folded = {name.casefold(): name for name in self._entries}
        self._left = MAX_TOTAL_BYTES

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def names(self) -> list[str]:
        """Names of the files inside, in the archive's order."""
        return list(self._entries)

    def find(self, name: str) -> str | None:
        """The entry of that name, whatever its case; None where there is none."""
        return name if name in self._entries else self._folded.get(name.casefold())

    def resolve(self, base: str, href: str) -> str | None:
        """The entry that a link in the entry `base` leads to; None where it leads outside."""
        target = unquote(href.split("#", 1)[0].split("?", 1)[0]).replace("\\", "/")
        if not target or ":" in target.split("/", 1)[0]:
            return None
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(base), target)).lstrip("/")
        return None if joined.startswith("..") else self.find(joined)

    def read(self, name: str) -> bytes:
        """An entry's bytes.

        Raises `BookError` where it is damaged, or inflates beyond what a book may hold.
        """
        pieces: list[bytes] = []
        size = 0
        try:
            with self._zip.open(self._entries[name]) as stream:
                while piece := stream.read(_PIECE):
                    size += len(piece)
                    if size > MAX_ENTRY_BYTES or size > self._left:
                        raise BookError(f"{self.name} unpacks to far more than a book holds.")
                    pieces.append(piece)
        except _BROKEN as error:
            raise BookError(
                f"{self.name} is damaged: {_shown(name)} cannot be unpacked."
            ) from error
        self._left -= size
        return b"".join(pieces)

    def read_xml(self, name: str) -> Any:
        """An entry parsed as XML. Raises `BookError` where it is not well formed."""
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        try:
            root = etree.fromstring(self.read(name), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise BookError(f"{self.name} is damaged: {_shown(name)} is not valid XML.") from error
        if root is None:
            raise BookError(f"{self.name} is damaged: {_shown(name)} is empty.")
        return root


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in posixpath.basename(name))[:80]
