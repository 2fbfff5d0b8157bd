"""The dataset: nothing leaks, nothing is lost from the account, the same again, loadable."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.sft.assemble import assemble
from xpoll_dagster.sft.model import ROWS_SCHEMA, SPLITS, SftResult
from xpoll_dagster.sft.options import SftOptions, SplitOptions
from xpoll_dagster.sft.probes import PROBES_SCHEMA, probe_prompts
from xpoll_dagster.sft.save import save_dataset
from xpoll_dagster.storage import hash_tree
from xpoll_dagster.writing.pair_texts import write_pair_texts
from xpoll_dagster.writing.rules import RulesAuthor
from xpoll_dagster_tests.writing.library import BOOKS, make_library

Made = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def made():
    chunks, pairs, concepts = make_library(12)
    texts = write_pair_texts(pairs, chunks, BOOKS, RulesAuthor(), concepts=concepts)
    return texts, pairs, chunks, concepts


@pytest.fixture(scope="module")
def options():
    return SftOptions(splits=SplitOptions(validation=0.1, test=0.1))


@pytest.fixture(scope="module")
def result(made: Made, options: SftOptions):
    texts, pairs, chunks, concepts = made
    return assemble(texts, pairs, chunks, BOOKS, options, concepts)


def test_no_chunk_stands_in_two_splits(result: SftResult):
    sides = {
        split: set(result.splits[split]["chunk_ids"].explode().drop_nulls()) for split in SPLITS
    }
    assert not sides["train"] & sides["validation"]
    assert not sides["train"] & sides["test"]
    assert not sides["validation"] & sides["test"]


def test_validation_and_test_reach_their_shares(result: SftResult):
    reached = next(c for c in result.report["constraints"] if c["constraint"] == "splits")
    for share in reached["reached"].values():
        assert 0.05 <= share <= 0.2


def test_counts_conserve_and_ids_are_unique(made: Made, result: SftResult):
    texts, _, _, _ = made
    rows = pl.concat(result.splits.values())
    left_out = result.left_out.filter("cross_domain")
    assert rows["id"].n_unique() == rows.height == result.report["rows"]
    kept = set(rows.filter("cross_domain")["id"])
    assert kept | set(left_out["id"]) == set(texts["id"])
    assert not kept & set(left_out["id"])
    account = result.report["accounts"]["standalone"]
    assert account["available"] == account["kept"] + sum(account["left_out"].values())


def test_rows_have_the_schema_and_say_where_they_come_from(made: Made, result: SftResult):
    chunks = {row["chunk_id"]: row for row in made[2].to_dicts()}
    for split in SPLITS:
        assert result.splits[split].schema == ROWS_SCHEMA
    for row in pl.concat(result.splits.values()).to_dicts():
        assert [page["chunk_id"] for page in row["pages"]] == row["chunk_ids"]
        for page in row["pages"]:
            chunk = chunks[page["chunk_id"]]
            assert (page["page_start"], page["book"]) == (chunk["page_start"], chunk["book"])
        assert (row["instruction"] is not None) == (row["format"] == "qa")
        assert len(row["domains"]) == (2 if row["cross_domain"] else 1)
        assert "unknown" in row["licences"] or "history" not in row["domains"]


def test_formats_are_balanced(result: SftResult):
    for part in result.report["by_format_and_kind"].values():
        assert max(part.values()) <= 1.25 * min(part.values())


def test_the_seed_decides_and_the_order_of_inputs_does_not(
    made: Made, options: SftOptions, result: SftResult
):
    texts, pairs, chunks, concepts = made
    again = assemble(texts, pairs.reverse(), chunks.reverse(), BOOKS, options, concepts)
    assert {s: again.splits[s]["id"].to_list() for s in SPLITS} == {
        s: result.splits[s]["id"].to_list() for s in SPLITS
    }
    other = assemble(texts, pairs, chunks, BOOKS, options.model_copy(update={"seed": 5}), concepts)
    assert other.splits["train"]["id"].to_list() != result.splits["train"]["id"].to_list()


def test_saving_gives_the_same_bytes_twice_and_loads(result: SftResult, tmp_path: Path):
    from datasets import load_from_disk

    for name in ("one", "two"):
        save_dataset(result, tmp_path / name)
    assert hash_tree(tmp_path / "one") == hash_tree(tmp_path / "two")
    loaded = load_from_disk(str(tmp_path / "one" / "hf"))
    assert {split: len(loaded[split]) for split in SPLITS} == result.report["rows_by_split"]
    assert loaded["train"][0]["text"] == result.splits["train"]["text"][0]
    shards = pl.read_parquet(tmp_path / "one" / "parquet" / "train-*.parquet")
    assert shards["id"].to_list() == result.splits["train"]["id"].to_list()
    report = json.loads((tmp_path / "one" / "report.json").read_text("utf-8"))
    assert report["rows"] == result.rows


def test_the_card_names_unknown_licences_and_true_counts(result: SftResult, tmp_path: Path):
    save_dataset(result, tmp_path)
    card = (tmp_path / "README.md").read_text("utf-8")
    header = card.split("---\n")[1]
    assert "license: unknown" in header
    assert "CC-BY-4.0" in header
    assert f"{result.rows:,} rows" in card
    for title in ("The Measured Sky", "Ports and Paper"):
        assert title in card


def test_an_empty_library_makes_an_empty_dataset_that_can_be_saved(made: Made, tmp_path: Path):
    texts, pairs, chunks, _ = made
    empty = assemble(texts[:0], pairs[:0], chunks[:0], {})
    assert empty.rows == 0
    save_dataset(empty, tmp_path)
    assert (tmp_path / "hf").is_dir()


def test_caps_bind_and_are_reported(made: Made, options: SftOptions):
    texts, pairs, chunks, concepts = made
    tight = options.model_copy(update={"max_rows": 30, "standalone_ratio": 0.5})
    result = assemble(texts, pairs, chunks, BOOKS, tight, concepts)
    cross = pl.concat(result.splits.values()).filter("cross_domain")
    assert cross.height <= 30
    bound = {c["constraint"] for c in result.report["constraints"] if c["binds"]}
    assert "max_rows" in bound
    assert (result.left_out["reason"] == "over max_rows").any()


def test_probes_are_held_out_distinct_and_enough(
    made: Made, options: SftOptions, result: SftResult
):
    _, pairs, chunks, concepts = made
    probes = probe_prompts(pairs, result.splits, chunks, BOOKS, options, concepts)
    assert probes.schema == PROBES_SCHEMA
    assert probes.height >= 6
    assert probes["prompt"].n_unique() == probes.height
    trained = set(result.splits["train"]["chunk_ids"].explode())
    assert not trained & set(probes["chunk_ids"].explode())
    passages = dict(chunks.select("chunk_id", "passage").iter_rows())
    for references in probes["references"].to_list():
        assert len(references) == 2
        assert all(item["passage"] in passages[item["chunk_id"]] for item in references)


def test_repeated_ids_are_refused(made: Made):
    texts, pairs, chunks, _ = made
    with pytest.raises(ValueError, match="Two texts share an id"):
        assemble(pl.concat([texts, texts]), pairs, chunks, BOOKS)
