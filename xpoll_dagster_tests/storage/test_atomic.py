"""Readers see the old artifact or the new one, never half of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.storage import hash_tree, replace_directory, replace_file, write_parquet


class Interrupted(Exception):
    pass


def test_replace_file_puts_the_new_content_in_place(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.txt"
    with replace_file(target) as path:
        path.write_text("one")
    with replace_file(target) as path:
        path.write_text("two")
    assert target.read_text() == "two"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "table.txt"
    target.write_text("old")
    with pytest.raises(Interrupted), replace_file(target) as path:
        path.write_text("half")
        raise Interrupted
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_replace_directory_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "dataset"
    with replace_directory(target) as folder:
        (folder / "a").write_text("a")
    with replace_directory(target) as folder:
        (folder / "b").write_text("b")
    assert [path.name for path in target.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_while_filling_leaves_the_old_directory(tmp_path: Path) -> None:
    target = tmp_path / "dataset"
    with replace_directory(target) as folder:
        (folder / "a").write_text("a")
    before = hash_tree(target)
    with pytest.raises(Interrupted), replace_directory(target) as folder:
        (folder / "a").write_text("half")
        raise Interrupted
    assert hash_tree(target) == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_process_killed_while_writing_leaves_the_old_table(tmp_path: Path) -> None:
    target = tmp_path / "table.parquet"
    write_parquet(pl.DataFrame({"n": [1]}), target)
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from xpoll_dagster.storage import replace_file\n"
        "with replace_file(Path(sys.argv[1])) as path:\n"
        "    path.write_bytes(b'PAR1 half a table')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(target)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert pl.read_parquet(target)["n"].to_list() == [1]


def test_hash_tree_sees_names_and_contents_but_no_links(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    (book / "a.md").write_text("a")
    first = hash_tree(book)
    os.symlink("/etc/hostname", book / "link.md")
    (book / ".hidden").write_text("x")
    assert hash_tree(book) == first
    (book / "a.md").rename(book / "b.md")
    assert hash_tree(book) != first
