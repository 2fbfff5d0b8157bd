"""MinHash signatures: a few hashes by which rows that share most of their words are found.

Broder, "On the resemblance and containment of documents" (1997). A signature's bands take in
the row's numbers, operators and negations: rows that differ in those share no band, so
"2 + 2" is never a candidate for "3 + 3".
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl

from xpoll_dagster.corpus.merge_options import NearDuplicateOptions
from xpoll_dagster.corpus.normal_form import normal_form
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.tokens import TokenTable, runs, tokenize, whole_texts
from xpoll_dagster.storage.hashing import fingerprint

SIGNATURE_VERSION = 2
TEXT_COLUMNS = ("instruction", "input", "output", "messages")

_BLOCK = 1 << 16  # runs hashed at a time: they stay in the processor's cache


def band_names(options: NearDuplicateOptions) -> list[str]:
    """Columns of a table of signatures that hold the bands."""
    return [f"band_{band:02d}" for band in range(options.bands)]


def sign_rows(rows: pl.DataFrame, options: NearDuplicateOptions) -> pl.DataFrame:
    """Signatures of rows.

    Args:
        rows: Corpus rows; `TEXT_COLUMNS` at least.
        options: Lengths of runs, number and size of the bands.

    Returns:
        `position` (row of the frame) and the bands, for the rows that are long enough.
    """
    texts = whole_texts(rows)
    tokens = tokenize(texts)
    lengths = tokens.lengths
    long = np.flatnonzero(lengths >= options.short_tokens)
    short = np.flatnonzero((lengths >= options.min_tokens) & (lengths < options.short_tokens))
    facts = _fixed_hash(tokens)
    key, text = runs(tokens.code, tokens.starts, options.words)
    chosen = lengths[text] >= options.short_tokens
    tables = [_bands(key[chosen], text[chosen], long, facts, options)]
    if len(short):
        flat = normal_form(texts.gather(short)).str.to_lowercase()
        codes = np.frombuffer("".join(flat).encode(), np.uint8)
        ends = np.cumsum(flat.str.len_bytes().to_numpy(), dtype=np.int64)
        key, text = runs(codes, np.concatenate([[0], ends]), options.characters)
        # Other kinds of runs, other bands: the seeds differ.
        tables.append(
            _bands(key ^ np.uint64(0x5851F42D4C957F2D), short[text], short, facts, options)
        )
    return pl.concat(tables).sort("position")


def _fixed_hash(tokens: TokenTable) -> np.ndarray:
    code = np.where(tokens.fixed, tokens.code, np.uint64(0))
    code = (code ^ (code >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    # A sum does not ask for the order: the texts must hold the same ones, equally often.
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(code, dtype=np.uint64)])
    return total[tokens.starts[1:]] - total[tokens.starts[:-1]]


def _bands(
    key: np.ndarray,
    text: np.ndarray,
    rows: np.ndarray,
    facts: np.ndarray,
    options: NearDuplicateOptions,
) -> pl.DataFrame:
    size = options.bands * options.band_size
    rng = np.random.default_rng(20_000 + SIGNATURE_VERSION)
    factor = rng.integers(0, 1 << 32, size, np.uint32) | np.uint32(1)
    shift = rng.integers(0, 1 << 32, size, np.uint32)
    least = np.full((size, len(rows)), np.iinfo(np.uint32).max, np.uint32)
    place = np.searchsorted(rows, text)
    short_key = (key >> np.uint64(32)).astype(np.uint32)
    for low in range(0, len(key), _BLOCK):
        block, owner = short_key[low : low + _BLOCK], place[low : low + _BLOCK]
        first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        owner = owner[first]
        for number in range(size):
            found = np.minimum.reduceat(block * factor[number] + shift[number], first)
            line = least[number]
            line[owner] = np.minimum(line[owner], found)
    table = {"position": rows.astype(np.uint32)}
    for band, name in enumerate(band_names(options)):
        mixed = facts[rows].copy()
        for number in range(band * options.band_size, (band + 1) * options.band_size):
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed += least[number]
        table[name] = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return pl.DataFrame(table)


def source_signatures(
    source: Source, options: NearDuplicateOptions, columns: Sequence[str]
) -> pl.DataFrame:
    """Columns of a source's signatures, made once and kept with the source.

    They lie in a hidden file, which is not part of the source's content: it can be deleted at
    any time and is made again.
    """
    settings = options.model_dump(include={"words", "characters", "short_tokens", "min_tokens"})
    settings |= {"bands": options.bands, "band_size": options.band_size}
    name = f".signatures-{fingerprint({**settings, 'version': SIGNATURE_VERSION})}.parquet"
    return source.derived(name, lambda: _sign_source(source, options), columns)


def _sign_source(source: Source, options: NearDuplicateOptions) -> pl.DataFrame:
    def sign(index: int) -> pl.DataFrame:
        rows = source.read_shard(index, columns=TEXT_COLUMNS)
        start = int(source.starts[index])
        parts = []
        for offset in range(0, rows.height, 5_000):
            signed = sign_rows(rows.slice(offset, 5_000), options)
            parts.append(signed.with_columns((pl.col("position") + start + offset).cast(pl.UInt32)))
        return pl.concat(parts)

    with ThreadPoolExecutor(2, thread_name_prefix="sign") as pool:
        parts = list(pool.map(sign, range(len(source.report.shards))))
    empty = sign_rows(
        pl.DataFrame(
            schema=dict.fromkeys(TEXT_COLUMNS[:3], pl.String)
            | {"messages": pl.List(pl.Struct({"role": pl.String, "content": pl.String}))}
        ),
        options,
    )
    return pl.concat([empty, *parts])
