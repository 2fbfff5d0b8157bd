"""Two machines and one object store: each sees what the other has finished, and nothing half."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import fsspec
import polars as pl
import pytest

from xpoll_dagster.storage import StorageError, open_shared
from xpoll_dagster.storage import shared as shared_module
from xpoll_dagster.storage.objects import ObjectStore
from xpoll_dagster.storage.shared_data import SharedData

INPUTS = {"book": "abc"}


class Machine(SharedData):
    """A machine of its own: its folder, and a look at the store for every question."""

    def __init__(self, address: str, folder: Path) -> None:
        super().__init__(address, folder)
        self.folder = folder
        for mirror in (*self._inputs, self.store._manifests):
            mirror._fresh_seconds = 0.0


@pytest.fixture
def address() -> str:
    return f"memory://bucket-{uuid.uuid4().hex}/lib"


@pytest.fixture
def machines(address: str, tmp_path: Path) -> tuple[Machine, Machine]:
    return Machine(address, tmp_path / "one"), Machine(address, tmp_path / "two")


def put_object(address: str, key: str, content: bytes) -> None:
    fsspec.filesystem("memory").pipe_file(f"{address.partition('://')[2]}/{key}", content)


def objects(address: str) -> dict[str, int]:
    return {key: one.size for key, one in ObjectStore(address).listing("artifacts").items()}


def frame(*numbers: int) -> pl.DataFrame:
    return pl.DataFrame({"x": list(numbers)})


def filling(files: Mapping[str, str]) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    return fill


def test_what_one_machine_builds_the_other_reads(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    assert two.store.get("chunks", "b") is None
    built = one.store.write_table(
        "chunks", "b", frame(1, 2), version="1", inputs=INPUTS, numbers={"n": 2}
    )
    seen = two.store.get("chunks", "b")
    assert seen is not None
    assert (seen.content_hash, seen.version, seen.inputs) == (built.content_hash, "1", INPUTS)
    assert seen.numbers == {"n": 2}
    assert two.store.is_current("chunks", "b", version="1", inputs=INPUTS)
    assert two.store.partitions("chunks").keys() == {"b"}
    assert two.store.read("chunks", "b")["x"].to_list() == [1, 2]


def test_content_is_fetched_when_it_is_read_and_only_then(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = machines
    one.store.write_folder("set", None, filling({"a/b.txt": "old"}), version="1", inputs={})
    artifact = two.store.get("set", suffix="")
    place = two.folder / "artifacts" / "set"
    assert artifact is not None
    assert not place.exists()
    assert (artifact.path / "a" / "b.txt").read_text() == "old"
    fetched: list[str] = []
    real = ObjectStore.download
    monkeypatch.setattr(
        ObjectStore,
        "download",
        lambda self, files: fetched.extend(files) or real(self, files),
    )
    assert (two.store.content("set", suffix="") / "a" / "b.txt").read_text() == "old"
    assert fetched == []
    one.store.write_folder("set", None, filling({"c.txt": "new"}), version="2", inputs={})
    path = two.store.content("set", suffix="")
    assert [file.name for file in path.rglob("*")] == ["c.txt"]
    assert [key.rpartition("/")[2] for key in fetched if ".manifests" not in key] == ["c.txt"]


def test_tables_beside_travel_along(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    one.store.write_table(
        "pairs", None, frame(1), version="1", inputs={}, beside={"left_out": frame(7, 8)}
    )
    path = two.store.content("pairs")
    assert pl.read_parquet(path.with_name("pairs.left_out.parquet"))["x"].to_list() == [7, 8]


def test_an_artifact_that_only_this_machine_has_does_not_count(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    one, two = machines
    one.store.write_table("chunks", "b", frame(1), version="1", inputs=INPUTS)

    def torn(self: ObjectStore, files: Mapping[str, Path]) -> None:
        for key, file in list(files.items())[:1]:
            put_object(address, key, file.read_bytes()[:10])
        raise StorageError("The line is dead.")

    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "upload", torn)
        with pytest.raises(StorageError, match="dead"):
            one.store.write_table("chunks", "b", frame(2), version="2", inputs=INPUTS)
    # Both still see the old one, whole: its maker too, whose folder holds the newer content.
    for machine in (one, two):
        artifact = machine.store.get("chunks", "b")
        assert artifact is not None
        assert artifact.version == "1"
        assert machine.store.read("chunks", "b")["x"].to_list() == [1]
    one.store.write_table("chunks", "b", frame(2), version="2", inputs=INPUTS)
    assert two.store.read("chunks", "b")["x"].to_list() == [2]


def test_what_no_manifest_names_is_swept_when_it_is_old(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    one, two = machines
    one.store.write_table("chunks", "b", frame(1), version="1", inputs=INPUTS)
    one.store.write_table("chunks", "b", frame(2), version="2", inputs=INPUTS)
    put_object(address, "artifacts/chunks/b/torn-1/b.parquet", b"half")
    before = objects(address)
    assert two.store.sweep() == 0  # all of it is young: another machine may be putting it there
    assert objects(address) == before
    monkeypatch.setattr(shared_module, "UNNAMED_SECONDS", -1.0)
    assert two.store.sweep(-1.0) == 2
    assert len(objects(address)) == len(before) - 2
    assert two.store.read("chunks", "b")["x"].to_list() == [2]


def test_nothing_is_swept_where_a_manifest_cannot_be_read(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    one, two = machines
    one.store.write_table("chunks", "b", frame(1), version="1", inputs=INPUTS)
    put_object(address, "artifacts/.manifests/later@b.json", b'{"format": "of a later xpoll"}')
    monkeypatch.setattr(shared_module, "UNNAMED_SECONDS", -1.0)
    before = objects(address)
    assert two.store.get("later", "b") is None
    assert two.store.sweep(-1.0) == 0
    assert objects(address) == before


def test_a_newer_version_is_taken_where_the_older_one_was_swept(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    one, two = machines
    one.store.write_table("chunks", "b", frame(1), version="1", inputs=INPUTS)
    old = two.store.get("chunks", "b")
    assert old is not None
    one.store.write_table("chunks", "b", frame(2), version="2", inputs=INPUTS)
    monkeypatch.setattr(shared_module, "UNNAMED_SECONDS", -1.0)
    one.store.sweep(-1.0)
    assert pl.read_parquet(old.path)["x"].to_list() == [2]
    for key in objects(address):
        if key.endswith(".parquet"):
            ObjectStore(address).remove([f"artifacts/{key}"])
    three = Machine(address, two.folder.with_name("three"))
    with pytest.raises(StorageError, match="chunks of b are gone"):
        three.store.read("chunks", "b")


def test_a_changed_object_is_refused(machines: tuple[Machine, Machine], address: str) -> None:
    one, two = machines
    one.store.write_folder("set", None, filling({"a.txt": "right"}), version="1", inputs={})
    [key] = [key for key in objects(address) if key.endswith("a.txt")]
    put_object(address, f"artifacts/{key}", b"wrong")
    with pytest.raises(StorageError, match="is not what was put there"):
        two.store.content("set", suffix="")
    assert not (two.folder / "artifacts" / "set").exists()


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../evil", ""])
def test_a_manifest_cannot_write_outside_its_artifact(
    name: str, machines: tuple[Machine, Machine], address: str
) -> None:
    one, two = machines
    one.store.write_folder("set", None, filling({"a.txt": "right"}), version="1", inputs={})
    key = "artifacts/.manifests/set.json"
    said = json.loads(ObjectStore(address).read(key) or b"")
    said["files"] = {name: next(iter(said["files"].values()))}
    put_object(address, key, json.dumps(said).encode())
    assert two.store.get("set", suffix="") is None


def test_failures_are_seen_by_all_until_one_succeeds(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    one.store.record_failure("chunks", "b", "It is torn.", version="1", inputs=INPUTS)
    failure = two.store.failure("chunks", "b")
    assert failure is not None
    assert (failure.message, failure.version, failure.inputs) == ("It is torn.", "1", INPUTS)
    assert two.store.partitions("chunks") == {}
    two.store.write_table("chunks", "b", frame(1), version="1", inputs=INPUTS)
    assert one.store.failure("chunks", "b") is None


def test_the_earlier_version_can_be_read_while_a_newer_one_is_made(
    machines: tuple[Machine, Machine],
) -> None:
    one, two = machines
    one.store.write_folder("set", None, filling({"n": "1"}), version="1", inputs={})
    earlier = two.store.get("set", suffix="")
    assert earlier is not None

    def fill(folder: Path) -> None:
        (folder / "n").write_text((earlier.path / "n").read_text() + "2")

    two.store.write_folder("set", None, fill, version="2", inputs={})
    assert (one.store.content("set", suffix="") / "n").read_text() == "12"


def test_inputs_follow_the_store(machines: tuple[Machine, Machine], address: str) -> None:
    one, _ = machines
    put_object(address, "books/history/ships/01.md", b"one")
    put_object(address, "books/history/ships/02.md", b"two")
    put_object(address, "books/history/loose.txt", b"loose")
    put_object(address, "books/../escape.txt", b"out")
    one.follow_inputs()
    books = one.folder / "books"
    assert (books / "history" / "ships" / "01.md").read_bytes() == b"one"
    assert sorted(entry.name for entry in (books / "history").iterdir()) == ["loose.txt", "ships"]
    before = (books / "history" / "loose.txt").stat().st_mtime_ns
    put_object(address, "books/history/ships/01.md", b"changed")
    ObjectStore(address).remove(["books/history/ships/02.md"])
    one.follow_inputs()
    assert (books / "history" / "ships" / "01.md").read_bytes() == b"changed"
    assert not (books / "history" / "ships" / "02.md").exists()
    assert (books / "history" / "loose.txt").stat().st_mtime_ns == before
    # A book that is gone leaves no folder, and a file that was put here is not part of the data.
    (books / "history" / "stray.txt").write_text("not in the store")
    ObjectStore(address).remove(["books/history/ships/01.md"])
    one.follow_inputs()
    assert sorted(entry.name for entry in (books / "history").iterdir()) == ["loose.txt"]


def test_a_lost_memory_or_file_is_fetched_again(
    machines: tuple[Machine, Machine], address: str
) -> None:
    one, _ = machines
    put_object(address, "books/history/a.txt", b"text")
    one.follow_inputs()
    for lost in (one.folder / "books" / "history" / "a.txt", one.folder / ".shared" / "books.json"):
        lost.unlink()
        one.follow_inputs()
        assert (one.folder / "books" / "history" / "a.txt").read_bytes() == b"text"


def test_a_folder_of_something_else_is_not_taken(tmp_path: Path, address: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(StorageError, match="XPOLL_WORK_DIR to an empty folder"):
        open_shared(address, tmp_path / "mine")
    open_shared(address, tmp_path / "work")
    with pytest.raises(StorageError, match="is the working folder of memory://"):
        open_shared(f"{address}/other", tmp_path / "work")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_an_address_with_a_key_in_it_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds no key") as refused:
        open_shared("s3://AKIA:geheim@bucket/lib", tmp_path / "work")
    assert "geheim" not in str(refused.value)
