"""A JSON file that is one value: an array of rows, or an object that holds one."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.reading.batches import Batch, Batches, ReadingOptions
from xpoll_dagster.corpus.reading.lines import read_json_lines
from xpoll_dagster.corpus.reading.streams import blocks

_SPACE = re.compile(r"[\s,]*")
_MARK = re.compile(r'["\\{}\[\]]')
_FIRST_CHUNK = 1 << 16
_DECODER = json.JSONDecoder()


def read_json(path: Path, options: ReadingOptions, *, lines: bool = False) -> Batches:
    """The rows of a JSON file, whatever it is called.

    They stand in JSON Lines, in an array, or in an array inside of an object.

    Of an object the first member that is an array of objects holds the rows (`data` of SQuAD,
    `Data` of TriviaQA); an object whose members are all objects holds them as its members.

    Args:
        path: The file.
        options: Limits.
        lines: Whether it is JSON Lines unless it begins with an array.

    Raises:
        SourceError: The file holds no rows in any of these ways, or is broken in the middle.
    """
    text = _Text(path, options)
    text.skip_space()
    first = text.peek()
    if lines and not _begins_rows(text):
        yield from read_json_lines(path, options)
    elif first == "[":
        text.at += 1
        yield from _array(text, options)
    elif first == "{":
        if _are_lines(path, options):
            yield from read_json_lines(path, options)
        else:
            yield from _object(text, options)
    elif first:
        raise SourceError(f"{path.name} is not JSON: it starts with {first!r}.")


class _Text:
    """The decoded text of a file with a window that moves on."""

    def __init__(self, path: Path, options: ReadingOptions) -> None:
        self.path = path
        self.window = ""
        self.at = 0
        self.taken = 0
        decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._blocks = (decode(block) for block in blocks(path, options))

    def more(self) -> bool:
        """Let the window grow by a block; what lies behind is given up."""
        block = next(self._blocks, None)
        if block is None:
            return False
        self.window = self.window[self.at :] + block
        self.at = 0
        return True

    def skip_space(self) -> None:
        while True:
            match = _SPACE.match(self.window, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.window) or not self.more():
                return

    def peek(self) -> str:
        return self.window[self.at : self.at + 1]

    def skip_value(self) -> tuple[int, str]:
        """Pass over a value without holding it; returns its size and how it begins."""
        start, size, depth, quoted, escaped = self.window[self.at : self.at + 500], 0, 0, False, -1
        while True:
            begin = self.at
            for match in _MARK.finditer(self.window, begin):
                mark, place = match.group(), match.start()
                if quoted:
                    if place == escaped:
                        continue
                    if mark == "\\":
                        escaped = place + 1
                    elif mark == '"':
                        quoted = False
                elif mark == '"':
                    quoted = True
                elif mark in "{[":
                    depth += 1
                elif mark in "}]":
                    depth -= 1
                if depth <= 0 and not quoted and mark != "\\":
                    self.at = place + 1
                    return size + self.at - begin, start
            size += len(self.window) - begin
            carried = escaped - len(self.window)
            escaped = carried if carried >= 0 else -1
            self.at = len(self.window)
            if not self.more():
                return size, start


def _values(text: _Text, batch: Batch, options: ReadingOptions) -> Iterator[Any]:
    """The values of an array, up to its end; flaws go into the batch that was sent last."""
    while True:
        text.skip_space()
        if text.peek() in {"]", ""}:
            if not text.peek():
                batch.flaw("the file is half-written: its end is missing", "")
            return
        try:
            value, end = _DECODER.raw_decode(text.window, text.at)
        except (ValueError, RecursionError) as error:
            held = len(text.window) - text.at
            deep = isinstance(error, RecursionError)
            if not deep and held <= options.row_bytes and text.more():
                continue
            size, start = text.skip_value()
            if deep:
                reason = "the row is nested too deeply"
            elif size > options.row_bytes:
                reason = f"the row is too long ({size:,} bytes)"
            else:
                reason = "the row is half-written" if not text.peek() else "the row is not JSON"
            yield _Unread(reason, start)
            if reason.endswith("half-written"):
                return
            continue
        size = end - text.at
        if size > options.row_bytes:
            value = _Unread(f"the row is too long ({size:,} bytes)", text.window[text.at : end])
        text.at, text.taken = end, size
        # A number at the window's end may go on in the next block; rows are no numbers.
        yield value


class _Unread:
    """A value that is no row, and why."""

    def __init__(self, reason: str, excerpt: str) -> None:
        self.reason = reason
        self.excerpt = excerpt


def _array(text: _Text, options: ReadingOptions) -> Batches:
    batch = Batch()
    ends = _Ends()
    for value in _values(text, ends, options):
        if isinstance(value, _Unread):
            batch.flaw(value.reason, _escaped(value.excerpt))
        else:
            batch.add(value)
        batch.size += text.taken
        if batch.full(options):
            yield batch
            batch = batch.next()
    for flaw in ends.flaws:
        batch.flaw(flaw.reason, flaw.excerpt)
    yield batch


class _Ends(Batch):
    """Takes the flaw of a file that lacks its end."""


def _escaped(text: str) -> str:
    return text[:500].encode("utf-8", "replace").decode("utf-8")


def _are_lines(path: Path, options: ReadingOptions) -> bool:
    """Whether the first line is an object of its own and something follows it."""
    start = b""
    for block in blocks(path, options):
        start += block
        if b"\n" in start.strip() or len(start) > options.row_bytes:
            break
    line, _, rest = start.lstrip().partition(b"\n")
    if not rest.strip():
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        # A broken first line of JSON Lines: the second one tells.
        second = rest.lstrip().partition(b"\n")[0]
        try:
            return isinstance(json.loads(second), dict) and second.strip() != b"{}"
        except (ValueError, RecursionError):
            return False


def _object(text: _Text, options: ReadingOptions) -> Batches:
    name, members = text.path.name, []
    batch = Batch()
    text.at += 1
    while True:
        text.skip_space()
        if text.peek() in {"}", ""}:
            break
        key = _member(text, options)
        members.append(key)
        if text.peek() == "[" and _holds_objects(text):
            if batch.records:
                batch = Batch()
            text.at += 1
            yield from _array(text, options)
            _check_rest(text, key, options)
            return
        if text.peek() == "{" and text.window[text.at : text.at + 1]:
            for value in _one(text, options):
                if isinstance(value, _Unread):
                    batch.flaw(value.reason, _escaped(value.excerpt))
                else:
                    batch.add(value)
            if batch.full(options):
                yield batch
                batch = batch.next()
        else:
            text.skip_value() if text.peek() in {"[", '"'} else _skip_scalar(text)
            if len(members) > 50 and not batch.end:
                break
    if not batch.end:
        shown = ", ".join(members[:12]) or "none"
        raise SourceError(
            f"{name} is one JSON object without an array of rows; its members: {shown}."
        )
    yield batch


def _check_rest(text: _Text, rows: str, options: ReadingOptions) -> None:
    """Refuse a file of which more than the member `rows` holds rows: they would be lost."""
    text.at += 1
    while True:
        text.skip_space()
        if text.peek() in {"}", ""}:
            return
        key = _member(text, options)
        if text.peek() == "[" and _holds_objects(text):
            raise SourceError(
                f"{text.path.name} holds two lists of rows, {rows} and {key}: write each to a "
                "file of its own, or the whole object as one line of a .jsonl file."
            )
        text.skip_value() if text.peek() in {"[", "{", '"'} else _skip_scalar(text)


def _member(text: _Text, options: ReadingOptions) -> str:
    while True:
        try:
            key, end = _DECODER.raw_decode(text.window, text.at)
            colon = text.window.index(":", end)
        except (ValueError, RecursionError):
            if len(text.window) - text.at > options.row_bytes or not text.more():
                raise SourceError(f"{text.path.name} is broken JSON.") from None
            continue
        text.at = colon + 1
        text.skip_space()
        return str(key)


def _one(text: _Text, options: ReadingOptions) -> Iterator[Any]:
    yield next(_values(text, Batch(), options))


def _begins_rows(text: _Text) -> bool:
    """Whether an array of objects begins here; a line that is an array is no row."""
    return text.peek() == "[" and _holds_objects(text)


def _holds_objects(text: _Text) -> bool:
    while True:
        inside = _SPACE.match(text.window, text.at + 1)
        if inside and inside.end() < len(text.window):
            return text.window[inside.end()] == "{"
        if not text.more():
            return False


def _skip_scalar(text: _Text) -> None:
    while True:
        match = re.compile(r"[,}]").search(text.window, text.at)
        if match:
            text.at = match.start()
            return
        text.at = len(text.window)
        if not text.more():
            return
