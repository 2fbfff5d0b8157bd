"""What identifies a row: the key of its content, and its id.

The key is the SHA-1 of the row's normalised fields (`normal_form`), joined by a separator; of
fields that hold the separator themselves the lengths are joined to them, so that ("ab", "c")
and ("a", "bc") never share a key, whatever characters the texts hold. Rows with one key are
copies of each other. The key is made from instruction, input, output and system prompt, and
from the conversation where that goes on after the first exchange; a conversation of one
exchange is the same row as the plain question and answer.

The id names the row for ever: source, a hash of the content as it stands (not normalised),
and an ordinal where the source repeats the very same row. It holds no row number: adding,
removing or shuffling rows changes no other row's id.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from xpoll_dagster.corpus.normal_form import joined_normal_form, normal_form, normal_forms

KEY_VERSION = 2
"""Raised when keys of the same row change: sources with other keys must be built again."""

SEPARATOR = "\x1f"
"""ASCII's unit separator."""

TEXT_FIELDS = ("instruction", "input", "output", "system")

KEYS_SCHEMA = pl.Schema(
    {
        # The twenty bytes of the SHA-1, big-endian: eight, eight and four.
        "key_a": pl.UInt64,
        "key_b": pl.UInt64,
        "key_c": pl.UInt32,
        "length": pl.UInt32,  # bytes of the normalised fields
        "content": pl.UInt64,  # XXH3 of the row as it stands, category and licence included
    }
)

_ODD = np.array(
    [
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x27D4EB2F165667C5,
        0x85EBCA77C2B2AE63,
        0xFF51AFD7ED558CCD,
        0xC4CEB9FE1A85EC53,
    ],
    np.uint64,
)
_HEX = np.frombuffer("".join(f"{n:02x}" for n in range(256)).encode(), np.uint16)


def row_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Key, length and content hash of each row.

    Args:
        rows: The text fields, `messages`, `_category` and `_license` of corpus rows.

    Returns:
        `KEYS_SCHEMA`, one row each, in the same order.
    """
    import polars_hash as plh

    fields = rows.select(
        *(pl.col(name).fill_null("") for name in TEXT_FIELDS),
        conversation=longer_conversations(rows, normalise=True),
    )
    joined = _joined(fields)
    digest = joined.to_frame("joined").select(
        digest=plh.col("joined").nchash.sha1().str.decode("hex")
    )
    part = pl.col("digest").bin
    return digest.select(
        key_a=part.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big"),
        key_b=part.slice(8, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big"),
        key_c=part.slice(16, 4).bin.reinterpret(dtype=pl.UInt32, endianness="big"),
        length=(joined.str.len_bytes() - (len(fields.columns) - 1)).cast(pl.UInt32),
        content=_content(rows),
    )


def _joined(fields: pl.DataFrame) -> pl.Series:
    """The normalised fields of each row as one text."""
    names = fields.columns
    joined = fields.select(joined=pl.concat_str(names, separator=SEPARATOR)).to_series()
    joined = joined_normal_form(joined, SEPARATOR)
    # Their own separators would make it ambiguous which is which.
    odd = joined.str.count_matches(SEPARATOR, literal=True) != len(names) - 1
    if not odd.any():
        return joined
    rows = odd.arg_true()
    normalised = normal_forms(fields[rows])
    lengths = [pl.col(name).str.len_bytes().cast(pl.String) for name in names]
    spelled = normalised.select(joined=pl.concat_str(*names, *lengths, separator=SEPARATOR))
    return joined.scatter(rows, spelled.to_series())


def longer_conversations(rows: pl.DataFrame, *, normalise: bool) -> pl.Series:
    """The conversations that go on after the first exchange, as one text each.

    Empty for other rows: what they hold stands in the other fields already.
    """
    empty = pl.repeat("", rows.height, dtype=pl.String, eager=True)
    messages = rows["messages"]
    if messages.null_count() == rows.height:
        return empty
    turns = (
        pl.DataFrame({"messages": messages})
        .with_row_index("row")
        .drop_nulls("messages")
        .explode("messages", empty_as_null=False)
        .unnest("messages")
    )
    spoken = (pl.col("role").fill_null("") != "system").sum().over("row")
    turns = turns.filter(spoken > 2)
    if turns.is_empty():
        return empty
    content = turns["content"].fill_null("")
    if normalise:
        content = normal_form(content)
    said = (
        turns.select("row", "role", content=content)
        .select(
            "row",
            turn=pl.concat_str(
                pl.col("role").fill_null(""),
                pl.col("content").str.len_bytes().cast(pl.String),
                "content",
                separator="\x1f",
            ),
        )
        .group_by("row", maintain_order=True)
        .agg(pl.col("turn").str.join("\x1e"))
    )
    return empty.scatter(said["row"], said["turn"])


def _content(rows: pl.DataFrame) -> pl.Series:
    import polars_hash as plh

    names = [*TEXT_FIELDS, "_category", "_license"]
    parts = rows.select(
        [plh.col(name).fill_null("").nchash.xxh3_64() for name in names]  # pyright: ignore[reportAttributeAccessIssue]
    )
    columns = [parts[name].to_numpy() for name in names]
    said = longer_conversations(rows, normalise=False)
    if (said != "").any():
        hashed = pl.DataFrame({"said": said}).select(plh.col("said").nchash.xxh3_64())
        columns.append(hashed["said"].to_numpy())
    mixed = np.zeros(rows.height, np.uint64)
    for column, odd in zip(columns, _ODD, strict=False):
        mixed = (mixed ^ (mixed >> np.uint64(29))) * odd + column
    mixed ^= mixed >> np.uint64(32)
    return pl.Series("content", mixed)


def row_ids(source: str, content: np.ndarray, occurrence: np.ndarray) -> pl.Series:
    """The ids of a source's rows: `source:content`, `source:content:2` for the first repeat.

    Args:
        source: Name of the catalogue's entry.
        content: The rows' content hashes, 64 bits.
        occurrence: 1 for the first row of that content in the source, 2 for the next.
    """
    size = len(content)
    digits = _HEX[content.astype(">u8").view(np.uint8)].view(np.uint8)
    offsets = np.arange(0, 16 * size + 1, 16, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(digits))
    ids = f"{source}:" + pl.Series(array)
    repeats = np.flatnonzero(occurrence > 1)
    if len(repeats):
        ordinals = pl.Series(occurrence[repeats]).cast(pl.String)
        ids = ids.scatter(repeats, ids.gather(repeats) + ":" + ordinals)
    return ids.alias("_id")
