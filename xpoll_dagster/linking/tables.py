"""Tables in files, one for each pair of domains, that say what they are made of.

A file whose text matches what would be written now is taken over as it is.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl

_KEY = "made_of"


def write_table(table: pl.DataFrame, path: Path, made_of: str) -> None:
    """Write a table as zstd Parquet with what it is made of; `path` must not be there yet."""
    table.write_parquet(path, compression="zstd", compression_level=1, metadata={_KEY: made_of})


def table_made_of(path: Path) -> str:
    """What a table says that it is made of; empty where it is not there or cannot be read."""
    try:
        return pl.read_parquet_metadata(path).get(_KEY, "")
    except (OSError, pl.exceptions.PolarsError):
        return ""


def take_over(standing: Path, path: Path) -> None:
    """Put a file of an old folder into a new one; by a hard link where the disk can."""
    try:
        os.link(standing, path)
    except OSError:
        shutil.copyfile(standing, path)


def read_tables(folder: Path, schema: pl.Schema) -> pl.DataFrame:
    """All tables of a folder as one, in the order of their names."""
    files = sorted(folder.glob("*.parquet"))
    return pl.concat([schema.to_frame(), *(pl.read_parquet(file) for file in files)])
