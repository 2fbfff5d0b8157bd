"""Tables: CSV and TSV, with their quotes mended where they can be, and Parquet."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.reading.batches import Batch, Batches, ReadingOptions
from xpoll_dagster.corpus.reading.lines import LongLine, lines

_MAX_LINES = 2_000  # of one quoted field, after which the quote is taken for a stray one


def read_csv(path: Path, options: ReadingOptions, *, tabs: bool = False) -> Batches:
    """Rows of a table of texts whose first line names the columns.

    A row goes on over the next lines while a quote is open. Where that gives a row with the
    wrong number of fields, or none at all, its first line is a flaw and the next is a row.
    """
    limit = csv.field_size_limit()
    csv.field_size_limit(max(limit, 2 * options.row_bytes))
    waiting = _Lines(path, options)
    header = waiting.pop()
    if header is None:
        return
    if isinstance(header, LongLine):
        raise SourceError(f"{path.name} has no line that names its columns.")
    delimiter = "\t" if tabs else _delimiter(header)
    columns = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    if not any(columns) or len(set(columns)) != len(columns):
        raise SourceError(
            f"{path.name} names no columns, or one twice: {', '.join(columns)[:200]}."
        )
    batch = Batch()
    while (line := waiting.pop()) is not None:
        if isinstance(line, LongLine):
            batch.flaw(f"the row is too long ({line.size:,} bytes)", line.start)
        elif line:
            _take_row(batch, line, waiting, columns, delimiter, options.row_bytes)
        if batch.full(options):
            yield batch
            batch = batch.next()
    yield batch


class _Lines:
    """Lines as text, of which some can be given back."""

    def __init__(self, path: Path, options: ReadingOptions) -> None:
        self._lines = lines(path, options)
        self._back: deque[str | LongLine] = deque()

    def pop(self) -> str | LongLine | None:
        if self._back:
            return self._back.popleft()
        line = next(self._lines, None)
        if isinstance(line, bytes):
            return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        return line

    def give_back(self, taken: list[str | LongLine]) -> None:
        self._back.extendleft(reversed(taken))


def _take_row(
    batch: Batch, first: str, waiting: _Lines, columns: list[str], delimiter: str, limit: int
) -> None:
    taken: list[str | LongLine] = []
    record, size, quotes = [first], len(first), first.count('"')
    while quotes % 2 and len(record) < _MAX_LINES and size <= limit:
        line = waiting.pop()
        if line is None:
            break
        taken.append(line)
        if isinstance(line, LongLine):
            break
        record.append(line)
        size += len(line)
        quotes += line.count('"')
    try:
        fields = [] if quotes % 2 else next(csv.reader(["\n".join(record)], delimiter=delimiter))
    except (csv.Error, StopIteration):
        fields = []
    if len(fields) == len(columns):
        batch.add(dict(zip(columns, fields, strict=True)))
        batch.size += size
        return
    waiting.give_back(taken)
    reason = "the row has another number of fields than the table has columns"
    if first.count('"') % 2:
        reason = "the row has a quote that is not closed"
    batch.flaw(reason, first.encode("utf-8", "replace"))


def _delimiter(header: str) -> str:
    return max((",", ";", "\t", "|"), key=header.count)


def read_parquet(path: Path, options: ReadingOptions) -> Batches:
    """Rows of a Parquet file, some at a time.

    Raises:
        SourceError: It is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    batch = Batch()
    try:
        with pq.ParquetFile(path) as file:
            for part in file.iter_batches(batch_size=min(options.batch_rows, 4_096)):
                for record in part.to_pylist():
                    batch.add(record)
                if batch.full(options):
                    yield batch
                    batch = batch.next()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:200]
        raise SourceError(
            f"{path.name} is no whole Parquet file ({reason}): get it again."
        ) from error
    yield batch


def read_text(path: Path, options: ReadingOptions) -> Batches:
    """A text file as one record with the column `text`, if it is not too long."""
    parts: list[bytes] = []
    size = 0
    for line in lines(path, options):
        size += line.size if isinstance(line, LongLine) else len(line) + 1
        if size <= options.row_bytes and isinstance(line, bytes):
            parts.append(line)
    batch = Batch()
    if size > options.row_bytes:
        batch.flaw(f"the row is too long ({size:,} bytes)", b"\n".join(parts[:10]))
    elif parts:
        batch.add({"text": b"\n".join(parts).decode("utf-8", "surrogateescape")})
    yield batch


def first_batches(batches: Batches) -> Iterator[Batch]:
    """Batches that hold something."""
    return (batch for batch in batches if batch.records or batch.flaws)
