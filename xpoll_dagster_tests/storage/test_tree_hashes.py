"""Remembered hashes are the same as read ones, whatever happens to the files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from xpoll_dagster.storage import hash_tree
from xpoll_dagster.storage import tree_hashes as module
from xpoll_dagster.storage.tree_hashes import TreeHashes, tree_signature


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    folder.mkdir()
    for name in ("a.md", "b.md"):
        (folder / name).write_text(name, encoding="utf-8")
        old = time.time() - 60
        os.utime(folder / name, (old, old))
    return folder


def _reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    reads: list[Path] = []

    def counted(path: Path) -> str:
        reads.append(path)
        return hash_tree(path)

    monkeypatch.setattr(module, "hash_tree", counted)
    return reads


def test_an_untouched_tree_is_read_once(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GRAIN_SECONDS", -1.0)
    reads = _reads(monkeypatch)
    first = TreeHashes(tmp_path / "memory.json").hash(tree)
    assert TreeHashes(tmp_path / "memory.json").hash(tree) == first == hash_tree(tree)
    assert len(reads) == 1


def test_a_tree_changed_just_now_is_not_trusted_to_look_untouched(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = _reads(monkeypatch)
    (tree / "a.md").write_text("new", encoding="utf-8")
    hashes = TreeHashes(tmp_path / "memory.json")
    hashes.hash(tree)
    hashes.hash(tree)
    assert len(reads) == 2


def test_every_kind_of_change_is_seen(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GRAIN_SECONDS", -1.0)
    hashes = TreeHashes(tmp_path / "memory.json")
    seen = [hashes.hash(tree)]
    (tree / "a.md").write_text("b.md", encoding="utf-8")  # as long as before
    seen.append(hashes.hash(tree))
    (tree / "c.md").write_text("c", encoding="utf-8")
    seen.append(hashes.hash(tree))
    (tree / "b.md").rename(tree / "d.md")
    seen.append(hashes.hash(tree))
    (tree / "d.md").unlink()
    seen.append(hashes.hash(tree))
    assert len(set(seen)) == len(seen)
    assert seen[-1] == hash_tree(tree)


def test_a_broken_memory_is_forgotten(tree: Path, tmp_path: Path) -> None:
    memory = tmp_path / "memory.json"
    memory.write_text('{"half', encoding="utf-8")
    assert TreeHashes(memory).hash(tree) == hash_tree(tree)


def test_a_time_in_the_future_makes_no_file_look_fresh(tmp_path: Path) -> None:
    """Copied along from a machine whose clock was wrong, it would never be left in peace."""
    file = tmp_path / "book.txt"
    file.write_text("x")
    os.utime(file, (4e9, 4e9))
    assert tree_signature(file)[1] <= time.time()


def test_a_folder_deeper_than_a_path_may_be_has_a_signature_that_stays(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    here = Path.cwd()
    try:
        os.chdir(book)
        for _ in range(45):
            Path("d" * 100).mkdir()
            os.chdir("d" * 100)
    finally:
        os.chdir(here)
    signature, changed = tree_signature(book)
    assert "cannot be read" in signature
    assert (signature, changed) == tree_signature(book)
    assert changed < time.time() - 1000


def test_names_that_are_not_utf8_are_hashed(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    first = hash_tree(tmp_path / "book")
    (tmp_path / "book" / os.fsdecode(b"\xe9.md")).write_text("x")
    assert hash_tree(tmp_path / "book") != first
