"""Writing one normalised source: its rows, hashed once, and what it rejected.

What lies on disk is told in `source_tables`.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl

from xpoll_dagster.corpus.keys import KEY_VERSION, TEXT_FIELDS, row_ids, row_keys
from xpoll_dagster.corpus.merge_options import SourceOptions
from xpoll_dagster.corpus.model import REJECTED_SCHEMA, ROWS_SCHEMA, SourceError
from xpoll_dagster.corpus.seen import SeenHashes
from xpoll_dagster.corpus.shards import write_shard
from xpoll_dagster.corpus.source_tables import (
    KEYS_FILE,
    REPORT_FILE,
    Shard,
    SourceReport,
    part_name,
    valid_name,
)

_BESIDE_ROWS = 50_000
_TAKEN_TOGETHER = 3
"""Batches whose keys are looked up at once; as many again are being hashed meanwhile."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows that have been hashed: `keys` with `_license` and `_category`, `sizes` in bytes."""

    rows: pl.DataFrame
    keys: pl.DataFrame
    sizes: np.ndarray


class SourceWriter:
    """Writes the tables of one source into an empty folder, batch by batch.

    Memory is bounded by a few shards and by some fifty bytes a row. The caller puts the folder
    in place whole (`storage.replace_directory`): before `finish` has returned it is no source.

    Args:
        folder: An empty folder.
        name: Name of the catalogue's entry.
        licence: The entry's licence, for rows that state none.
        priority: Of copies in several sources, the one of the highest priority stays.
        revision: What was read: a revision on the hub, a hash of the files.
        expected: Keys of sources that outrank this one, if they are at hand
            (`reading_turns`). Rows with these keys are laid apart, so that
            the merge can take the other shards as they are. Only speed depends on it.
        options: Sizes and compression of the shards.

    Raises:
        SourceError: The name cannot name files.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        licence: str,
        priority: int = 0,
        revision: str = "",
        expected: SeenHashes | None = None,
        options: SourceOptions | None = None,
    ) -> None:
        self.name = valid_name(name)
        self._folder = folder
        self._licence = licence
        self._priority = priority
        self._revision = revision
        self._expected = SeenHashes() if expected is None else expected
        self._options = options or SourceOptions()
        self._own_keys = SeenHashes()
        self._own_contents = SeenHashes()
        self._pending: deque[Future[_Batch]] = deque()
        self._keys: list[pl.DataFrame] = []
        self._buffer: list[pl.DataFrame] = []
        self._buffered_rows = 0
        self._buffered_bytes = 0
        self._shards: list[Future[Shard]] = []
        self._beside: dict[str, list[pl.DataFrame]] = {}
        self._beside_parts: Counter[str] = Counter()
        self._beside_rows: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._categories: Counter[str] = Counter()
        self._licences: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(self._options.threads, thread_name_prefix="shard")
        self._hashing = ThreadPoolExecutor(self._options.threads, thread_name_prefix="keys")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hashing.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)

    # -- rows ------------------------------------------------------------------------

    def write(self, rows: pl.DataFrame) -> pl.Series:
        """Take the next rows of the source and return their ids.

        Args:
            rows: `instruction`, `input`, `output`, `_category`, and, where the source has
                them, `system`, `messages` and `_license`, as in `ROWS_SCHEMA`; `_source` and
                `_id` are set here.
        """
        self.add(rows)
        return self._settle(0)

    def add(self, rows: pl.DataFrame) -> None:
        """Take the next rows as `write` does, and hash them while the caller goes on reading."""
        self._pending.append(self._hashing.submit(self._prepare, rows))
        if len(self._pending) >= 2 * _TAKEN_TOGETHER:
            self._settle(_TAKEN_TOGETHER)

    def settle(self) -> np.ndarray:
        """Wait until all rows that were taken are hashed; returns their keys (`key_a`)."""
        self._settle(0)
        keys = [frame["key_a"].to_numpy() for frame in self._keys]
        return np.concatenate(keys) if keys else np.zeros(0, np.uint64)

    def _settle(self, waiting: int) -> pl.Series:
        """Take the rows of all but so many batches; returns the ids of the last one's."""
        batches = [self._pending.popleft().result() for _ in range(len(self._pending) - waiting)]
        if not batches:
            return pl.Series("_id", [], pl.String)
        keys = pl.concat([batch.keys for batch in batches])
        key, content = keys["key_a"].to_numpy(), keys["content"].to_numpy()
        own = self._own_keys.counts(key) > 0
        occurrence = self._occurrences(content, key, own)
        later = ~keys["key_a"].is_first_distinct().to_numpy()
        repeat = pl.Series("repeat", later | own | (self._expected.counts(key) > 0))
        self._own_keys.add(key)
        self._own_contents.add(content)
        ids = row_ids(self.name, content, occurrence)
        self._keys.append(
            keys.with_columns(repeat, occurrence=pl.Series(occurrence, dtype=pl.UInt32))
        )
        start, last = 0, ids
        for batch in batches:
            for column, counter in (("_category", self._categories), ("_license", self._licences)):
                counter.update(dict(batch.keys[column].value_counts().iter_rows()))
            size = batch.rows.height
            last = ids.slice(start, size)
            rows = batch.rows.with_columns(last, repeat.slice(start, size))
            self._append(rows, batch.sizes)
            start += size
        return last

    def _prepare(self, rows: pl.DataFrame) -> _Batch:
        rows = self._complete(rows)
        keys = row_keys(rows).with_columns(
            rows["_license"].cast(pl.Categorical), rows["_category"].cast(pl.Categorical)
        )
        sizes = rows.select(pl.sum_horizontal(pl.col(TEXT_FIELDS).str.len_bytes()))
        return _Batch(rows, keys, sizes.to_series().to_numpy())

    def _complete(self, rows: pl.DataFrame) -> pl.DataFrame:
        given = rows.schema
        missing = {"instruction", "input", "output", "_category"} - set(given)
        if missing:
            raise SourceError(
                f"The rows of {self.name} lack {', '.join(sorted(missing))}: its adapter is broken."
            )
        fill = {
            "system": pl.lit(""),
            "messages": pl.lit(None),
            "_license": pl.lit(self._licence),
        }
        columns = []
        for column, kind in ROWS_SCHEMA.items():
            if column in {"_source", "_id"}:
                continue
            value = pl.col(column) if column in given else fill[column]
            if column in TEXT_FIELDS:
                value = value.fill_null("")
            elif column == "_license":
                value = value.fill_null(self._licence)
            columns.append(value.cast(kind).alias(column))
        return rows.select(*columns, _source=pl.lit(self.name))

    def _occurrences(self, content: np.ndarray, key: np.ndarray, own: np.ndarray) -> np.ndarray:
        occurrence = np.ones(len(content), np.uint32)
        # The same content has the same key: where no key repeats, there is nothing to count.
        rows = np.flatnonzero(pl.Series(key).is_duplicated().to_numpy() | own)
        if len(rows):
            repeated = pl.DataFrame({"content": content[rows]})
            within = repeated.select(n=pl.int_range(pl.len()).over("content"))["n"].to_numpy()
            occurrence[rows] += (within + self._own_contents.counts(content[rows])).astype(
                np.uint32
            )
        return occurrence

    # -- shards ----------------------------------------------------------------------

    def _append(self, rows: pl.DataFrame, sizes: np.ndarray) -> None:
        # Shards end after so many rows or bytes of the source, wherever its batches end.
        ends = np.cumsum(sizes, dtype=np.int64)
        start, before = 0, 0
        while start < rows.height:
            room = self._options.shard_bytes - self._buffered_bytes
            by_bytes = int(np.searchsorted(ends, before + room, side="right"))
            by_rows = start + self._options.shard_rows - self._buffered_rows
            stop = min(by_bytes, by_rows, rows.height)
            if stop <= start:
                if self._buffered_rows:
                    self._flush()
                    continue
                stop = start + 1
            self._buffer.append(rows.slice(start, stop - start))
            self._buffered_rows += stop - start
            self._buffered_bytes += int(ends[stop - 1]) - before
            start, before = stop, int(ends[stop - 1])
            if self._buffered_rows >= self._options.shard_rows:
                self._flush()

    def _flush(self) -> None:
        if not self._buffer:
            return
        frames, index = self._buffer, len(self._shards)
        self._buffer, self._buffered_rows, self._buffered_bytes = [], 0, 0
        # As many shards wait in memory as are being written, and no more.
        waiting = index - self._options.threads
        if waiting >= 0:
            self._shards[waiting].result()
        self._shards.append(self._pool.submit(self._write, frames, index))

    def _write(self, frames: list[pl.DataFrame], index: int) -> Shard:
        frame = pl.concat(frames)
        sizes, hashes = [], []
        for kind, mask in (("rows", ~pl.col("repeat")), ("repeats", pl.col("repeat"))):
            part = frame.filter(mask).select(ROWS_SCHEMA.names())
            sizes.append(part.height)
            hashes.append(
                write_shard(part, self._folder / part_name(kind, index), self._options.compression)
                if part.height
                else ""
            )
        return Shard(rows=sizes[0], repeats=sizes[1], sha256=hashes[0], repeats_sha256=hashes[1])

    # -- what lies beside ------------------------------------------------------------

    def reject(self, rejected: pl.DataFrame) -> None:
        """Keep rows that cannot be used, with the reason (`REJECTED_SCHEMA`)."""
        self._reasons.update(dict(rejected["reason"].value_counts().iter_rows()))
        self.write_beside("rejected", rejected.with_columns(_source=pl.lit(self.name)))

    def write_beside(self, table: str, frame: pl.DataFrame) -> None:
        """Append to a further table of the source, `<table>-00000.parquet` and so on."""
        if frame.is_empty():
            return
        waiting = self._beside.setdefault(valid_name(table), [])
        waiting.append(frame)
        self._beside_rows[table] += frame.height
        if sum(part.height for part in waiting) >= _BESIDE_ROWS:
            self._flush_beside(table)

    def _flush_beside(self, table: str) -> None:
        frame = pl.concat(self._beside.pop(table, []), how="vertical_relaxed")
        if table == "rejected":
            frame = frame.select(
                pl.col(column).cast(kind) for column, kind in REJECTED_SCHEMA.items()
            )
        path = self._folder / part_name(table, self._beside_parts[table])
        self._beside_parts[table] += 1
        frame.write_parquet(path, compression="zstd")

    # -- the end ---------------------------------------------------------------------

    def finish(self, *, read: int | None = None, revision: str | None = None) -> SourceReport:
        """Write what is still in memory, the keys and the report.

        Args:
            read: Rows that the source held, where the reader counted them.
            revision: What was read, where that was not known at the beginning.

        Raises:
            SourceError: Rows and rejected rows are not together what was read.
        """
        self._settle(0)
        self._flush()
        shards = [future.result() for future in self._shards]
        for table in list(self._beside):
            self._flush_beside(table)
        rows = sum(shard.rows + shard.repeats for shard in shards)
        rejected = sum(self._reasons.values())
        if read is not None and read != rows + rejected:
            raise SourceError(
                f"{self.name}: {read} rows were read, but {rows} are kept and {rejected} "
                "rejected: its adapter loses or invents rows."
            )
        _write_keys(self._keys, self._folder / KEYS_FILE)
        report = SourceReport(
            name=self.name,
            licence=self._licence,
            priority=self._priority,
            revision=self._revision if revision is None else revision,
            key_version=KEY_VERSION,
            compression=self._options.compression,
            rows=rows,
            rejected=dict(sorted(self._reasons.items())),
            categories=dict(sorted(self._categories.items())),
            licences=dict(sorted(self._licences.items())),
            beside=dict(sorted(self._beside_rows.items())),
            shards=shards,
        )
        (self._folder / REPORT_FILE).write_text(
            json.dumps(report.model_dump(), indent=1), encoding="utf-8"
        )
        return report


def _write_keys(frames: list[pl.DataFrame], path: Path) -> None:
    from xpoll_dagster.corpus.source_tables import SOURCE_KEYS_SCHEMA

    frame = pl.concat(frames) if frames else pl.DataFrame(schema=SOURCE_KEYS_SCHEMA)
    frame = frame.select(SOURCE_KEYS_SCHEMA.names())
    # Hashes do not compress.
    frame.write_parquet(path, compression="uncompressed", row_group_size=1 << 18)
