import random
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.chunking import chunk_book
from xpoll_dagster.books.chunking_options import ChunkingOptions
from xpoll_dagster.books.cleaning import clean_book
from xpoll_dagster.books.model import CHUNKS_SCHEMA, PAGES_SCHEMA, Block, Book, RawPage
from xpoll_dagster.books.sections import is_exercises

BOOK = Book("biology--cells", "biology", Path("cells"), "Cells")


def count_words(texts: Sequence[str]) -> list[int]:
    """Tokens of a simple tokenizer: words and marks, and two special tokens."""
    return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]


def sentence(rng: random.Random, words: int | None = None) -> str:
    length = words or rng.randint(6, 24)
    stock = ["cell", "wall", "membrane", "growth", "light", "sugar", "water", "root", "leaf"]
    picked = [rng.choice(stock) for _ in range(length)]
    return " ".join(picked).capitalize() + "."


def paragraph(rng: random.Random, sentences: int) -> Block:
    return Block("paragraph", " ".join(sentence(rng) for _ in range(sentences)))


def pages_of(*sections: Sequence[Block]) -> pl.DataFrame:
    raw = [RawPage(number + 1, tuple(blocks)) for number, blocks in enumerate(sections)]
    return clean_book(raw, BOOK)


def chapters(seed: int = 1, count: int = 6) -> list[list[Block]]:
    rng = random.Random(seed)
    return [
        [
            Block("heading", f"Chapter {number + 1}", level=1),
            *(paragraph(rng, rng.randint(2, 9)) for _ in range(8)),
        ]
        for number in range(count)
    ]


def joined(table: pl.DataFrame) -> str:
    return "".join(table.filter(pl.col("kind") == "body")["text"])


def test_sizes_sections_and_conservation():
    pages = pages_of(*chapters())
    chunks = chunk_book(pages, count_words)
    assert chunks.schema == CHUNKS_SCHEMA
    assert "".join(chunks["text"]) == joined(pages)
    within = (chunks["n_tokens"] >= 60) & (chunks["n_tokens"] <= 256)
    assert within.sum() >= 0.95 * len(within)
    assert chunks["section"].to_list()[0] == ["Chapter 1"]
    assert (chunks["page_start"] == chunks["page_end"]).all()
    assert chunks["ordinal"].to_list() == list(range(len(chunks)))


def test_no_sentence_is_cut():
    chunks = chunk_book(pages_of(*chapters(2)), count_words)
    assert all(text.rstrip().endswith(".") for text in chunks["text"])


def test_a_sentence_larger_than_the_window_stays_whole():
    rng = random.Random(3)
    long = sentence(rng, 300)
    chunks = chunk_book(
        pages_of([Block("paragraph", f"{sentence(rng)} {long} {sentence(rng)}")]), count_words
    )
    assert any(long in text for text in chunks["text"])


def test_an_edit_in_one_section_changes_no_other_chunk():
    before = chapters(4)
    after = [list(blocks) for blocks in before]
    after[2][3] = Block("paragraph", after[2][3].text + " One more sentence stands here now.")
    old = chunk_book(pages_of(*before), count_words)
    new = chunk_book(pages_of(*after), count_words)
    outside = [
        set(table.filter(pl.col("section").list.first() != "Chapter 3")["chunk_id"])
        for table in (old, new)
    ]
    assert outside[0] == outside[1]
    assert set(old["chunk_id"]) != set(new["chunk_id"])


def test_repeated_texts_get_numbered_ids():
    rng = random.Random(5)
    text = paragraph(rng, 12)
    sections = [[Block("heading", "Same", level=1), text] for _ in range(3)]
    ids = chunk_book(pages_of(*sections), count_words)["chunk_id"].to_list()
    assert len(set(ids)) == len(ids)
    assert ids[1] == f"{ids[0]}-2"
    assert ids[2] == f"{ids[0]}-3"


