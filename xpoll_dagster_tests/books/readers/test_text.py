"""Plain text books, small ones written here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import text

BOOK = """\
Title: On Tides
Author: A. Moon


ON TIDES


PREFACE

This book was written by the sea, and it is meant to be
read there, slowly.



CHAPTER I

THE SEA

The sea rises and falls twice in nearly every day, which men of
_every_ coast have long known, and which they have seldom under-
stood until Newton gave the reason in his great work on the sys-
tem of the world.[1]

[Illustration: The Thames at low water.]

[1] Newton understood it in 1687, and the system was his.

    Full fathom five thy father lies;
    Of his bones are coral made;
    Those are pearls that were his eyes.

Port        Rise     Hour
London      6.6      1.58
Bristol     12.3     7.13

     *     *     *     *

CHAPTER II. THE MOON

The moon draws the water, as is well known to every sailor who
has ever waited for it.
"""


def pages_of(path: Path) -> list[RawPage]:
    book = Book(key="a--b", domain="a", path=path, title="A book")
    return list(text.read(path, book, ReadingOptions()))


def test_reads_a_book(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text(BOOK)
    pages = pages_of(path)
    blocks = [(b.kind, b.text) for page in pages for b in page.blocks]
    assert ("heading", "PREFACE") in blocks
    assert ("heading", "CHAPTER I. THE SEA") in blocks
    assert ("note", "Newton understood it in 1687, and the system was his.") in blocks
    assert ("paragraph", "The Thames at low water.") in blocks
    kinds = [kind for kind, _ in blocks]
    assert kinds.count("table") == 1
    assert "London      6.6      1.58" in dict(blocks)["table"]
    assert (
        "list",
        "Full fathom five thy father lies;\nOf his bones are coral made;\n"
        "Those are pearls that were his eyes.",
    ) in blocks
    (prose,) = [string for _, string in blocks if string.startswith("The sea rises")]
    assert prose.endswith("men of every coast have long known, and which they have seldom "
                          "understood until Newton gave the reason in his great work on the "
                          "system of the world.")  # fmt: skip
    assert not any("* *" in string for _, string in blocks)
    assert pages[-1].label == "CHAPTER II. THE MOON"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes(("The naïve façade – “so” he said. " * 5).strip().encode(encoding))
    assert text.claims(path)
    assert pages_of(path)[0].blocks[0].text == ("The naïve façade – “so” he said. " * 5).strip()


def test_other_scripts_without_a_declaration(tmp_path: Path) -> None:
    russian = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья. " * 8
    path = tmp_path / "book.txt"
    path.write_bytes(russian.encode("cp1251"))
    assert pages_of(path)[0].blocks[0].text == russian.strip()


def test_paragraphs_set_apart_by_indentation_alone(tmp_path: Path) -> None:
    lines = []
    for number in range(12):
        lines.append(f"   Paragraph {number} begins here and goes on with as many words as fit")
        lines += ["upon the line, then on the next one, which is as long as that before it,"] * 4
    path = tmp_path / "book.txt"
    path.write_text("\n".join(lines))
    blocks = [b for page in pages_of(path) for b in page.blocks]
    assert [b.text.split(" begins")[0] for b in blocks] == [f"Paragraph {n}" for n in range(12)]


@pytest.mark.parametrize(
    "content", [b"", b"   \n\n", b"\x00\x01\x02" * 100, b"\x01\x02\x03abc" * 50]
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes(content)
    assert not text.claims(path)
    with pytest.raises(BookError):
        pages_of(path)


def test_describes_itself(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text(BOOK)
    assert text.describe(path) == {"title": "On Tides", "authors": ["A. Moon"]}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=400).map(str.encode)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.txt"
    path.write_bytes(content)
    text.claims(path)
    text.describe(path)
    try:
        pages_of(path)
    except BookError as error:
        assert "any.txt" in str(error)  # noqa: PT017


@settings(max_examples=40, deadline=None)
@given(
    paragraphs=st.lists(
        st.lists(st.from_regex(r"\A[a-z]{1,12}\Z"), min_size=1, max_size=60), max_size=8
    ),
    width=st.integers(20, 80),
)
def test_no_word_of_wrapped_prose_is_lost(paragraphs: list[list[str]], width: int) -> None:
    import textwrap

    source = "\n\n".join(textwrap.fill(" ".join(words), width) for words in paragraphs)
    found = " ".join(block.text for block in text.to_blocks(source)).split()
    assert found == [word for words in paragraphs for word in words]
