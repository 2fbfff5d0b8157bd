"""Rows of a source's shards on their way to a worker: themselves, or where to read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.corpus.model import ROWS_SCHEMA
from xpoll_dagster.corpus.source_tables import Source

_WHERE = "shard_folder"


@dataclass(frozen=True)
class ShardRows:
    """Rows of one shard.

    Attributes:
        source: The source.
        number: Of the shard.
        chosen: A truth value for each row of the shard; None for all.
    """

    source: Source
    number: int
    chosen: np.ndarray | None = None

    def batch(self, columns: Sequence[str] | None, *, shared: bool) -> pl.DataFrame:
        """What travels: one row that says where they lie if files are shared, else the rows."""
        if not shared:
            return self.source.read_shard(self.number, self.chosen, columns)
        chosen = None if self.chosen is None else np.packbits(self.chosen).tobytes()
        size = 0 if self.chosen is None else len(self.chosen)
        return pl.DataFrame(
            {
                _WHERE: [str(self.source.folder.resolve())],
                "shard_number": [self.number],
                "shard_chosen": pl.Series([chosen], dtype=pl.Binary),
                "shard_size": [size],
            }
        )


def read_batch(batch: pl.DataFrame, columns: Sequence[str] | None) -> pl.DataFrame:
    """The rows that a batch holds or points to.

    Args:
        batch: From `ShardRows.batch`.
        columns: The same columns as there.

    Raises:
        SourceError: The source that it points to is not there.
    """
    if _WHERE not in batch.columns:
        return batch.select(list(columns or ROWS_SCHEMA.names()))
    folder, number, packed, size = batch.row(0)
    chosen = None
    if packed is not None:
        chosen = np.unpackbits(np.frombuffer(packed, np.uint8), count=size).astype(bool)
    return Source.open(Path(folder)).read_shard(number, chosen, columns)


def all_shards(sources: Sequence[Source]) -> list[ShardRows]:
    """Every shard of the sources, in order."""
    return [
        ShardRows(source, number)
        for source in sources
        for number in range(len(source.report.shards))
    ]
