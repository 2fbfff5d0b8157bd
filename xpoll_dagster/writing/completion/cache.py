"""Finished completions in one SQLite file: stored the moment they arrive, found by request.

Every store is a transaction of its own in write-ahead logging (on file systems that refuse
it, SQLite's rollback journal): a killed process loses nothing that was stored, a power
failure at most the last moments, and never the file. Processes and threads may share it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from xpoll_dagster.writing.completion.errors import CacheError, cache_error
from xpoll_dagster.writing.completion.housekeeping import (
    CacheStats,
    Pruned,
    cache_stats,
    prune_cache,
)
from xpoll_dagster.writing.completion.options import CacheOptions
from xpoll_dagster.writing.completion.rows import (
    COUNT,
    FIND,
    SCHEMA,
    STORE,
    USE,
    Entry,
    choose,
    completion_of,
    row_of,
)
from xpoll_dagster.writing.completion.transaction import transaction
from xpoll_dagster.writing.engines.model import Completion

log = logging.getLogger(__name__)

APPLICATION_ID = 0x78706C43  # "xplC": tells this file from any other SQLite database
VERSION = 1
_HEADER = b"SQLite format 3\x00"
_KEYS_PER_QUERY = 500


class CompletionCache:
    """The kept completions of one file, which is made where it is missing.

    Errors are never kept; finished, refused and cut answers are. Safe to use from several
    threads; a forked child opens its own connection.

    Raises:
        CacheError: The file cannot be made, is damaged, or is none of ours.
    """

    def __init__(self, path: Path, options: CacheOptions | None = None) -> None:
        self.path = path
        self.options = options or CacheOptions()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        with self.connected():
            pass

    # -- the file --------------------------------------------------------------------

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time; what SQLite says becomes `CacheError`."""
        with self._lock:
            try:
                if self._connection is None or self._process != os.getpid():
                    if self._connection is not None:
                        # The parent's connection must not be closed in a forked child.
                        _inherited.append(self._connection)
                    self._connection, self._process = self._open(), os.getpid()
                yield self._connection
            except (sqlite3.Error, OSError, zlib.error) as error:
                raise cache_error(error, self.path) from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file():
            with self.path.open("rb") as stream:
                start = stream.read(len(_HEADER))
            if start not in (b"", _HEADER):
                raise CacheError(_foreign(self.path))
        connection = sqlite3.connect(
            self.path,
            timeout=self.options.busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA trusted_schema = OFF")
        if _pragma(connection, "schema_version") == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table
        with transaction(connection):
            application = _pragma(connection, "application_id")
            if application == 0 and _pragma(connection, "schema_version") == 0:
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            elif application != APPLICATION_ID:
                raise CacheError(_foreign(self.path))
            elif (version := _pragma(connection, "user_version")) != VERSION:
                raise CacheError(
                    f"{self.path} was written by another version (its layout is {version}, this "
                    f"one reads {VERSION}): move it away, and a new one is made."
                )
        self._set_journal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = OFF")
        # Small transactions write the same pages over and over: gather more of them before
        # they go into the file (16 MB of log at most, then a wait for the disk).
        connection.execute("PRAGMA wal_autocheckpoint = 4000")

    def _set_journal(self, connection: sqlite3.Connection) -> None:
        # While two processes make the file, the switch may be refused without any waiting.
        deadline = time.monotonic() + self.options.busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
                self._connection = None

    def __enter__(self) -> CompletionCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- completions -----------------------------------------------------------------

    def store(self, entries: Sequence[Entry]) -> int:
        """Keep completions, all in one transaction; returns how many were of a kind to keep.

        Where another process was first, its answer stays.

        Raises:
            CacheError: Nothing was stored (disk full, file locked too long, damaged).
        """
        now = time.time()
        rows = [
            row_of(entry, now) for entry in entries if entry.completion.finish_reason != "error"
        ]
        if not rows:
            return 0
        with self.connected() as connection:
            if len(rows) == 1:
                connection.execute(STORE, rows[0])
            else:
                with transaction(connection):
                    connection.executemany(STORE, rows)
        return len(rows)

    def find(
        self, wanted: Sequence[tuple[bytes, int]], *, count: bool = True
    ) -> list[Completion | None]:
        """The kept answers to requests given as (key, max_tokens), in their order.

        Args:
            wanted: Keys by `RequestKeys`, with the `max_tokens` asked for.
            count: Whether this counts as use, in hits, misses and the time of last use.

        Raises:
            CacheError: The file cannot be read.
        """
        found: list[Completion | None] = []
        used: list[int] = []
        for start in range(0, len(wanted), _KEYS_PER_QUERY):
            part = wanted[start : start + _KEYS_PER_QUERY]
            with self.connected() as connection:  # anew, so that other threads get their turn
                rows = self._rows(connection, {key for key, _ in part})
                for key, asked in part:
                    row = choose(rows.get(key, ()), asked)
                    found.append(None if row is None else completion_of(row))
                    if row is not None:
                        used.append(row[4])
        if count and wanted:
            self._count(used, len(wanted) - len(used))
        return found

    @staticmethod
    def _rows(connection: sqlite3.Connection, keys: set[bytes]) -> dict[bytes, list[tuple]]:
        rows: dict[bytes, list[tuple]] = {}
        query = FIND.format(",".join("?" * len(keys)))
        for row in connection.execute(query, tuple(keys)):
            rows.setdefault(row[0], []).append(row)
        return rows

    def _count(self, used: Sequence[int], misses: int) -> None:
        """Record hits and misses. A disk too full for that must not keep answers from us."""
        now = time.time()
        try:
            with self.connected() as connection, transaction(connection):
                connection.executemany(USE, [(row_id, now) for row_id in used])
                connection.executemany(COUNT, [("hits", len(used)), ("misses", misses)])
        except CacheError as error:
            log.warning("Hits and misses of the cache were not counted: %s", error)

    # -- housekeeping ----------------------------------------------------------------

    def stats(self) -> CacheStats:
        """Size and use. Raises `CacheError` where the file cannot be read."""
        return cache_stats(self)

    def prune(
        self,
        *,
        older_than_days: float | None = None,
        model: str | None = None,
        finish_reason: str | None = None,
        max_bytes: int | None = None,
    ) -> Pruned:
        """Remove completions, in small steps, so that a run beside it hardly waits.

        Args:
            older_than_days: Those that were neither stored nor used for so long.
            model: Those of this model. With several of the first three, what meets all of them.
            finish_reason: Those that ended so: `length` for cut answers, `refused` for withheld.
            max_bytes: What the file may hold afterwards: beyond it the least recently used go,
                of the chosen ones where the others choose.

        Raises:
            ValueError: Nothing says what to remove.
            CacheError: The file cannot be written.
        """
        if (older_than_days, model, finish_reason, max_bytes) == (None,) * 4:
            raise ValueError("Say what to prune: an age, a model, a finish reason or a size.")
        return prune_cache(self, older_than_days, model, finish_reason, max_bytes)

    def damage(self) -> tuple[str, ...]:
        """What SQLite finds wrong with the file, reading all of it; empty where it is whole."""
        with self.connected() as connection:
            rows = connection.execute("PRAGMA quick_check(20)").fetchall()
        return tuple(row[0] for row in rows if row[0] != "ok")


_inherited: list[sqlite3.Connection] = []


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _foreign(path: Path) -> str:
    return (
        f"{path} is not a cache of completions but some other file: move it away, or choose "
        "another path for the cache."
    )
