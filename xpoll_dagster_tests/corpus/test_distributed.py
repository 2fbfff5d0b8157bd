"""The merge on a compute gives the files that one process gives."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import Compute, Factory, Task
from xpoll_dagster.compute.ray_frames import Row, pack, split_by_key
from xpoll_dagster.corpus.distributed import merge_sources_on
from xpoll_dagster.corpus.ledger import read_ledger
from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions, SourceOptions
from xpoll_dagster_tests.compute.ray_nodes import two_nodes
from xpoll_dagster_tests.corpus.small_corpus import WORDS
from xpoll_dagster_tests.corpus.sources import write_source

NEAR = MergeOptions(near_duplicates=True)


class Travelling(LocalCompute):
    """One process, but every frame goes out and back as it would to another machine."""

    shared_files = False

    def map_batches(
        self, frames: Iterable[pl.DataFrame], factory: Factory, **options: Any
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        packed = (Row(0, pack(frame)).open() for frame in frames)
        for place, frame in reversed(list(super().map_batches(packed, factory, **options))):
            yield place, Row(0, pack(frame)).open()

    def shuffle(
        self, frames: Iterable[pl.DataFrame], key: str, decide: Task
    ) -> Iterator[pl.DataFrame]:
        parts: dict[int, list[pl.DataFrame]] = {}
        for frame in frames:
            for row in split_by_key(Row(0, pack(frame)), key, 7):
                parts.setdefault(row.partition, []).append(row.open())
        for number in sorted(parts, reverse=True):
            yield decide(pl.concat(parts[number]))


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words)) + "."


def edited(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    for at in range(7, len(words) - 1, 25):
        words[at] = rng.choice(WORDS)
    return " ".join(words)


def write_sources(root: Path, rows: int, shard_rows: int) -> list[Path]:
    """Three sources with copies and near-copies of each other, and one that repeats itself."""
    rng = random.Random(4)
    base = [
        {"instruction": sentence(rng, 25), "input": "", "output": sentence(rng, 80)}
        for _ in range(rows)
    ]
    copies = [dict(row) for row in rng.sample(base, rows // 4)]
    near = [{**row, "output": edited(rng, row["output"])} for row in rng.sample(base, rows // 4)]
    own: list[dict[str, object]] = [
        {"instruction": sentence(rng, 12), "input": sentence(rng, 5), "output": sentence(rng, 30)}
        for _ in range(rows)
    ]
    talk = [
        {"role": "user", "content": "Hello there"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "How?"},
        {"role": "assistant", "content": "Well."},
    ]
    for row in own[:: max(rows // 20, 1)]:
        row["messages"] = talk
    options = SourceOptions(shard_rows=shard_rows)
    made = [
        ("base", base, "CC-BY-4.0", 0),
        ("mixed", copies + near + own, "MIT", 1),
        ("again", own[: rows // 2] * 2 + base[: rows // 3], "MIT", 0),
        ("empty", [], "MIT", 0),
    ]
    folders: list[Path] = []
    for name, given, licence, priority in made:
        folders.append(
            write_source(
                root,
                name,
                given,
                licence=licence,
                priority=priority,
                others=list(folders),
                options=options,
                batch=shard_rows,
            )
        )
    return folders


def known_tests(folders: list[Path]) -> pl.DataFrame:
    rows = pl.read_parquet(folders[0] / "rows-00000.parquet")["output"].to_list()[:3]
    return pl.DataFrame(
        {"test_set": ["known"] * 3, "test": ["1", "2", "3"], "text": rows},
        schema={"test_set": pl.String, "test": pl.String, "text": pl.String},
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def forget(folders: list[Path]) -> None:
    """Delete what earlier merges have kept beside the sources."""
    for folder in folders:
        for path in folder.glob(".*.parquet"):
            path.unlink()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("small")
    folders = write_sources(root / "sources", 60, 25)
    merge_sources(folders, root / "one", NEAR, known_tests(folders))
    return folders, root / "one"


@pytest.mark.parametrize("compute", [LocalCompute(), Travelling()], ids=["shared", "travelling"])
def test_the_files_are_those_of_one_process(
    small: tuple[list[Path], Path], tmp_path: Path, compute: Compute
):
    folders, one = small
    forget(folders)
    manifest = merge_sources_on(compute, folders, tmp_path / "many", NEAR, known_tests(folders))
    assert files(tmp_path / "many") == files(one)
    assert set(manifest.removed) == {"exact", "near", "decontaminated"}


@pytest.mark.slow
def test_what_was_made_beside_the_sources_is_what_one_process_looks_for(
    small: tuple[list[Path], Path], tmp_path: Path
):
    folders, one = small
    forget(folders)
    merge_sources_on(Travelling(), folders, tmp_path / "many", NEAR, known_tests(folders))
    made = {path: path.stat().st_mtime_ns for f in folders for path in f.glob(".*.parquet")}
    assert len(made) == 2 * len(folders)
    merge_sources(folders, tmp_path / "again", NEAR, known_tests(folders))
    assert {p: p.stat().st_mtime_ns for f in folders for p in f.glob(".*.parquet")} == made
    assert files(tmp_path / "again") == files(one)


@pytest.mark.slow
def test_only_what_one_process_would_write_is_written_on_the_compute(
    small: tuple[list[Path], Path], tmp_path: Path
):
    folders, one = small
    written = []

    class Watched(Travelling):
        def map_batches(
            self, frames: Iterable[pl.DataFrame], factory: Factory, **options: Any
        ) -> Iterator[tuple[int, pl.DataFrame]]:
            for place, frame in super().map_batches(frames, factory, **options):
                written.extend(frame["sha256"] if "sha256" in frame.columns else [])
                yield place, frame

    merge_sources_on(Watched(), folders, tmp_path / "many", NEAR, known_tests(folders))
    linked = {p.stat().st_ino for f in folders for p in f.glob("rows-*.parquet")}
    shards = list((tmp_path / "many/rows").glob("*.parquet"))
    assert len(written) == sum(path.stat().st_ino not in linked for path in shards) > 0
    written.clear()
    merge_sources_on(Watched(), folders, tmp_path / "many", NEAR, known_tests(folders))
    assert written == []
    assert files(tmp_path / "many") == files(one)


def test_no_sources_give_an_empty_corpus(tmp_path: Path):
    merge_sources([], tmp_path / "one")
    merge_sources_on(Travelling(), [], tmp_path / "many")
    assert files(tmp_path / "many") == files(tmp_path / "one")


@pytest.mark.slow
@pytest.mark.ray
def test_two_nodes_of_which_one_is_killed_give_the_same_corpus(tmp_path: Path):
    with two_nodes() as nodes:
        folders = write_sources(tmp_path / "sources", 400, 120)
        tests = known_tests(folders)
        merge_sources(folders, tmp_path / "one", NEAR, tests)
        forget(folders)
        copied = [Path(shutil.copytree(f, tmp_path / "copies" / f.name)) for f in folders]
        with open_compute(nodes.options()) as compute:
            nodes.wait_for(2)
            with open_compute(nodes.options(shared_files=True)) as shared:
                # Nodes read and write shards themselves: here all see the same files.
                merge_sources_on(shared, copied, tmp_path / "two", MergeOptions())
            # From here on rows travel: nodes read no file of this process.
            killing = threading.Timer(2.0, nodes.kill_last)

            def tell(what: str) -> None:
                if what.startswith("Looking for copies"):
                    killing.start()

            merge_sources_on(compute, copied, tmp_path / "killed", NEAR, tests, report=tell)
            assert killing.finished.is_set(), "the merge had ended before"
            killing.join()
            nodes.wait_for(1)
        merge_sources(folders, tmp_path / "plain", MergeOptions())
        assert files(tmp_path / "two") == files(tmp_path / "plain")
        assert files(tmp_path / "killed") == files(tmp_path / "one")
        assert read_ledger(tmp_path / "killed")["rule"].n_unique() == 3


def test_partitions_may_be_as_many_as_one_likes(
    small: tuple[list[Path], Path],
    tmp_path: Path,
):
    folders, _ = small
    merge_sources(folders, tmp_path / "one")
    for partitions in (1, 2, 64):
        compute = LocalCompute(ComputeOptions(partitions=partitions))
        merge_sources_on(compute, folders, tmp_path / str(partitions))
        assert files(tmp_path / str(partitions)) == files(tmp_path / "one")
