from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.corpus.decontamination import TESTS_SCHEMA, TestIndex, find_contaminated
from xpoll_dagster.corpus.explanation import explain
from xpoll_dagster.corpus.invariants import check_conservation
from xpoll_dagster.corpus.ledger import read_ledger
from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster_tests.corpus.sources import frame, write_source

QUESTION = (
    "A baker fills nine trays with twelve rolls each and sells all but seventeen of them before "
    "noon; how many rolls were sold by then, and how many trays would the rest fill?"
)
SHORT = "Which river of Siberia is the longest one?"


def made_up(*texts: str) -> pl.DataFrame:
    rows = [("bakery", str(number), text) for number, text in enumerate(texts)]
    return pl.DataFrame(rows, schema=TESTS_SCHEMA, orient="row")


def found(*texts: str, tests: pl.DataFrame | None = None) -> list[tuple[int, str, float]]:
    rows = frame([{"instruction": text, "output": "x"} for text in texts])
    return list(find_contaminated(rows, made_up(QUESTION) if tests is None else tests).iter_rows())


def test_a_test_in_other_layout_is_found() -> None:
    assert found(QUESTION, QUESTION.upper().replace(" ", "\n\n").replace(",", "")) == [
        (0, "bakery/0", 1.0),
        (1, "bakery/0", 1.0),
    ]


def test_thirteen_words_in_a_row_are_enough_and_twelve_are_not() -> None:
    words = QUESTION.split(" ")
    hits = found(
        "Once upon a time " + " ".join(words[2:15]),
        "Once upon a time " + " ".join(words[2:14]),
    )
    assert [(row, test) for row, test, _ in hits] == [(0, "bakery/0")]


def test_more_than_half_of_the_short_runs_are_enough() -> None:
    words = [f"{a}{b}" for a in "abcdef" for b in "lmnoprst"]  # 48 words, 41 runs of 8
    test = made_up(" ".join(words))

    def changed(*places: int) -> str:
        return " ".join("other" if n in places else word for n, word in enumerate(words))

    # Three changed words spoil 8 runs each and 8 at the end: 41 - 19 = 22 are left, no long one.
    assert found(changed(12, 24, 36, 47), tests=test) == []
    assert [hit[:2] for hit in found(changed(12, 25, 38), tests=test)] == []
    assert [hit[:2] for hit in found(changed(10, 21, 32), tests=test)] == [(0, "bakery/0")]
    assert found(" ".join(words[:12]), tests=test) == []


def test_a_test_of_eight_words_is_found_whole() -> None:
    assert found(f"Tell me: {SHORT} Do it.", tests=made_up(SHORT)) == [(0, "bakery/0", 1.0)]


def test_tests_too_short_to_judge_are_counted() -> None:
    index = TestIndex.of(made_up("Why?", SHORT))
    assert index.untestable == 1


def test_the_answer_and_the_rest_of_a_conversation_count() -> None:
    turns = [
        {"role": role, "content": text}
        for role, text in zip(
            ("user", "assistant", "user", "assistant"),
            ("Hi", "Hello", "A test", QUESTION),
            strict=True,
        )
    ]
    rows = frame(
        [
            {"instruction": "Hi", "output": QUESTION},
            {"instruction": "Hi", "output": "Hello", "messages": turns},
            {"instruction": "Hi", "output": "Hello"},
        ]
    )
    assert find_contaminated(rows, made_up(QUESTION))["position"].to_list() == [0, 1]


def test_formulas_are_no_runs_of_words() -> None:
    sums = "<<12*3=36>>36 + <<4*5=20>>20 - <<7*8=56>>56"
    assert found(f"Add: {sums}", tests=made_up(f"{QUESTION} The baker reckons: {sums}")) == []


def test_contaminated_rows_go_with_their_copies_and_nothing_stands_for_them(tmp_path: Path) -> None:
    rows = [
        {"instruction": QUESTION, "output": "Ninety-one."},
        {"instruction": QUESTION, "output": "Ninety-one."},
        {"instruction": "What is bread?", "output": "Baked dough."},
    ]
    folders = [write_source(tmp_path, "a", rows), write_source(tmp_path, "b", rows[1:])]
    corpus = tmp_path / "corpus"
    options = MergeOptions(jsonl="none")
    manifest = merge_sources(folders, corpus, options, made_up(QUESTION))
    assert manifest.removed == {"decontaminated": 3, "exact": 1}
    assert manifest.tests == {"bakery": 1}
    ledger = read_ledger(corpus).filter(pl.col("rule") == "decontaminated")
    assert ledger["kept_id"].null_count() == 3
    assert ledger["detail"].unique().to_list() == ["bakery/0"]
    assert check_conservation(corpus, folders) == []
    assert "gives away the test bakery/0" in explain(ledger["removed_id"][0], corpus).text
    kept = list(folders[0].glob(".tests-*.parquet"))
    merge_sources(folders, corpus, options, made_up(QUESTION, SHORT))
    assert len(kept) == 1
    assert len(list(folders[0].glob(".tests-*.parquet"))) == 2


def test_a_table_without_texts_is_refused() -> None:
    with pytest.raises(SourceError, match="lack the column text"):
        TestIndex.of(pl.DataFrame({"test_set": ["a"], "test": ["1"]}))
