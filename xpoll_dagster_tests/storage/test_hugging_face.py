"""Data frames as Hugging Face datasets."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.storage import hash_tree
from xpoll_dagster.storage.hugging_face import save_hugging_face

ROWS = pl.DataFrame(
    {
        "id": ["a", "b"],
        "messages": [[{"role": "user", "content": "Why?"}], [{"role": "user", "content": "How?"}]],
    }
)


@pytest.mark.parametrize("empty", ["train", "test"])
def test_an_empty_split_loads_beside_the_others(tmp_path: Path, empty: str) -> None:
    from datasets import DatasetDict, load_from_disk

    splits = {name: ROWS.clear() if name == empty else ROWS for name in ("train", "test")}
    save_hugging_face(splits, tmp_path)
    loaded = load_from_disk(str(tmp_path))
    assert isinstance(loaded, DatasetDict)
    assert {name: rows.num_rows for name, rows in loaded.items()} == {
        name: rows.height for name, rows in splits.items()
    }
    assert loaded["train"].features == loaded["test"].features


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_hugging_face({"train": ROWS, "test": ROWS.clear()}, tmp_path / name)
    assert hash_tree(tmp_path / "one") == hash_tree(tmp_path / "two")
