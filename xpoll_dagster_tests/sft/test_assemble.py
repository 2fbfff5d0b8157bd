"""The dataset from made-up texts: provenance, conservation, balance, files on disk."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.books.model import CHUNKS_SCHEMA, CONCEPTS_SCHEMA
from xpoll_dagster.linking.model import PAIRS_SCHEMA
from xpoll_dagster.sft.assemble import SPLITS, SftResult, assemble
from xpoll_dagster.sft.card import dataset_card, hub_licence
from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.probes import probe_prompts
from xpoll_dagster.sft.saving import save_dataset
from xpoll_dagster.storage import hash_tree
from xpoll_dagster.writing.model import PAIR_TEXTS_SCHEMA, BookInfo

DOMAINS = ("astronomy", "history", "mathematics")
PER_BOOK = 60

BOOKS = {
    f"{domain}--book": BookInfo(
        title=f"The {domain.title()} Book", domain=domain, licence="CC-BY-4.0"
    )
    for domain in DOMAINS
}


def _frame(rows: list[dict[str, object]], schema: pl.Schema) -> pl.DataFrame:
    empty = dict.fromkeys(schema)
    return pl.DataFrame([{**empty, **row} for row in rows], schema=schema)


@pytest.fixture(scope="module")
def chunks() -> pl.DataFrame:
    return _frame(
        [
            {
                "chunk_id": f"{domain}--book-{i}",
                "book": f"{domain}--book",
                "domain": domain,
                "ordinal": i,
                "section": ["Chapter"],
                "page_start": i,
                "page_end": i + 1,
                "text": f"Passage {i} on {domain}.",
                "passage": f"Passage {i} on {domain}.",
                "kind": "prose",
            }
            for domain in DOMAINS
            for i in range(PER_BOOK)
        ],
        CHUNKS_SCHEMA,
    )


@pytest.fixture(scope="module")
def pairs() -> pl.DataFrame:
    return _frame(
        [
            {
                "pair_id": f"p-{left}-{right}-{i}",
                "left_chunk": f"{left}--book-{i}",
                "right_chunk": f"{right}--book-{i}",
                "left_book": f"{left}--book",
                "right_book": f"{right}--book",
                "left_domain": left,
                "right_domain": right,
                "score": i / PER_BOOK,
                "signals": ["concept", "semantic"],
            }
            # Many pairs of the first two domains, few of the others.
            for left, right, n in (
                ("astronomy", "history", PER_BOOK),
                ("astronomy", "mathematics", 6),
                ("history", "mathematics", 6),
            )
            for i in range(n)
        ],
        PAIRS_SCHEMA,
    )


@pytest.fixture(scope="module")
def pair_texts(pairs: pl.DataFrame) -> pl.DataFrame:
    return _frame(
        [
            {
                "id": f"{pair['pair_id']}-{kind}",
                "pair_id": pair["pair_id"],
                "left_chunk": pair["left_chunk"],
                "right_chunk": pair["right_chunk"],
                "kind": kind,
                "text": f"{kind} of {pair['pair_id']}",
                "messages": [{"role": "user", "content": "?"}],
                "author": "rules",
                "accepted": not (kind == "dialogue" and number % 10 == 0),
                "rejected_by": ["too_short"] if kind == "dialogue" and number % 10 == 0 else [],
            }
            for number, pair in enumerate(pairs.iter_rows(named=True))
            for kind in ("expository", "qa", "dialogue")
        ],
        PAIR_TEXTS_SCHEMA,
    )


@pytest.fixture(scope="module")
def standalone_texts(chunks: pl.DataFrame) -> pl.DataFrame:
    return _frame(
        [
            {
                "id": f"s-{chunk}-{kind}",
                "left_chunk": chunk,
                "kind": kind,
                "text": f"{kind} of {chunk}",
                "messages": [{"role": "user", "content": "?"}],
                "author": "rules",
                "accepted": True,
                "rejected_by": [],
            }
            for chunk in chunks["chunk_id"]
            for kind in ("expository", "qa")
        ],
        PAIR_TEXTS_SCHEMA,
    )


@pytest.fixture(scope="module")
def result(
    pair_texts: pl.DataFrame,
    standalone_texts: pl.DataFrame,
    pairs: pl.DataFrame,
    chunks: pl.DataFrame,
) -> SftResult:
    return assemble(pair_texts, standalone_texts, pairs, chunks, BOOKS, SftOptions())


def test_every_accepted_text_is_a_row_or_left_out_with_a_reason(
    result: SftResult, pair_texts: pl.DataFrame, standalone_texts: pl.DataFrame
) -> None:
    accepted = pl.concat([pair_texts, standalone_texts]).filter("accepted")["id"]
    kept = [name for split in SPLITS for name in result.splits[split]["id"]]
    assert sorted([*kept, *result.left_out["id"]]) == sorted(accepted)
    assert result.left_out["reason"].null_count() == 0
    report = result.report
    assert report["rows"] + report["left_out"] + report["texts_rejected"] == report["texts_written"]
    assert sum(report["left_out_by_reason"].values()) == report["left_out"]


def test_no_chunk_stands_in_two_splits(result: SftResult) -> None:
    sides = [set(result.splits[split]["chunk_ids"].explode()) for split in SPLITS]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert all(result.splits[split]["cross_domain"].any() for split in SPLITS)


def test_the_cap_binds_on_the_largest_pair_of_domains_and_the_report_says_so(
    result: SftResult,
) -> None:
    counts = result.report["rows_by_domains"]
    assert counts["astronomy - history"] <= 2 * sum(counts.values()) / len(counts) * 1.2
    assert any("astronomy - history" in reason for reason in result.report["left_out_by_reason"])


def test_standalone_rows_even_out_the_domains(result: SftResult) -> None:
    counts = result.report["rows_by_domain"]
    assert max(counts.values()) <= 1.5 * min(counts.values())


def test_rows_know_their_provenance(result: SftResult) -> None:
    row = result.splits["train"].filter("cross_domain").row(0, named=True)
    assert [page["chunk_id"] for page in row["pages"]] == row["chunk_ids"]
    assert row["domains"] == [book.removesuffix("--book") for book in row["books"]]
    assert row["signals"] == ["concept", "semantic"]
    assert row["licenses"] == ["CC-BY-4.0"]
    assert row["pages"][0]["page_end"] == row["pages"][0]["page_start"] + 1


def test_a_text_without_its_chunk_is_a_defect(
    pair_texts: pl.DataFrame, standalone_texts: pl.DataFrame, pairs: pl.DataFrame
) -> None:
    nothing = pl.DataFrame(schema=CHUNKS_SCHEMA)
    with pytest.raises(ValueError, match="not there"):
        assemble(pair_texts, standalone_texts, pairs, nothing, BOOKS, SftOptions())


def test_a_library_without_pairs_still_gives_standalone_rows(
    pair_texts: pl.DataFrame,
    standalone_texts: pl.DataFrame,
    pairs: pl.DataFrame,
    chunks: pl.DataFrame,
) -> None:
    result = assemble(
        pair_texts.clear(), standalone_texts, pairs.clear(), chunks, BOOKS, SftOptions()
    )
    assert result.report["rows"] == standalone_texts.height


def test_two_savings_of_one_result_are_the_same_bytes_and_load_again(
    result: SftResult, tmp_path: Path
) -> None:
    import datasets

    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        save_dataset(result, folder, BOOKS, SftOptions(max_rows_per_shard=50))
    assert hash_tree(folders[0]) == hash_tree(folders[1])
    loaded = datasets.load_from_disk(str(folders[0] / "hf"))
    assert loaded["train"].num_rows == result.splits["train"].height
    assert loaded["train"][0]["text"] == result.splits["train"]["text"][0]
    shards = sorted((folders[0] / "parquet").glob("train-*.parquet"))
    assert len(shards) > 1
    assert pl.read_parquet(shards)["id"].to_list() == result.splits["train"]["id"].to_list()
    assert json.loads((folders[0] / "report.json").read_text())["rows"] == result.report["rows"]
    assert pl.read_parquet(folders[0] / "left_out.parquet").height == result.left_out.height


def test_the_card_states_the_books_licences(result: SftResult) -> None:
    card = dataset_card(result.report, BOOKS, SftOptions(), None)
    assert card.startswith("---\nlicense: cc-by-4.0\n")
    assert "The History Book" in card
    assert f"{result.report['rows']} rows" in card


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["CC BY 4.0", "cc-by-4.0"], "cc-by-4.0"),
        (["CC-BY-4.0", "unknown"], "unknown"),
        (["CC-BY-4.0", "public domain"], "other"),
        ([], "unknown"),
    ],
)
def test_the_licence_of_the_whole_claims_no_more_than_its_parts(
    licences: list[str], expected: str
) -> None:
    assert hub_licence(licences) == expected


def test_probes_ask_only_about_held_out_pairs(
    result: SftResult, pairs: pl.DataFrame, chunks: pl.DataFrame
) -> None:
    concepts = _frame(
        [
            {
                "chunk_id": chunk,
                "concept": concept,
                "surface": concept.title(),
                "kind": "TERM",
                "count": 2,
            }
            for chunk in chunks["chunk_id"]
            for concept in ("least squares", f"theme of {chunk}")
        ],
        CONCEPTS_SCHEMA,
    )
    probes = probe_prompts(result.splits, pairs, chunks, concepts, BOOKS, SftOptions())
    trained = set(result.splits["train"]["chunk_ids"].explode())
    assert probes.height > 0
    assert probes["prompt"].is_unique().all()
    assert not trained & set(probes["reference_chunk_ids"].explode())
    analogy = probes.filter(pl.col("form") == "analogy").row(0, named=True)
    assert analogy["concept_left"] in analogy["prompt"]
    assert analogy["concept_right"] in analogy["prompt"]
    assert all(analogy["reference_passages"])