def test_tables_and_code_stay_whole_and_out_of_the_passage():
    rng = random.Random(6)
    rows = "\n".join(f"| {number} | leaf |" for number in range(90))
    code = "\n".join(f"grow({number})" for number in range(15))
    chunks = chunk_book(
        pages_of(
            [
                Block("heading", "Vegetation", level=1),
                paragraph(rng, 6),
                Block("table", rows),
                paragraph(rng, 6),
                Block("code", code),
                paragraph(rng, 6),
                Block("note", "1 A note on leaves."),
            ]
        ),
        count_words,
    )
    assert sum(rows in text for text in chunks["text"]) == 1
    assert sum(code in text for text in chunks["text"]) == 1
    assert "table" in chunks["kind"].to_list()
    passages = " ".join(chunks["passage"])
    assert "| 1 |" not in passages
    assert "grow(" not in passages
    assert "Vegetation" not in passages
    assert "A note" not in passages


def test_tiny_sections_join_under_their_parent():
    rng = random.Random(7)
    blocks = [Block("heading", "Plants", level=1)]
    for number in range(12):
        blocks += [Block("heading", f"1.{number} Part", level=2), paragraph(rng, 2)]
    chunks = chunk_book(pages_of(blocks), count_words)
    assert (chunks["n_tokens"] >= 60).all()
    assert all(section[0] == "Plants" for section in chunks["section"])


def test_exercises_are_recognised_by_their_section():
    rng = random.Random(8)
    chunks = chunk_book(
        pages_of(
            [
                Block("heading", "Roots", level=1),
                paragraph(rng, 12),
                Block("heading", "Problems & Exercises", level=2),
                paragraph(rng, 12),
            ]
        ),
        count_words,
    )
    assert set(chunks.filter(pl.col("section").list.len() == 2)["kind"]) == {"exercises"}
    assert set(chunks.filter(pl.col("section").list.len() == 1)["kind"]) == {"prose"}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Problems & Exercises", True),
        ("3.4 Review Questions", True),
        ("EXERCISES.", True),
        ("Extended exercise: Rational functions", True),
        ("Problems", True),
        ("Problems with not", False),
        ("The Problems of Philosophy", False),
        ("High-Gain Antenna Acquisition Problem", False),
        ("What are release-critical bugs?", False),
    ],
)
def test_titles_of_exercises(title: str, expected: bool):
    assert is_exercises(["Chapter 1", title]) is expected


def test_context_is_the_two_sentences_before():
    rng = random.Random(9)
    chunks = chunk_book(pages_of([paragraph(rng, 12), paragraph(rng, 12)]), count_words)
    assert chunks["context"][0] == ""
    first = chunks["passage"][0]
    assert first.endswith(chunks["context"][1])
    assert chunks["context"][1].count(".") == 2


def test_contents_pages_and_empty_books_give_no_chunks():
    assert chunk_book(pl.DataFrame(schema=PAGES_SCHEMA), count_words).is_empty()
    page = RawPage(1, (Block("paragraph", "One . . . . 1"),), kind="contents")
    assert chunk_book(clean_book([page], BOOK), count_words).is_empty()


def test_sizes_must_be_in_order():
    with pytest.raises(ValueError, match="min < target <= max"):
        ChunkingOptions(min_tokens=300)


block_texts = st.text(alphabet="abcdeABC .!?\n,;(é½", min_size=1, max_size=300)
any_block = st.builds(
    Block,
    st.sampled_from(["heading", "paragraph", "list", "table", "code", "formula", "note"]),
    block_texts,
    st.integers(0, 4),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(any_block, max_size=8), max_size=5), st.integers(20, 60))
def test_chunks_always_give_the_text_back(sections: list[list[Block]], window: int):
    options = ChunkingOptions(min_tokens=8, target_tokens=16, max_tokens=window)
    pages = pages_of(*sections)
    chunks = chunk_book(pages, count_words, options)
    assert "".join(chunks["text"]) == joined(pages)
    assert chunks["chunk_id"].is_unique().all()
    assert all(text.strip() for text in chunks["text"])
