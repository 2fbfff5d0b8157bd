from __future__ import annotations

import errno
import random
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.corpus.explanation import explain
from xpoll_dagster.corpus.invariants import changed_files, check_conservation
from xpoll_dagster.corpus.ledger import read_ledger
from xpoll_dagster.corpus.manifest import MANIFEST_FILE
from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions
from xpoll_dagster.corpus.model import LEDGER_SCHEMA, ROWS_SCHEMA, SourceError
from xpoll_dagster.corpus.source_tables import open_sources
from xpoll_dagster.corpus.winners import choose_winners, standings
from xpoll_dagster.storage import hash_tree
from xpoll_dagster_tests.corpus.sources import rows_in, write_source

PLAIN = MergeOptions(jsonl="none")

ROW = st.fixed_dictionaries(
    {
        "instruction": st.sampled_from(["a", "a ", "b", "c\n", "caf\u00e9", "cafe\u0301"]),
        "output": st.sampled_from(["x", "x  y", "x y"]),
        "_category": st.sampled_from(["code", "maths"]),
        "_license": st.sampled_from(["MIT", "CC-BY-NC-4.0", None]),
    }
)
SOURCES = st.lists(st.tuples(st.lists(ROW, max_size=9), st.integers(0, 1)), min_size=1, max_size=3)


def build(root: Path, sources: list[tuple[list[dict[str, Any]], int]]) -> list[Path]:
    folders: list[Path] = []
    for number, (rows, priority) in enumerate(sources):
        folders.append(
            write_source(root, f"s{number}", rows, priority=priority, others=list(folders))
        )
    return folders


@pytest.mark.slow
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(SOURCES, st.randoms(use_true_random=False))
def test_counts_conserve_and_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    sources: list[tuple[list[dict[str, Any]], int]],
    rng: random.Random,
) -> None:
    root = tmp_path_factory.mktemp("merge")
    folders = build(root / "a", sources)
    merge_sources(folders, root / "one", PLAIN)
    assert check_conservation(root / "one", folders) == []
    assert changed_files(root / "one") == []

    shuffled = [(rng.sample(rows, len(rows)), priority) for rows, priority in sources]
    others = build(root / "b", shuffled)
    merge_sources(rng.sample(others, len(others)), root / "two", PLAIN)
    for read, by in ((rows_in, "_id"), (read_ledger, "removed_id")):
        if any(rows for rows, _ in sources):
            assert read(root / "one").sort(by).equals(read(root / "two").sort(by))


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(SOURCES)
def test_the_same_bytes_however_the_corpus_came_about(
    tmp_path_factory: pytest.TempPathFactory, sources: list[tuple[list[dict[str, Any]], int]]
) -> None:
    root = tmp_path_factory.mktemp("bytes")
    options = MergeOptions(jsonl="plain")
    # Normalised alone, without a guess at repeats, and merged at once.
    cold = [
        write_source(root / "cold", f"s{n}", rows, priority=priority)
        for n, (rows, priority) in enumerate(sources)
    ]
    merge_sources(cold, root / "at-once", options)
    # Normalised one after the other, and merged after each.
    folders: list[Path] = []
    for n, (rows, priority) in reversed(list(enumerate(sources))):
        folders.append(
            write_source(
                root / "warm", f"s{n}", rows, priority=priority, others=list(folders), batch=2
            )
        )
        merge_sources(folders, root / "by-and-by", options)
    for folder in ("rows", "ledger", "merged_global_corpus.jsonl"):
        assert hash_tree(root / "at-once" / folder) == hash_tree(root / "by-and-by" / folder)
    merge_sources(folders, root / "again", options)
    assert hash_tree(root / "again") == hash_tree(root / "by-and-by")


def question(n: int, **more: Any) -> dict[str, Any]:
    return {"instruction": f"Question {n}?", "output": f"Answer {n}.", **more}


def test_priority_then_licence_then_id_decide(tmp_path: Path) -> None:
    folders = [
        write_source(
            tmp_path, "a", [question(1), question(2), question(3)], licence="CC-BY-NC-4.0"
        ),
        write_source(tmp_path, "b", [question(1)], licence="unknown", priority=1),
        write_source(tmp_path, "c", [question(1), question(2)], licence="MIT"),
        write_source(tmp_path, "d", [question(3)], licence="CC-BY-NC-4.0"),
    ]
    merge_sources(folders, tmp_path / "corpus", PLAIN)
    kept = rows_in(tmp_path / "corpus").select("instruction", "_source").sort("instruction")
    assert kept["_source"].to_list() == ["b", "c", "a"]
    ledger = read_ledger(tmp_path / "corpus")
    assert ledger.schema == LEDGER_SCHEMA
    assert ledger["rule"].unique().to_list() == ["exact"]


