"""Data frames as a Hugging Face dataset on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from xpoll_dagster.storage.hashing import fingerprint


def save_hugging_face(splits: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write what `datasets.load_from_disk` reads. The same rows give the same bytes.

    Args:
        splits: Rows by name of the split, in order. A split may be empty; it keeps its columns.
        folder: Where it is written; made if need be.
    """
    from datasets import Dataset, DatasetDict, disable_progress_bars, enable_progress_bars
    from datasets.table import InMemoryTable
    from datasets.utils import are_progress_bars_disabled

    datasets = DatasetDict()
    for split, rows in splits.items():
        # A fingerprint made from the content, for the library's own holds chance and time.
        name = fingerprint([split, rows.columns, rows.hash_rows().to_list()])
        table = InMemoryTable(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
        datasets[split] = Dataset(table, fingerprint=name)
    # Of an empty split the library would write no shard, and then it cannot load any of them.
    shards: dict[str, Any] = {split: None if rows.height else 1 for split, rows in splits.items()}
    were_disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        datasets.save_to_disk(str(folder), num_shards=shards)
    finally:
        if not were_disabled:
            enable_progress_bars()
