"""What a reader gives, and the limits it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EXCERPT = 500
"""Characters of a rejected row that are kept."""


class ReadingOptions(BaseModel):
    """Limits of reading; a source that passes them is refused or loses the row, with a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    block_bytes: int = Field(default=2 << 20, ge=1 << 10)
    """Bytes of a file, unpacked, that are looked at in one go; what fits the processor's cache
    is read twice as fast as what does not."""
    batch_rows: int = Field(default=10_000, ge=1)
    """Records after which a batch ends."""
    batch_blocks: int = Field(default=5, ge=1)
    """Blocks after which a batch ends: what is done once a batch is then spread over more rows."""
    row_bytes: int = Field(default=8 << 20, ge=1 << 8)
    """A longer record is passed over and rejected; it is never held whole."""
    unpacked_bytes: int = Field(default=1 << 40, ge=1 << 10)
    """Bytes of one packed file, unpacked; beyond it the source fails."""
    expansion: int = Field(default=200, ge=2)
    """A packed file that has grown past `expansion_from` bytes and is so many times its packed
    size is taken for a bomb: the source fails."""
    expansion_from: int = Field(default=256 << 20, ge=1 << 10)
    """Bytes that any packed file may unpack to, whatever its packed size."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A record that could not be read."""

    position: int
    reason: str
    excerpt: str


@dataclass(slots=True)
class Batch:
    """Records of a file, in its order.

    `positions` are the 0-based places of the records among all records of the file, readable
    or not; `end` is the number of records seen so far, `size` the bytes held, where known.
    """

    positions: list[int] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    end: int = 0
    size: int = 0

    def add(self, record: object) -> None:
        """Take the next record; what is no object is a flaw."""
        if isinstance(record, dict):
            self.positions.append(self.end)
            self.records.append(record)
            self.end += 1
        else:
            self.flaw(f"the row is {kind_of(record)}, not an object with columns", repr(record))

    def flaw(self, reason: str, excerpt: str | bytes) -> None:
        """Take the next record as one that cannot be read."""
        self.flaws.append(Flaw(self.end, reason, printable(excerpt)))
        self.end += 1

    def full(self, options: ReadingOptions) -> bool:
        """Whether the batch holds as many records or bytes as it may."""
        held = len(self.records) + len(self.flaws)
        limit = options.batch_blocks * options.block_bytes
        return held >= options.batch_rows or self.size >= limit

    def next(self) -> Batch:
        """The empty batch that follows this one."""
        return Batch(end=self.end)


Batches = Iterator[Batch]


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a value of type {type(value).__name__}"


def printable(text: str | bytes) -> str:
    """At most `EXCERPT` characters in which nothing but the printable stands."""
    if isinstance(text, bytes):
        text = text[: 4 * EXCERPT].decode("utf-8", "replace")
    text = text[:EXCERPT]
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