def test_manifest_counts_and_columns(tmp_path: Path) -> None:
    folders = [
        write_source(tmp_path, "a", [question(n % 5) for n in range(9)]),
        write_source(tmp_path, "b", [question(n, _category="code") for n in range(3, 8)]),
    ]
    manifest = merge_sources(folders, tmp_path / "corpus", MergeOptions(jsonl="zstd"))
    assert manifest.rows == 8
    assert manifest.read == 14
    assert manifest.removed == {"exact": 6}
    assert manifest.categories == {"code": 3, "instruction": 5}
    assert manifest.duplicate_rate == pytest.approx(6 / 14, abs=1e-6)
    assert rows_in(tmp_path / "corpus").schema == ROWS_SCHEMA
    text = pl.read_ndjson(tmp_path / "corpus" / "merged_global_corpus.jsonl.zst")
    assert text["_id"].to_list() == rows_in(tmp_path / "corpus")["_id"].to_list()


def test_a_shard_that_loses_no_row_is_the_source_s_own(tmp_path: Path) -> None:
    first = write_source(tmp_path, "a", [question(n) for n in range(8)])
    second = write_source(tmp_path, "b", [question(n) for n in range(6, 14)], others=[first])
    merge_sources([first, second], tmp_path / "corpus", PLAIN)
    for file in (tmp_path / "corpus" / "rows").iterdir():
        name, _, number = file.stem.rpartition("-")
        assert file.samefile(tmp_path / name / f"rows-{number}.parquet")


def test_an_unchanged_shard_is_the_last_corpus_s(tmp_path: Path) -> None:
    first = write_source(tmp_path, "a", [question(n) for n in range(8)])
    better = write_source(tmp_path, "b", [question(1), question(2)], priority=1)
    corpus = tmp_path / "corpus"
    merge_sources([first, better], corpus, PLAIN)
    before = (corpus / "rows" / "a-00000.parquet").stat()
    added = write_source(tmp_path, "c", [question(5), question(90)], others=[first, better])
    merge_sources([first, better, added], corpus, PLAIN)
    assert (corpus / "rows" / "a-00000.parquet").stat().st_ino == before.st_ino
    assert check_conservation(corpus, [first, better, added]) == []


def test_explains_kept_and_removed_rows(tmp_path: Path) -> None:
    folders = [
        write_source(tmp_path, "a", [question(1)]),
        write_source(tmp_path, "b", [question(1), question(2)]),
    ]
    corpus = tmp_path / "corpus"
    merge_sources(folders, corpus, PLAIN)
    entry = read_ledger(corpus).row(0, named=True)
    gone = explain(entry["removed_id"], corpus, folders)
    assert gone.status == "removed"
    assert entry["kept_id"] in gone.text
    assert gone.row is not None
    assert gone.kept is not None
    assert gone.row["instruction"] == gone.kept["instruction"] == "Question 1?"
    stays = explain(entry["kept_id"], corpus)
    assert stays.status == "kept"
    assert "licence MIT" in stays.text
    with pytest.raises(SourceError, match="names no source of this corpus"):
        explain("elsewhere:0", corpus)
    with pytest.raises(SourceError, match="neither kept nor removed"):
        explain("a:0000000000000000", corpus)


def test_the_old_corpus_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    first = write_source(tmp_path, "a", [question(n) for n in range(8)])
    corpus = tmp_path / "corpus"
    merge_sources([first], corpus, PLAIN)
    before = hash_tree(corpus)
    better = write_source(tmp_path, "b", [question(1)], priority=1)
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        mock.patch("xpoll_dagster.corpus.merge.write_shard", side_effect=full),
        pytest.raises(SourceError, match="is full: free some space and merge again"),
    ):
        merge_sources([first, better], corpus, PLAIN)
    assert hash_tree(corpus) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_damage_is_found(tmp_path: Path) -> None:
    folders = [
        write_source(tmp_path, "a", [question(n) for n in range(8)]),
        write_source(tmp_path, "b", [question(n) for n in range(4)]),
    ]
    corpus = tmp_path / "corpus"
    merge_sources(folders, corpus, PLAIN)
    shard = corpus / "rows" / "a-00000.parquet"
    rows = pl.read_parquet(shard)
    shard.unlink()
    rows.head(3).write_parquet(shard)
    breaks = check_conservation(corpus, folders)
    assert any("8 rows read, but 7 kept" in text for text in breaks)
    assert any("not kept" in text for text in breaks)
    assert changed_files(corpus) == ["rows/a-00000.parquet is not what was written"]


def test_winners_can_be_chosen_part_by_part(tmp_path: Path) -> None:
    folders = [
        write_source(tmp_path, f"s{s}", [question(n % 9) for n in range(s, s + 12)])
        for s in range(3)
    ]
    sources = open_sources(folders)
    keys = standings(sources, np.arange(36))
    parts = [choose_winners(keys.filter(pl.col("key_a") % 4 == part)) for part in range(4)]
    assert pl.concat(parts).sort("row").equals(choose_winners(keys))


def test_no_source_gives_an_empty_corpus(tmp_path: Path) -> None:
    manifest = merge_sources([], tmp_path / "corpus", MergeOptions())
    assert manifest.rows == 0
    assert (tmp_path / "corpus" / MANIFEST_FILE).is_file()
    assert check_conservation(tmp_path / "corpus", []) == []


def test_a_corpus_needs_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no merged corpus"):
        explain("a:1", tmp_path)
