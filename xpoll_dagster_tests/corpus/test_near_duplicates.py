from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.corpus.invariants import check_conservation, near_numbers
from xpoll_dagster.corpus.ledger import read_ledger
from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions, NearDuplicateOptions
from xpoll_dagster.corpus.signatures import band_names, sign_rows
from xpoll_dagster.corpus.similarity import row_similarity
from xpoll_dagster_tests.corpus.sources import frame, rows_in, write_source

NEAR = MergeOptions(near_duplicates=True, jsonl="none")

LONG = (
    "The tide turns twice a day because the earth spins below the bulge of water that the moon "
    "draws up, and sailors who wait in the harbour learn from tables when the channel will be "
    "deep enough for their keels to pass over the bar at the mouth of the river without harm."
)


def changed(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    for place in rng.sample(range(len(words)), max(1, len(words) // 20)):
        words[place] = rng.choice(("lantern", "velvet", "orchard", "marble"))
    return " ".join(words)


def shared_bands(*texts: str) -> int:
    rows = frame([{"instruction": "Explain the tides.", "output": text} for text in texts])
    signed = sign_rows(rows, NearDuplicateOptions())
    return sum(signed[name].n_unique() < signed.height for name in band_names(NEAR.near))


@pytest.mark.slow
def test_a_word_in_twenty_changed_is_found(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = []
    for number in range(60):
        words = [
            f"{rng.choice('bcdfgst')}{rng.choice('aeiou')}{rng.choice('lmnr')}" for _ in range(60)
        ]
        topic = "abcdefghijklmnopqrstuvwxyz"[number % 26]
        rows.append({"instruction": f"Tell of {topic} {words[0]}.", "output": " ".join(words)})
    edited = [{**row, "output": changed(row["output"], rng)} for row in rows]
    folders = [
        write_source(tmp_path, "a", rows, priority=1),
        write_source(tmp_path, "b", edited),
    ]
    manifest = merge_sources(folders, tmp_path / "corpus", NEAR)
    assert manifest.removed["near"] >= 54
    ledger = read_ledger(tmp_path / "corpus")
    assert ledger["kept_source"].unique().to_list() == ["a"]
    assert ledger["similarity"].min() >= 0.9  # pyright: ignore[reportOperatorIssue]
    assert check_conservation(tmp_path / "corpus", folders) == []
    assert near_numbers(tmp_path / "corpus", folders) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("twice a day", "7 times a day"),
        ("will be", "will not be"),
        ("earth spins", "earth + moon"),
    ],
)
def test_other_numbers_operators_and_negations_share_no_band(one: str, two: str) -> None:
    assert shared_bands(LONG, LONG.replace("sailors", "seamen")) > 0
    assert shared_bands(LONG, LONG.replace(one, two)) == 0


def test_numbers_may_stand_anywhere_but_must_be_the_same() -> None:
    assert shared_bands(f"{LONG} 12 * 3 = 36", f"{LONG} 12 * 4 = 36") == 0
    assert shared_bands(f"{LONG} 12 * 3 = 36", f"{LONG} 12 * 3 = 36") == 16


def test_another_number_word_is_no_duplicate(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Explain the tides.", "output": text}
        for text in (LONG, LONG.replace("twice", "thrice"))
    ]
    folder = write_source(tmp_path, "a", rows)
    assert merge_sources([folder], tmp_path / "corpus", NEAR).removed == {}
    folder = write_source(
        tmp_path, "b", [rows[0], {**rows[0], "output": LONG.replace("deep", "x")}]
    )
    assert merge_sources([folder], tmp_path / "corpus", NEAR).removed == {"near": 1}


def test_another_question_or_answer_is_no_duplicate(tmp_path: Path) -> None:
    rows = [
        {"instruction": f"Why do the tides turn? {LONG}", "output": "Because the moon pulls."},
        {"instruction": f"Why do the tides turn? {LONG}", "output": "The winds push water."},
        {"instruction": "Write a short note on the sea.", "output": LONG},
        {"instruction": "What turns with the moon, and why?", "output": LONG},
        {"instruction": "Say it as a pirate.", "output": LONG, "system": "You are a pirate."},
        {"instruction": "Say it as a pirate.", "output": LONG, "system": "You are a nurse."},
    ]
    folder = write_source(tmp_path, "a", rows)
    assert merge_sources([folder], tmp_path / "corpus", NEAR).removed == {}


def test_short_rows_are_compared_by_characters_and_the_shortest_not_at_all(tmp_path: Path) -> None:
    rows = [
        {
            "instruction": "Name the largest planet that circles the sun.",
            "output": "It is Jupiter, of course.",
        },
        {
            "instruction": "Name the largest planet that circle the sun.",
            "output": "It is Jupiter, of course.",
        },
        {"instruction": "Name a red fruit.", "output": "Cherry."},
        {"instruction": "Name a red fruits.", "output": "Cherry."},
    ]
    folder = write_source(tmp_path, "a", rows)
    manifest = merge_sources([folder], tmp_path / "corpus", NEAR)
    assert manifest.removed == {"near": 1}
    assert rows_in(tmp_path / "corpus").height == 3


def test_what_stands_for_a_row_is_kept_and_like_it(tmp_path: Path) -> None:
    # Each differs from the one before in two words: the ends of the chain are not alike.
    words = LONG.split(" ")
    rows = []
    for step in range(8):
        rows.append({"instruction": "Explain the tides.", "output": " ".join(words)})
        words[3 * step + 3] = f"{'abcdefgh'[step]}word"
        words[3 * step + 4] = f"{'abcdefgh'[step]}other"
    folder = write_source(tmp_path, "a", rows)
    merge_sources([folder], tmp_path / "corpus", NEAR)
    assert check_conservation(tmp_path / "corpus", [folder]) == []
    ledger = read_ledger(tmp_path / "corpus")
    assert 0 < ledger.height < 7
    text = dict(
        pl.read_parquet(sorted(folder.glob("r*.parquet"))).select("_id", "output").iter_rows()
    )
    for gone, kept in ledger.select("removed_id", "kept_id").iter_rows():
        pair = [set(text[row].split()) for row in (gone, kept)]
        assert len(pair[0] & pair[1]) / len(pair[0] | pair[1]) > 0.75


def test_order_of_rows_and_files_plays_no_part(tmp_path: Path) -> None:
    rng = random.Random(3)
    rows = [{"instruction": "Explain the tides.", "output": changed(LONG, rng)} for _ in range(30)]
    merge_sources([write_source(tmp_path / "x", "a", rows)], tmp_path / "one", NEAR)
    rng.shuffle(rows)
    merge_sources([write_source(tmp_path / "y", "a", rows)], tmp_path / "two", NEAR)
    ledgers = [read_ledger(tmp_path / name).sort("removed_id") for name in ("one", "two")]
    assert ledgers[0].height > 0
    assert ledgers[0].equals(ledgers[1])


def test_signatures_are_kept_with_the_source(tmp_path: Path) -> None:
    folder = write_source(tmp_path, "a", [{"instruction": "Explain.", "output": LONG}])
    merge_sources([folder], tmp_path / "corpus", NEAR)
    kept = list(folder.glob(".signatures-*.parquet"))
    assert len(kept) == 1
    stamp = kept[0].stat().st_mtime_ns
    merge_sources([folder], tmp_path / "corpus", NEAR)
    assert kept[0].stat().st_mtime_ns == stamp


def test_texts_beyond_the_limit_must_go_on_alike() -> None:
    from xpoll_dagster.corpus.near_duplicates import _row_texts

    options = NearDuplicateOptions(max_tokens=100)
    body = " ".join(f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(150))
    rows = frame(
        [{"instruction": "Go.", "output": body}, {"instruction": "Go.", "output": f"{body} more"}]
    )
    first, second = _row_texts(rows)
    assert row_similarity(first, first, options) == 1.0
    assert row_similarity(first, second, options) is None
