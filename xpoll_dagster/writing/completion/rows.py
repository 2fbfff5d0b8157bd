"""The cache's tables, and completions as their rows."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xpoll_dagster.writing.completion.keys import serves, tokens_needed
from xpoll_dagster.writing.engines.model import Completion

_MAX_TEXT_BYTES = 64 << 20

# A request has two rows at most: its finished answer, and the longest that was cut.
SCHEMA = """
CREATE TABLE completions (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, finished INTEGER NOT NULL,
    needs INTEGER NOT NULL, max_tokens INTEGER NOT NULL, finish_reason TEXT NOT NULL,
    model TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    created REAL NOT NULL, text BLOB NOT NULL, UNIQUE (key, finished)
) STRICT;
CREATE TABLE uses (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL, last_used REAL NOT NULL) STRICT;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""
# A finished answer is replaced only where it would not have served the new one's request;
# of two that were cut the longer limit stays.
STORE = """
INSERT INTO completions (key, finished, needs, max_tokens, finish_reason, model,
                         prompt_tokens, completion_tokens, created, text)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key, finished) DO UPDATE SET
    needs = excluded.needs, max_tokens = excluded.max_tokens,
    finish_reason = excluded.finish_reason, model = excluded.model,
    prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
    created = excluded.created, text = excluded.text
WHERE CASE WHEN excluded.finished THEN completions.needs > excluded.max_tokens
           ELSE completions.max_tokens < excluded.max_tokens END
"""
FIND = """
SELECT key, finished, needs, max_tokens, id, finish_reason, prompt_tokens, completion_tokens, text
FROM completions WHERE key IN ({})
"""
USE = """
INSERT INTO uses (id, hits, last_used) VALUES (?, 1, ?)
ON CONFLICT (id) DO UPDATE SET hits = hits + 1, last_used = excluded.last_used
"""
COUNT = """
INSERT INTO counters (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = value + excluded.value
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A completion to keep: under which key, made under which limit, by which model."""

    key: bytes
    max_tokens: int
    model: str
    completion: Completion


def row_of(entry: Entry, now: float) -> tuple[Any, ...]:
    """The values of `STORE` for an entry that arrived at `now`, in seconds since 1970."""
    completion = entry.completion
    finished = completion.finish_reason != "length"
    return (
        entry.key,
        int(finished),
        tokens_needed(completion, entry.max_tokens) if finished else 0,
        entry.max_tokens,
        completion.finish_reason,
        entry.model,
        completion.prompt_tokens,
        completion.completion_tokens,
        now,
        _packed(completion.text),
    )


def _packed(text: str) -> bytes:
    """Half of the bytes, and a checksum that tells a damaged text."""
    # Answers are short: most of the time of zlib's defaults goes into preparing its tables.
    packing = zlib.compressobj(3, wbits=12, memLevel=5)
    return packing.compress(text.encode("utf-8", "surrogatepass")) + packing.flush()


def choose(rows: Sequence[tuple], asked: int) -> tuple | None:
    """The row that serves, a finished one before one that was cut."""
    for row in sorted(rows, key=lambda row: -row[1]):
        if serves(finished=bool(row[1]), needs=row[2], made_under=row[3], asked=asked):
            return row
    return None


def completion_of(row: tuple) -> Completion:
    """The completion of a row of `FIND`. Raises `zlib.error` where its text is damaged."""
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(row[8], _MAX_TEXT_BYTES)
    if not unpacking.eof:
        raise zlib.error("a text is cut, or larger than any answer")
    return Completion(
        text=data.decode("utf-8", "surrogatepass"),
        finish_reason=row[5],
        prompt_tokens=row[6],
        completion_tokens=row[7],
        cached=True,
    )
