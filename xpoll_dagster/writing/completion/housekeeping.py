"""How large the cache is, what it has saved, and making it smaller."""

from __future__ import annotations

import math
import sqlite3
import time
from array import array
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from xpoll_dagster.writing.completion.transaction import transaction

_ROWS_PER_STEP = 500
_PAGES_PER_STEP = 2000


class ConnectsToCache(Protocol):
    """A `CompletionCache`, as far as housekeeping needs it."""

    path: Path

    def connected(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection, for one thread at a time."""
        ...


@dataclass(frozen=True, slots=True)
class ModelShare:
    """What one model has in the cache; `text_bytes` are compressed, `hits` answers reused."""

    model: str
    entries: int
    text_bytes: int
    hits: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class CacheStats:
    """The cache at a glance.

    `file_bytes` is what its files take on disk. `hits` and `misses` count requests over the
    file's whole life, also of entries that have been pruned. `oldest` and `newest` are the
    times of storing, in seconds since 1970, None where it is empty.
    """

    path: Path
    entries: int
    file_bytes: int
    hits: int
    misses: int
    oldest: float | None
    newest: float | None
    models: tuple[ModelShare, ...]

    @property
    def hit_rate(self) -> float | None:
        """Share of the requests that were answered from the cache; None without requests."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning took away: entries, and bytes of the file given back to the disk."""

    entries: int
    file_bytes: int


def cache_stats(cache: ConnectsToCache) -> CacheStats:
    """Size and use of a cache."""
    with cache.connected() as connection:
        models = connection.execute(
            "SELECT model, count(*), sum(length(text)), total(hits), sum(prompt_tokens), "
            "sum(completion_tokens) FROM completions LEFT JOIN uses USING (id) "
            "GROUP BY model ORDER BY model"
        ).fetchall()
        counters = dict(connection.execute("SELECT name, value FROM counters").fetchall())
        oldest, newest = connection.execute(
            "SELECT min(created), max(created) FROM completions"
        ).fetchone()
        return CacheStats(
            path=cache.path,
            entries=sum(row[1] for row in models),
            file_bytes=_file_bytes(cache.path),
            hits=counters.get("hits", 0),
            misses=counters.get("misses", 0),
            oldest=oldest,
            newest=newest,
            models=tuple(
                ModelShare(name, entries, size, int(hits), prompt, completion)
                for name, entries, size, hits, prompt, completion in models
            ),
        )


def prune_cache(
    cache: ConnectsToCache,
    older_than_days: float | None,
    model: str | None,
    finish_reason: str | None,
    max_bytes: int | None,
) -> Pruned:
    """Remove what meets all conditions given; of that no more than `max_bytes` demands."""
    conditions, values = ["TRUE"], []
    if older_than_days is not None:
        conditions.append("coalesce(last_used, created) < ?")
        values.append(time.time() - older_than_days * 86400)
    if model is not None:
        conditions.append("model = ?")
        values.append(model)
    if finish_reason is not None:
        conditions.append("finish_reason = ?")
        values.append(finish_reason)
    before, removed = _file_bytes(cache.path), 0
    with cache.connected() as connection:
        query = f"""
            SELECT id FROM completions LEFT JOIN uses USING (id) WHERE {" AND ".join(conditions)}
            ORDER BY coalesce(last_used, created), id
        """  # noqa: S608 - put together from the constants above
        chosen = array("q", (row[0] for row in connection.execute(query, values)))
    start = 0
    while start < len(chosen):
        with cache.connected() as connection:
            step = _ROWS_PER_STEP
            if max_bytes is not None:
                used = _used_bytes(connection)
                if used <= max_bytes:
                    break
                # No more than the surplus would hold, were all rows alike.
                rows_left = len(chosen) - start
                step = max(1, min(step, math.floor(rows_left * (used - max_bytes) / used)))
            removed += _remove(connection, chosen[start : start + step])
            start += step
    _shrink(cache)
    return Pruned(removed, max(0, before - _file_bytes(cache.path)))


def _remove(connection: sqlite3.Connection, ids: array[int]) -> int:
    with transaction(connection):
        parameters = [(row_id,) for row_id in ids]
        removed = connection.executemany("DELETE FROM completions WHERE id = ?", parameters)
        connection.executemany("DELETE FROM uses WHERE id = ?", parameters)
        return removed.rowcount


def _shrink(cache: ConnectsToCache) -> None:
    while True:
        with cache.connected() as connection:
            free = connection.execute("PRAGMA freelist_count").fetchone()[0]
            connection.execute(f"PRAGMA incremental_vacuum({_PAGES_PER_STEP})").fetchall()
            left = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if left == 0 or left >= free:
            break
    with cache.connected() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _file_bytes(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
