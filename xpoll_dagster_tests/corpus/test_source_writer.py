from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.corpus.merge_options import SourceOptions
from xpoll_dagster.corpus.model import REJECTED_SCHEMA, ROWS_SCHEMA, SourceError
from xpoll_dagster.corpus.source_tables import Source, open_sources
from xpoll_dagster.corpus.source_writer import SourceWriter
from xpoll_dagster_tests.corpus.sources import SMALL, frame, write_source

ROWS = [{"instruction": f"Question {n % 7}?", "output": f"Answer {n % 7}."} for n in range(11)]


def test_rows_come_back_in_the_order_of_the_source(tmp_path: Path) -> None:
    source = Source.open(write_source(tmp_path, "one", ROWS))
    back = pl.concat(source.batches())
    assert back.schema == ROWS_SCHEMA
    assert back["instruction"].to_list() == [row["instruction"] for row in ROWS]
    assert back["_id"].n_unique() == len(ROWS)
    assert source.report.rows == 11
    assert sum(shard.repeats for shard in source.report.shards) == 4


def test_files_do_not_depend_on_the_size_of_batches(tmp_path: Path) -> None:
    first = Source.open(write_source(tmp_path / "a", "one", ROWS, batch=2))
    second = Source.open(write_source(tmp_path / "b", "one", ROWS, batch=11))
    assert first.report == second.report


@pytest.mark.slow
def test_rows_hashed_in_the_background_are_the_same(tmp_path: Path) -> None:
    first = write_source(tmp_path, "one", ROWS * 20, batch=3)
    second = tmp_path / "later"
    second.mkdir()
    with SourceWriter(second, "one", licence="MIT", options=SMALL) as writer:
        for part in frame(ROWS * 20).iter_slices(3):
            writer.add(part)
        writer.finish(read=220)
    assert Source.open(first).report == Source.open(second).report
    keys = [pl.read_parquet(folder / "keys.parquet") for folder in (first, second)]
    assert keys[0].equals(keys[1])


def test_a_large_row_stands_alone(tmp_path: Path) -> None:
    options = SourceOptions(shard_bytes=1 << 16)
    rows = [{"instruction": f"{n}", "output": "x" * size} for n, size in enumerate((9, 99_999, 9))]
    source = Source.open(write_source(tmp_path, "large", rows, options=options))
    assert [shard.rows for shard in source.report.shards] == [1, 1, 1]
    assert pl.concat(source.batches()).height == 3


def test_rejected_rows_are_counted_and_kept(tmp_path: Path) -> None:
    rejected = pl.DataFrame(
        [("", "a.jsonl", 3, "empty output", "{}")], schema=REJECTED_SCHEMA, orient="row"
    )
    with SourceWriter(tmp_path, "one", licence="MIT", options=SMALL) as writer:
        writer.write(frame(ROWS))
        writer.reject(rejected)
        report = writer.finish(read=12)
    assert report.rejected == {"empty output": 1}
    assert report.read == 12
    assert Source.open(tmp_path).rejected()["_source"].to_list() == ["one"]


def test_lost_rows_are_told(tmp_path: Path) -> None:
    with SourceWriter(tmp_path, "one", licence="MIT") as writer:
        writer.write(frame(ROWS))
        with pytest.raises(SourceError, match="12 rows were read, but 11 are kept"):
            writer.finish(read=12)


def test_an_unfinished_source_is_none(tmp_path: Path) -> None:
    with SourceWriter(tmp_path, "one", licence="MIT") as writer:
        writer.write(frame(ROWS))
    with pytest.raises(SourceError, match="holds no finished source"):
        Source.open(tmp_path)


def test_a_missing_shard_is_told(tmp_path: Path) -> None:
    folder = write_source(tmp_path, "one", ROWS)
    (folder / "rows-00001.parquet").unlink()
    with pytest.raises(SourceError, match=r"rows-00001\.parquet is missing: build one again"):
        Source.open(folder)


def test_two_sources_of_one_name_are_told(tmp_path: Path) -> None:
    folders = [write_source(tmp_path / part, "one", ROWS) for part in ("a", "b")]
    with pytest.raises(SourceError, match="Two sources are named one"):
        open_sources(folders)


@pytest.mark.parametrize("name", ["", "../up", "a:b", "a/b", ".hidden", "x" * 101])
def test_names_that_cannot_name_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="cannot name a source"):
        SourceWriter(tmp_path, name, licence="MIT")


def test_an_empty_source_is_a_source(tmp_path: Path) -> None:
    source = Source.open(write_source(tmp_path, "none", []))
    assert source.report.rows == 0
    assert source.keys().height == 0
