"""Writing the dataset to disk: Hugging Face format, Parquet shards, card and report."""

from __future__ import annotations

import json
from pathlib import Path

from xpoll_dagster.sft.card import dataset_card
from xpoll_dagster.sft.model import SPLITS, SftResult
from xpoll_dagster.storage.hugging_face import save_hugging_face


def save_dataset(result: SftResult, folder: Path) -> None:
    """Fill a folder with `hf/`, `parquet/`, `README.md`, `report.json` and what was left out.

    `hf/` is for `datasets.load_from_disk`; the shards are
    `parquet/<split>-00000-of-0000N.parquet`. The same result gives the same bytes. No
    network is used.

    Args:
        result: From `assemble`.
        folder: An empty folder, or one that does not exist yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _save_parquet(result, folder / "parquet")
    save_hugging_face({split: result.splits[split] for split in SPLITS}, folder / "hf")
    result.left_out.write_parquet(folder / "left_out.parquet", compression="zstd")
    report = json.dumps(result.report, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "report.json").write_text(report + "\n", encoding="utf-8")
    (folder / "README.md").write_text(dataset_card(result), encoding="utf-8")


def _save_parquet(result: SftResult, folder: Path) -> None:
    folder.mkdir()
    size = int(result.report["settings"]["rows_per_shard"])
    for split in SPLITS:
        rows = result.splits[split]
        shards = max(1, -(-rows.height // size))
        for number in range(shards):
            shard = rows.slice(number * size, size)
            shard.write_parquet(
                folder / f"{split}-{number:05d}-of-{shards:05d}.parquet", compression="zstd"
            )
