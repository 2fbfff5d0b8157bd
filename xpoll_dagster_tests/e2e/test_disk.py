"""A full disk and a read-only one, for real: a small tmpfs, mounted for the test alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

CHECKOUT = Path(__file__).resolve().parents[2]
UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]
BOOK = "astronomy--book-00"


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not _may_mount():
        pytest.skip("this machine lets no process mount a disk of its own")
    folder = tmp_path_factory.mktemp("small-disk")
    ended = subprocess.run(
        [*UNSHARE, sys.executable, "-m", "xpoll_dagster_tests.e2e.small_disk", str(folder)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


def _failed(said: str) -> dict[str, str]:
    """The summary's list of what failed: name → sentence."""
    lines = said.partition("\nFailed:\n")[2].splitlines()
    named = (line.strip().partition(": ") for line in lines if line.startswith("  "))
    return {name: sentence for name, _, sentence in named}


def test_a_full_disk_is_said_for_a_book_and_for_the_library(steps: dict[str, Any]) -> None:
    assert steps["first"]["code"] in {0, 3}, steps["first"]
    full = steps["full"]
    assert full["code"] == 3, full
    failed = _failed(full["said"])
    assert "is full: free some space and run again." in failed[BOOK]
    assert "is full: free some space and run again." in failed["linking"]
    assert "Traceback" not in full["said"] + full["errors"]


def test_what_stood_before_the_disk_was_full_stands_after(steps: dict[str, Any]) -> None:
    before = dict(steps["first"]["hashes"])
    del before["lexical_links.json"]
    for step in ("full", "all_full"):
        assert steps[step]["hashes"] == before
        assert steps[step]["left"] == []


def test_a_full_disk_under_dagster_itself_is_one_sentence(steps: dict[str, Any]) -> None:
    said = steps["all_full"]
    assert said["code"] == 1, said
    assert said["said"].strip().endswith("is full: free some space and run again.")
    assert "Traceback" not in said["said"] + said["errors"]


def test_once_there_is_room_again_all_is_built(steps: dict[str, Any]) -> None:
    emptied = steps["emptied"]
    assert emptied["code"] == steps["first"]["code"], emptied
    assert emptied["hashes"].keys() == steps["first"]["hashes"].keys()
    assert (
        emptied["hashes"][f"chunks@{BOOK}.json"] != steps["first"]["hashes"][f"chunks@{BOOK}.json"]
    )
    other = "chunks@astronomy--book-02.json"
    assert emptied["hashes"][other] == steps["first"]["hashes"][other]


def test_a_read_only_disk_is_said_for_a_book_and_for_the_library(steps: dict[str, Any]) -> None:
    read_only = steps["read_only"]
    assert read_only["code"] == 3, read_only
    failed = _failed(read_only["said"])
    for name in (BOOK, "linking"):
        assert "cannot be written to: check its permissions, or set XPOLL_DATA_DIR." in failed[name]
    assert "Traceback" not in read_only["said"] + read_only["errors"]
    status = steps["status"]
    assert status["code"] == 0, status
    assert "stale" in status["said"]
