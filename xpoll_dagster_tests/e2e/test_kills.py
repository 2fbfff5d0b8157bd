"""A build killed three times at random moments; twenty are `python -m benchmarks.kills`."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from xpoll_dagster_tests.e2e.killing import (
    Killed,
    build_killed,
    hashes,
    start,
    torn_artifacts,
)
from xpoll_dagster_tests.e2e.small_library import write_book

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float, int]:
    """A library of two books, built in one go, how long that took and how it ended."""
    data = tmp_path_factory.mktemp("undisturbed")
    for number in (0, 1):
        write_book(data / "books", number, chapters=8)
    began = time.monotonic()
    code = start(data, "sft").wait()
    assert code in {0, 3}, (data / "build.log").read_text(encoding="utf-8")
    return data, time.monotonic() - began, code


@pytest.fixture(scope="module")
def killed(
    undisturbed: tuple[Path, float, int], tmp_path_factory: pytest.TempPathFactory
) -> Killed:
    data, length, _ = undisturbed
    return build_killed(
        data / "books",
        tmp_path_factory.mktemp("killed"),
        "sft",
        hashes(data),
        length,
        ("parent", "all", "parent"),
        random.Random(7),
    )


def test_the_looking_glass_sees_a_torn_artifact(undisturbed: tuple[Path, float, int]) -> None:
    """What is looked for after a kill would be found."""
    data, *_ = undisturbed
    assert torn_artifacts(data) == []
    table = data / "artifacts" / "chunks" / "astronomy--book-00.parquet"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    try:
        assert len(torn_artifacts(data)) == 2  # its manifest lies, and it does not open
    finally:
        table.write_bytes(whole)


def test_nothing_half_written_is_seen_after_a_kill(killed: Killed) -> None:
    assert killed.kills
    assert [kill.torn for kill in killed.kills] == [[] for _ in killed.kills]


def test_what_a_killed_build_had_started_ends_and_writes_nothing_more(killed: Killed) -> None:
    assert all(kill.orphans == 0 for kill in killed.kills)
    assert [kill.written_later for kill in killed.kills] == [[] for _ in killed.kills]


def test_only_what_was_not_finished_is_made_again(killed: Killed) -> None:
    assert killed.redone == []


def test_the_end_is_that_of_an_undisturbed_build(
    undisturbed: tuple[Path, float, int], killed: Killed
) -> None:
    assert killed.code == undisturbed[2]
    assert killed.differing == []
    assert killed.alive == []
