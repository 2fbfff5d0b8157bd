"""Sorting more rows than fit into memory: into stretches on disk first, then each by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.corpus.shards import write_shard

_ORDER = "__order"


class OrderedShards:
    """Takes rows in any order and writes them in the order asked for, shard by shard.

    Rows wait in memory until there are `waiting_rows`, or as many bytes as `waiting_bytes`,
    and go to a hidden folder by stretch; `finish` sorts each stretch and writes it. Memory
    holds what waits or one stretch, whichever is larger.

    Args:
        folder: Where the shards go; `.spool-<name>` in it holds the stretches meanwhile.
        name: Shards are `<name>-00000-of-0000N.parquet`.
        shards: How many (N).
        waiting_rows: Rows in memory at most, before they go to disk.
        waiting_bytes: The same in bytes.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        shards: int,
        *,
        waiting_rows: int = 50_000,
        waiting_bytes: int = 128 << 20,
    ) -> None:
        self._folder = folder
        self._name = name
        self.shards = max(1, shards)
        self._limit = (waiting_rows, waiting_bytes)
        self._spool = folder / f".spool-{name}"
        self._waiting: list[tuple[pl.DataFrame, np.ndarray]] = []
        self._parts = 0

    def add(self, rows: pl.DataFrame, order: np.ndarray, shard: np.ndarray) -> None:
        """Take rows with their place: the number of the shard, and the order within it."""
        if rows.is_empty():
            return
        self._waiting.append((rows.with_columns(pl.Series(_ORDER, order)), shard))
        size = sum(frame.height for frame, _ in self._waiting)
        volume = sum(frame.estimated_size() for frame, _ in self._waiting)
        if size >= self._limit[0] or volume >= self._limit[1]:
            self._flush()

    def finish(self, schema: pl.Schema) -> list[tuple[Path, int]]:
        """Write the shards; returns each with its number of rows. `schema` is of the rows."""
        self._flush()
        self._folder.mkdir(parents=True, exist_ok=True)
        written: list[tuple[Path, int]] = []
        for number in range(self.shards):
            parts = sorted((self._spool / str(number)).glob("*.parquet"))
            frame = (
                pl.read_parquet(parts).sort(_ORDER, maintain_order=True).drop(_ORDER)
                if parts
                else pl.DataFrame(schema=schema)
            )
            name = f"{self._name}-{number:05d}-of-{self.shards:05d}.parquet"
            write_shard(frame.select(schema.names()), self._folder / name, "zstd")
            written.append((self._folder / name, frame.height))
        shutil.rmtree(self._spool, ignore_errors=True)
        return written

    def _flush(self) -> None:
        if not self._waiting:
            return
        frame = pl.concat([rows for rows, _ in self._waiting])
        shard = np.concatenate([number for _, number in self._waiting])
        self._waiting = []
        for number in np.unique(shard).tolist():
            folder = self._spool / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            part = frame.filter(pl.Series(shard == number))
            part.write_parquet(folder / f"{self._parts:06d}.parquet", compression="lz4")
        self._parts += 1
