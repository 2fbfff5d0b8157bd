"""Frames as they travel through Ray: one Arrow row each, holding a whole frame.

Ray cuts, joins and moves rows as it likes; a frame in one row stays in one piece and keeps its
types (categories, arrays, unsigned numbers), which Ray's own columns would not in every case.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa

from xpoll_dagster.compute.attempts import partition_of
from xpoll_dagster.compute.protocol import BatchError

ROW_SCHEMA = pa.schema(
    [
        ("partition", pa.int64()),  # of a shuffle
        ("place", pa.int64()),  # number of the batch
        ("height", pa.int64()),  # rows that came in, so that none can be lost unseen
        ("frame", pa.large_binary()),
        ("kind", pa.string()),  # class of the exception, where the batch failed
        ("message", pa.string()),
    ]
)


class Row(NamedTuple):
    """A frame that travels, or what became of it."""

    place: int
    frame: bytes = b""
    height: int = 0
    partition: int = 0
    kind: str = ""
    message: str = ""

    def open(self) -> pl.DataFrame:
        """The frame.

        Raises:
            BatchError: The batch failed.
        """
        if self.kind:
            raise BatchError(self.message, kind=self.kind, place=self.place)
        return pl.read_ipc(BytesIO(self.frame))


def pack(frame: pl.DataFrame) -> bytes:
    """A frame as bytes."""
    buffer = BytesIO()
    frame.write_ipc(buffer, compression="lz4")
    return buffer.getvalue()


def failed(error: BatchError) -> Row:
    """The row that tells of a failure: an exception itself might not survive the journey."""
    return Row(error.place, kind=error.kind, message=str(error))


def table(rows: list[Row]) -> pa.Table:
    """Rows as an Arrow table."""
    return pa.Table.from_pylist([row._asdict() for row in rows], schema=ROW_SCHEMA)


def rows_of(arrow: Any) -> Iterator[Row]:
    """Rows of an Arrow table."""
    columns = [arrow.column(name) for name in Row._fields]
    for values in zip(*columns, strict=True):
        yield Row(*(value.as_py() for value in values))


def split_by_key(row: Row, key: str, partitions: int) -> Iterator[Row]:
    """A row for each partition that has rows of the frame."""
    frame = row.open()
    number = partition_of(frame[key], partitions).alias("partition")
    for partition in number.unique():
        part = frame.filter(number == partition)
        yield Row(row.place, pack(part), part.height, int(partition))
