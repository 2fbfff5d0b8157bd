"""Lines of a file in bounded memory, and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xpoll_dagster.corpus.reading.batches import EXCERPT, Batch, Batches, ReadingOptions
from xpoll_dagster.corpus.reading.streams import blocks

_LINE_FEED = 10


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line that passes the limit: how many bytes, and how it begins."""

    size: int
    start: bytes


def line_blocks(path: Path, options: ReadingOptions) -> Iterator[bytes | LongLine]:
    """The lines of a file: whole ones in blocks, each with its end, and those too long alone."""
    rest: list[bytes] = []
    size, start = 0, b""
    for block in blocks(path, options):
        begin = 0
        if size:
            # The line that the last block began.
            end = block.find(b"\n") + 1
            piece = block[:end] if end else block
            size += len(piece)
            if size <= options.row_bytes:
                rest.append(piece)
            else:
                rest.clear()
            if not end:
                continue
            yield LongLine(size, start) if size > options.row_bytes else b"".join(rest)
            rest, size, begin = [], 0, end
        last = block.rfind(b"\n") + 1
        if last > begin:
            yield from _whole(block[begin:last] if begin or last < len(block) else block, options)
        tail = block[max(last, begin) :]
        if tail:
            size, start = len(tail), tail[:EXCERPT]
            rest = [tail] if size <= options.row_bytes else []
    if size:
        yield LongLine(size, start) if size > options.row_bytes else b"".join(rest)


def _whole(block: bytes, options: ReadingOptions) -> Iterator[bytes | LongLine]:
    if len(block) <= options.row_bytes:
        yield block
        return
    for line in block.splitlines(keepends=True):
        yield LongLine(len(line), line[:EXCERPT]) if len(line) > options.row_bytes else line


def lines(path: Path, options: ReadingOptions) -> Iterator[bytes | LongLine]:
    """The lines of a file without their ends; a line too long is not held."""
    for block in line_blocks(path, options):
        if isinstance(block, LongLine):
            yield block
        else:
            yield from block.removesuffix(b"\n").split(b"\n")


def read_json_lines(path: Path, options: ReadingOptions) -> Batches:
    """One JSON object a line; empty lines are none. What is no JSON is a flaw, line by line."""
    batch = Batch()
    for block in line_blocks(path, options):
        if isinstance(block, LongLine):
            batch.flaw(f"the row is too long ({block.size:,} bytes)", block.start)
        elif not _take_clean(batch, block):
            for line in block.split(b"\n"):
                if line.strip():
                    _take(batch, line)
        else:
            batch.size += len(block)
        if batch.full(options):
            yield batch
            batch = batch.next()
    yield batch


def _take_clean(batch: Batch, block: bytes) -> bool:
    """Parse a block in one go, as nearly all allow; False if a line of it is no plain object."""
    import orjson

    body = block.rstrip()
    # Eight times as fast as `bytes.count`, which would take as long as half of the parsing.
    count = int(np.count_nonzero(np.frombuffer(body, np.uint8) == _LINE_FEED)) + 1
    try:
        # No line break stands inside of JSON's texts: each one parts two rows.
        values = orjson.loads(b"[" + body.replace(b"\n", b",") + b"]")
    except orjson.JSONDecodeError:
        return False
    if len(values) != count or set(map(type, values)) != {dict}:
        return False
    batch.positions.extend(range(batch.end, batch.end + count))
    batch.records.extend(values)
    batch.end += count
    return True


def _take(batch: Batch, line: bytes) -> None:
    import orjson

    try:
        batch.add(orjson.loads(line))
    except orjson.JSONDecodeError:
        _take_odd(batch, line)
    batch.size += len(line)


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
