"""The store: manifests decide what stands, and a crash never leaves a lying one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.storage import ArtifactStore, StorageError, write_parquet

FRAME = pl.DataFrame({"n": [1, 2, 3]})


def _say(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_a_table_comes_back_with_its_manifest(store: ArtifactStore) -> None:
    written = store.write_table(
        "chunks", "b", FRAME, version="1", inputs={"pages": "x"}, numbers={"n_chunks": 3}
    )
    assert store.read("chunks", "b").equals(FRAME)
    assert store.get("chunks", "b") == written
    assert list(store.partitions("chunks")) == ["b"]


def test_an_artifact_stands_only_for_its_version_and_inputs(store: ArtifactStore) -> None:
    store.write_table("chunks", "b", FRAME, version="1", inputs={"pages": "x"})
    assert store.is_current("chunks", "b", version="1", inputs={"pages": "x"})
    assert not store.is_current("chunks", "b", version="2", inputs={"pages": "x"})
    assert not store.is_current("chunks", "b", version="1", inputs={"pages": "y"})
    assert not store.is_current("chunks", "c", version="1", inputs={"pages": "x"})


def test_a_table_whose_manifest_was_not_written_does_not_count(store: ArtifactStore) -> None:
    write_parquet(FRAME, store.path("chunks", "b"))
    assert store.get("chunks", "b") is None
    with pytest.raises(StorageError, match="chunks of b is not built yet"):
        store.read("chunks", "b")


def test_a_failed_rewrite_leaves_the_old_artifact_as_it_was(store: ArtifactStore) -> None:
    written = store.write_folder(
        "dataset", None, lambda folder: _say(folder / "whole", "1"), version="1", inputs={}
    )

    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.write_folder("dataset", None, fail, version="2", inputs={})
    assert store.get("dataset", None, "") == written
    assert [path.name for path in written.path.iterdir()] == ["whole"]
    assert list(store.root.glob(".writing-*")) == []


def test_identical_content_has_an_identical_hash(store: ArtifactStore) -> None:
    first = store.write_table("chunks", "b", FRAME, version="1", inputs={})
    second = store.write_table("chunks", "b", FRAME, version="1", inputs={})
    assert first.content_hash == second.content_hash


def test_tables_beside_stand_with_the_first(store: ArtifactStore) -> None:
    store.write_table(
        "pairs", None, FRAME, version="1", inputs={}, beside={"left_out": FRAME.head(1)}
    )
    assert pl.read_parquet(store.root / "pairs.left_out.parquet").height == 1


def test_failures_are_kept_until_one_attempt_succeeds(store: ArtifactStore) -> None:
    store.record_failure("chunks", "b", "It is broken.", version="1", inputs={})
    failure = store.failure("chunks", "b")
    assert failure is not None
    assert failure.message == "It is broken."
    assert store.partitions("chunks") == {}
    store.write_table("chunks", "b", FRAME, version="1", inputs={})
    assert store.failure("chunks", "b") is None


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\\b"])
def test_no_path_leaves_the_store(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part"):
        store.path("chunks", name)


def test_a_full_disk_is_said_plainly(store: ArtifactStore) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")

    def fill(folder: Path) -> None:
        with Path("/dev/full").open("w") as stream:
            stream.write("x" * 100_000)

    with pytest.raises(StorageError, match="is full"):
        store.write_folder("dataset", None, fill, version="1", inputs={})


def test_sweep_removes_what_killed_processes_left(store: ArtifactStore) -> None:
    store.root.mkdir(parents=True)
    left = store.root / f".writing-{os.getpid()}-x.parquet"  # of a process that had our number
    left.write_text("half")
    os.utime(left, (0, 0))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    fresh = store.root / f".writing-{gone.pid}-y.parquet"
    fresh.write_text("being written")
    slow = store.root / f".writing-{os.getpid()}-z"  # ours, untouched for more than an hour
    slow.mkdir()
    assert store.sweep() == 1
    assert {path.name for path in store.root.iterdir()} == {fresh.name, slow.name}
    assert store.sweep(older_than_seconds=-1) == 1
    assert [path.name for path in store.root.iterdir()] == [slow.name]
