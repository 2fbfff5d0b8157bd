"""Two processes that make the same artifact at once: one whole artifact, with its own manifest."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.storage import ArtifactStore, hash_tree

WRITES = 25
ROWS = 2000

# Every write says in its content, its tables beside, its version, inputs and numbers which it is.
WRITER = f"""
import sys
from pathlib import Path
import polars as pl
from xpoll_dagster.storage import ArtifactStore

store, kind, writer = ArtifactStore(Path(sys.argv[1])), sys.argv[2], sys.argv[3]

def fill(folder, mark):
    for number in range(5):
        (folder / f"part-{{number}}").write_text(mark * 100)
    (folder / mark).write_text(mark)

print("ready", flush=True)
sys.stdin.readline()
for number in range({WRITES}):
    mark = f"{{writer}}{{number}}"
    said = dict(version=mark, inputs={{"of": mark}}, numbers={{"mark": mark}})
    if kind == "folder":
        store.write_folder("dataset", None, lambda folder: fill(folder, mark), **said)
    else:
        frame = pl.DataFrame({{"mark": [mark] * {ROWS}}})
        store.write_table("chunks", "b", frame, beside={{"left_out": frame.head(3)}}, **said)
"""


def _writers(store: ArtifactStore, kind: str) -> list[subprocess.Popen[str]]:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.root), kind, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.flush()
    return writers


def _marks(path: Path) -> set[str]:
    if path.is_file():
        return set(pl.read_parquet(path)["mark"])
    parts = {file.read_text()[: len(file.read_text()) // 100] for file in path.glob("part-*")}
    return parts | {file.read_text() for file in path.iterdir() if "part" not in file.name}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "asset", "partition", "suffix"),
    [("table", "chunks", "b", ".parquet"), ("folder", "dataset", None, "")],
)
def test_content_and_manifest_are_of_one_writer(
    tmp_path: Path, kind: str, asset: str, partition: str | None, suffix: str
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    writers = _writers(store, kind)
    seen = set()
    looks = missing = 0
    while any(writer.poll() is None for writer in writers):
        artifact = store.get(asset, partition, suffix)
        if artifact is not None:
            seen.add(artifact.version)
            looks += 1
        elif looks:
            missing += 1
        time.sleep(0.002)
    for writer in writers:
        assert writer.wait() == 0, writer.communicate()[1]
    assert missing == 0, "once built, a reader always finds an artifact"
    assert len(seen) > 2, "the reader looked while they were writing"
    artifact = store.get(asset, partition, suffix)
    assert artifact is not None
    assert artifact.version in {f"a{WRITES - 1}", f"b{WRITES - 1}"}
    assert _marks(artifact.path) == {artifact.version}
    assert artifact.inputs == {"of": artifact.version}
    assert artifact.numbers == {"mark": artifact.version}
    assert artifact.content_hash == hash_tree(artifact.path)
    if kind == "table":
        assert set(pl.read_parquet(store.root / "chunks" / "b.left_out.parquet")["mark"]) == {
            artifact.version
        }
    assert list(store.root.rglob(".writing-*")) == []
