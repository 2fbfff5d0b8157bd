"""A library in an object store: the sensor, the lineage and the assets' fetching of inputs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import fsspec
import polars as pl
import pytest

from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.automation.sensors import new_textbooks
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.lineage import BOOK_CHAIN, Lineage
from xpoll_dagster.defs.places import open_store
from xpoll_dagster.settings import Settings, get_settings
from xpoll_dagster.storage import open_shared

DEFINITIONS = defs()
BOOK = "history--ships"


class Bucket:
    """Objects at the address, and how a machine is set to it."""

    def __init__(self) -> None:
        self.address = f"memory://bucket-{uuid.uuid4().hex}/lib"
        self._root = self.address.partition("://")[2]
        self._files = fsspec.filesystem("memory")

    def put(self, key: str, content: bytes) -> None:
        self._files.pipe_file(f"{self._root}/{key}", content)

    def remove(self, key: str) -> None:
        self._files.rm_file(f"{self._root}/{key}")

    def machine(self, folder: Path) -> Settings:
        settings = Settings.model_validate({"data_dir": self.address, "work_dir": folder})
        shared = open_shared(settings.data_address, settings.data_dir)
        for mirror in (*shared._inputs, shared.store._manifests):
            mirror._fresh_seconds = 0.0
        return settings


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def settings(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("XPOLL_DATA_DIR", bucket.address)
    monkeypatch.setenv("XPOLL_WORK_DIR", str(tmp_path / "work"))
    bucket.machine(tmp_path / "work")
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


def test_an_address_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XPOLL_DATA_DIR", "s3://bucket/lib")
    settings = Settings()
    assert settings.data_address == "s3://bucket/lib"
    assert settings.data_dir.parent == tmp_path / "xpoll"
    assert Settings(data_dir=Path("/data")).data_address == ""
    monkeypatch.setenv("XPOLL_DATA_DIR", f"file://{tmp_path}/data")
    assert Settings().data_dir == tmp_path / "data"
    assert Settings().data_address == ""


def test_a_book_that_lands_in_the_store_gets_its_partition_and_its_run(
    bucket: Bucket, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file's change time cannot be set back; what is tested here is the second look.
    monkeypatch.setattr("xpoll_dagster.defs.automation.sensors.time.time", lambda: 4e9)
    cursor: str | None = None
    with dg.DagsterInstance.ephemeral() as instance:

        def look() -> dg.SensorResult:
            nonlocal cursor
            context = dg.build_sensor_context(
                instance=instance, cursor=cursor, definitions=DEFINITIONS
            )
            result = new_textbooks(context)
            assert isinstance(result, dg.SensorResult)
            cursor = result.cursor
            return result

        look()
        bucket.put("books/history/ships.txt", b"The ships came into the harbour.")
        landed = look()
        assert not landed.run_requests
        [added] = landed.dynamic_partitions_requests or []
        assert list(added.partition_keys) == [BOOK]
        instance.add_dynamic_partitions("books", [BOOK])
        [request] = look().run_requests or []
        assert (request.job_name, request.partition_key) == ("books_job", BOOK)
        bucket.remove("books/history/ships.txt")
        [gone] = look().dynamic_partitions_requests or []
        assert list(gone.partition_keys) == [BOOK]
    assert settings.books_dir.parent == settings.data_dir


def test_two_machines_agree_on_how_a_book_stands(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("books/history/ships.txt", b"The ships came into the harbour.")
    one, two = bucket.machine(tmp_path / "one"), bucket.machine(tmp_path / "two")
    for name in BOOK_CHAIN:
        step = STEPS[name]
        before = Lineage(two).standing(step, BOOK)
        assert before.state in {"missing", "waiting"}
        inputs = Lineage(one).inputs(step, BOOK)
        assert inputs == Lineage(two).inputs(step, BOOK)
        open_store(one).write_table(
            name,
            BOOK,
            pl.DataFrame({"of": [name]}),
            version=step.version(one),
            inputs=inputs or {},
        )
        assert Lineage(two).standing(step, BOOK).state == "current"
    assert Lineage(two).complete_books() == [BOOK]
    assert not list((two.artifacts_dir / "chunks").glob("*"))
    bucket.put("books/history/ships.txt", b"The ships left the harbour.")
    for machine in (one, two):
        standing = Lineage(machine).standing(STEPS["book_pages"], BOOK)
        assert (standing.state, standing.reason) == ("stale", "changed: book")
