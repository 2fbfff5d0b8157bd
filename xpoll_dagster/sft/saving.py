"""The dataset on disk: Hugging Face `save_to_disk`, Parquet shards, card and account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from xpoll_dagster.sft.assemble import SftResult
from xpoll_dagster.sft.card import dataset_card
from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.storage import fingerprint
from xpoll_dagster.writing.model import BookInfo


def save_dataset(
    result: SftResult, folder: Path, books: Mapping[str, BookInfo], options: SftOptions
) -> None:
    """Fill an empty folder: `hf/`, `parquet/`, `left_out.parquet`, `report.json`, `README.md`.

    The same result gives the same bytes: Hugging Face's fingerprints, which name a dataset's
    state and are otherwise drawn at random, are taken from the content.
    """
    import datasets
    from datasets.table import InMemoryTable

    splits = {name: frame for name, frame in result.splits.items() if frame.height}
    parquet = folder / "parquet"
    parquet.mkdir()
    saved = {}
    for name, frame in splits.items():
        n_shards = -(-frame.height // options.max_rows_per_shard)
        for shard in range(n_shards):
            start = shard * options.max_rows_per_shard
            path = parquet / f"{name}-{shard:05d}-of-{n_shards:05d}.parquet"
            frame.slice(start, options.max_rows_per_shard).write_parquet(path)
        table = frame.to_arrow(compat_level=_oldest())
        saved[name] = datasets.Dataset(
            InMemoryTable(table),
            split=datasets.NamedSplit(name),
            fingerprint=fingerprint([name, frame["id"].to_list(), frame["text"].to_list()]),
        )
    if saved:
        datasets.disable_progress_bars()
        datasets.DatasetDict(saved).save_to_disk(str(folder / "hf"), num_proc=1)
    result.left_out.sort("id").write_parquet(folder / "left_out.parquet")
    report = json.dumps(result.report, indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(report, encoding="utf-8")
    example = None
    for frame in splits.values():
        cross = frame.filter(frame["cross_domain"])
        if cross.height:
            example = cross.row(0, named=True)
            break
    card = dataset_card(result.report, books, options, example)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _oldest():  # noqa: ANN202 - polars' type is only there at run time
    """Arrow without string views, which the datasets library does not store."""
    import polars as pl

    return pl.CompatLevel.oldest()
