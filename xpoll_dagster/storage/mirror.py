"""A folder here that follows what lies below a prefix of the object store.

One way only, down: for books, catalogues and manifests, which others write.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from xpoll_dagster.storage.atomic import WRITING_PREFIX, replace_file
from xpoll_dagster.storage.lock import held_alone
from xpoll_dagster.storage.objects import MissingObjectError, ObjectStore, Stored

Known = dict[str, list[str | int]]

_AT_ONCE = 64


class Mirror:
    """Keeps `folder` equal to the objects below `prefix`.

    A file is fetched when its tag or size in the listing is not that of the last time, and
    replaced whole; what is gone from the store goes from the folder. One listing serves for
    `fresh_seconds`, in this process. Processes that share the folder take turns.
    """

    def __init__(
        self,
        objects: ObjectStore,
        prefix: str,
        folder: Path,
        memory: Path,
        fresh_seconds: float = 1.0,
    ) -> None:
        self.folder = folder
        self._objects = objects
        self._prefix = prefix
        self._memory = memory
        self._fresh_seconds = fresh_seconds
        self._turn = threading.RLock()
        self._looked = -1e9

    def refresh(self, *, now: bool = False) -> None:
        """Look at the store and fetch what has changed.

        Args:
            now: Look even where the last look is fresh.

        Raises:
            StorageError: The store cannot be used.
        """
        with self._turn:
            if not now and time.monotonic() - self._looked < self._fresh_seconds:
                return
            there = self._objects.listing(self._prefix)
            if self._differs(there, _load(self._memory)):
                with held_alone(self._memory.with_suffix(".lock")):
                    self._follow(there, _load(self._memory))
            self._looked = time.monotonic()

    def _differs(self, there: Mapping[str, Stored], known: Known) -> bool:
        return {key: [stored.tag, stored.size] for key, stored in there.items()} != known or any(
            not self._is_here(key, stored) for key, stored in there.items()
        )

    def _is_here(self, key: str, stored: Stored) -> bool:
        try:
            return (self.folder / key).stat().st_size == stored.size
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _follow(self, there: Mapping[str, Stored], known: Known) -> None:
        for file in sorted(self.folder.rglob("*"), reverse=True):
            if not file.is_dir() and file.relative_to(self.folder).as_posix() not in there:
                self._drop(file)
        changed = [
            key
            for key, stored in there.items()
            if known.get(key) != [stored.tag, stored.size] or not self._is_here(key, stored)
        ]
        # Forgotten first: what is broken off here is fetched again by the next look.
        known = {key: said for key, said in known.items() if key in there and key not in changed}
        self._remember(known)
        for start in range(0, len(changed), _AT_ONCE):
            for key in self._fetch(changed[start : start + _AT_ONCE]):
                known[key] = [there[key].tag, there[key].size]
        self._remember(known)

    def _fetch(self, keys: Sequence[str]) -> list[str]:
        """Fetch and put in place; those that went after the listing are left out."""
        with TemporaryDirectory(prefix=WRITING_PREFIX, dir=self._memory.parent) as folder:
            files = {key: Path(folder) / str(number) for number, key in enumerate(keys)}
            try:
                self._objects.download({f"{self._prefix}/{key}": files[key] for key in keys})
            except MissingObjectError:
                return [one for key in keys for one in self._fetch([key])] if len(keys) > 1 else []
            for key, file in files.items():
                place = self.folder / key
                if place.is_dir():
                    shutil.rmtree(place)
                place.parent.mkdir(parents=True, exist_ok=True)
                file.replace(place)
        return list(keys)

    def _remember(self, known: Known) -> None:
        with replace_file(self._memory) as temporary:
            temporary.write_text(json.dumps(known), encoding="utf-8")

    def _drop(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        for parent in file.parents:
            # An empty folder would be a book without pages.
            if parent == self.folder.parent or not parent.is_dir() or any(parent.iterdir()):
                return
            parent.rmdir()


def _load(memory: Path) -> Known:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
