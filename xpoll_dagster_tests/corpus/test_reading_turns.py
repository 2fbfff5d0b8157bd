from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xpoll_dagster.corpus.catalogue import Entry
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.normalising import NormalisingOptions, normalise_source
from xpoll_dagster.corpus.reading_turns import ReadingTurns
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster_tests.corpus.sources import SMALL, write_source

KEYS = {name: np.array(range(at, at + 3), np.uint64) for at, name in enumerate("abc")}


def seen(turns: ReadingTurns, name: str, *folders: Path, priority: int = 0) -> list[int]:
    """Which of the keys 0 to 4 a source is told to expect."""
    with turns.turn(name, folders, licence="MIT", priority=priority) as turn:
        found = turn.expected.counts(np.arange(5, dtype=np.uint64))
        turn.on_read(KEYS[name])
    return np.flatnonzero(found).tolist()


def test_a_source_expects_the_keys_of_those_before_it_in_rank() -> None:
    turns = ReadingTurns()
    assert seen(turns, "b") == []
    assert seen(turns, "c") == [1, 2, 3]
    assert seen(turns, "a") == []  # the others come after it in rank
    assert seen(turns, "c") == [0, 1, 2, 3]
    assert seen(turns, "c", priority=1) == []


def test_finished_sources_are_expected_too_and_what_was_read_anew_only_once(
    tmp_path: Path,
) -> None:
    rows = [{"instruction": f"Say {number}.", "output": "Yes."} for number in range(3)]
    folder = write_source(tmp_path, "a", rows)
    unfinished = tmp_path / "none"
    keys = Source.open(folder).keys("key_a")["key_a"].to_numpy()
    turns = ReadingTurns()
    with turns.turn("b", [unfinished, folder], licence="MIT") as turn:
        assert turn.expected.counts(keys).tolist() == [1, 1, 1]
        turn.on_read(KEYS["b"])
    with turns.turn("a", [folder], licence="MIT") as turn:
        turn.on_read(keys[:1])
    with turns.turn("c", [folder], licence="MIT") as turn:
        assert turn.expected.counts(keys).tolist() == [1, 0, 0]


def test_the_next_is_begun_when_one_is_read_and_before_it_is_written() -> None:
    turns = ReadingTurns()
    begun = threading.Event()

    def follow() -> None:
        with turns.turn("b", [], licence="MIT"):
            begun.set()

    with ThreadPoolExecutor(1) as pool, turns.turn("a", [], licence="MIT") as turn:
        done = pool.submit(follow)
        assert not begun.wait(0.1)
        turn.on_read(KEYS["a"])
        assert begun.wait(10)
        done.result(10)


def test_a_source_that_fails_keeps_nobody_waiting() -> None:
    turns = ReadingTurns()
    with pytest.raises(SourceError), turns.turn("a", [], licence="MIT"):
        raise SourceError("It cannot be read.")
    assert seen(turns, "b") == []


def test_sources_in_turns_lie_on_disk_as_sources_one_by_one(tmp_path: Path) -> None:
    names = ["one", "two", "three"]
    for at, name in enumerate(names):
        numbers = [*range(10 * at, 10 * at + 40), *range(5)]
        pl.DataFrame(
            {"instruction": [f"Say {n}." for n in numbers], "output": ["Yes."] * len(numbers)}
        ).write_ndjson(tmp_path / f"{name}.jsonl")

    def normalise(turns: ReadingTurns, root: Path, name: str) -> None:
        (root / name).mkdir(parents=True)
        file = tmp_path / f"{name}.jsonl"
        entry = Entry(name=name, files=[str(file)], adapter="alpaca", licence="MIT")
        others = [root / other for other in names if other != name]
        with turns.turn(name, others, licence="MIT") as turn:
            begun.set()
            normalise_source(
                entry,
                root / name,
                [file],
                expected=turn.expected,
                options=NormalisingOptions(source=SMALL),
                on_read=turn.on_read,
            )

    turns, begun = ReadingTurns(), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        under_way = []
        for name in names:
            begun.clear()
            under_way.append(pool.submit(normalise, turns, tmp_path / "turns", name))
            assert begun.wait(30)
        for done in under_way:
            done.result()
    for name in names:
        normalise(ReadingTurns(), tmp_path / "alone", name)
    for name in names:
        both = [Source.open(tmp_path / how / name).report for how in ("turns", "alone")]
        assert both[0] == both[1]
        assert sum(shard.repeats for shard in both[0].shards) >= 5
