"""Shards of rows: Parquet files whose bytes depend on their rows alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import polars as pl

from xpoll_dagster.storage.hashing import hash_file

Compression = Literal["lz4", "zstd", "snappy", "uncompressed"]

ROW_GROUP = 10_000
"""Rows that a reader of a shard must hold at a time."""


def write_shard(frame: pl.DataFrame, path: Path, compression: Compression) -> str:
    """Write a shard, flush it to disk and return its SHA-256.

    Equal frames give equal bytes, however they were put together in memory. The shard must
    lie in a folder that is not yet in use: the folder is what is replaced whole.
    """
    frame.rechunk().write_parquet(
        path,
        compression=compression,
        compression_level=1 if compression == "zstd" else None,
        row_group_size=ROW_GROUP,
        statistics=False,
    )
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return hash_file(path)


def link_shard(source: Path, path: Path) -> None:
    """Let the same bytes stand at a second path, by a hard link where the disk allows it."""
    try:
        path.hardlink_to(source)
    except OSError:
        import shutil

        shutil.copyfile(source, path)
