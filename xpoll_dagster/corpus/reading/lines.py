"""Lines of a file in bounded memory, and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xpoll_dagster.corpus.reading.batches import EXCERPT, Batch, Batches, ReadingOptions
from xpoll_dagster.corpus.reading.streams import blocks


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line that passes the limit: how many bytes, and how it begins."""

    size: int
    start: bytes


def lines(path: Path, options: ReadingOptions) -> Iterator[list[bytes | LongLine]]:
    """The lines of each block, without their ends; a line too long is not held."""
    rest: list[bytes] = []
    size, start = 0, b""
    for block in blocks(path, options):
        pieces = block.split(b"\n")
        found: list[bytes | LongLine] = []
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            if not last and not size and len(piece) <= options.row_bytes:
                found.append(piece)
                continue
            size += len(piece)
            if len(start) < EXCERPT:
                start += piece[:EXCERPT]
            if size <= options.row_bytes:
                rest.append(piece)
            else:
                rest.clear()
            if not last:
                long = size > options.row_bytes
                found.append(LongLine(size, start) if long else b"".join(rest))
                rest, size, start = [], 0, b""
        if found:
            yield found
    if size:
        yield [LongLine(size, start) if size > options.row_bytes else b"".join(rest)]


def read_json_lines(path: Path, options: ReadingOptions) -> Batches:
    """One JSON object a line; empty lines are none. What is no JSON is a flaw, line by line."""
    batch = Batch()
    for part in lines(path, options):
        for at in range(0, len(part), options.batch_rows):
            _take(batch, part[at : at + options.batch_rows])
            yield batch
            batch = batch.next()


def _take(batch: Batch, part: list[bytes | LongLine]) -> None:
    import orjson

    whole = [line for line in part if isinstance(line, bytes) and line and not line.isspace()]
    if len(whole) == len(part):
        # Most blocks are clean and parse in one go.
        try:
            values = orjson.loads(b"[" + b",".join(whole) + b"]")
        except orjson.JSONDecodeError:
            values = []
        if len(values) == len(whole) and all(type(value) is dict for value in values):
            batch.positions.extend(range(batch.end, batch.end + len(values)))
            batch.records.extend(values)
            batch.end += len(values)
            return
    for line in part:
        if isinstance(line, LongLine):
            batch.flaw(f"the row is too long ({line.size:,} bytes)", line.start)
        elif line.strip():
            try:
                batch.add(orjson.loads(line))
            except orjson.JSONDecodeError:
                _take_odd(batch, line)


def _take_odd(batch: Batch, line: bytes) -> None:
    try:
        batch.add(loads(line.decode("utf-8")))
    except UnicodeDecodeError:
        batch.flaw("broken Unicode: the row is not UTF-8", line)
    except (ValueError, RecursionError) as error:
        batch.flaw(json_flaw(line, error), line)


def loads(text: str) -> Any:
    """JSON as the standard library reads it: lone surrogates pass, to be told later."""
    return json.loads(text)


def json_flaw(raw: bytes, error: Exception) -> str:
    """Why a text is no JSON, as a reason that does not differ from row to row."""
    if b"\x00" in raw:
        return "NUL bytes"
    if isinstance(error, RecursionError):
        return "the row is nested too deeply"
    if isinstance(error, json.JSONDecodeError) and error.pos >= len(error.doc.rstrip()):
        return "the row is half-written"
    text = str(error)
    if text.startswith("Unterminated string"):
        return "the row is half-written"
    return "the row is not JSON"
