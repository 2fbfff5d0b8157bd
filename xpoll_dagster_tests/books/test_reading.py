"""Reading in a child process: what a person is told, and what hostile files can do: nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.books.cleaning import CleaningOptions
from xpoll_dagster.books.model import PAGES_SCHEMA, Book, BookError
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.reading import read_pages
from xpoll_dagster.compute.sandbox import Limits

ROOT = Path(__file__).parents[2]
HOSTILE = Path(os.environ.get("XPOLL_TEST_LIBRARY", ROOT.parent / "shared" / "data")) / "hostile"
MANIFEST = HOSTILE / "MANIFEST.json"
FILES = json.loads(MANIFEST.read_text(encoding="utf-8")) if MANIFEST.exists() else []


def _book(path: Path, title_given: bool = False) -> Book:
    return Book(
        key=f"test--{path.stem.lower()}",
        domain="test",
        path=path,
        title=path.stem,
        title_given=title_given,
    )


def _read(path: Path, limits: Limits | None = None) -> pl.DataFrame:
    return read_pages(_book(path), ReadingOptions(), CleaningOptions(), limits or Limits()).pages


def test_a_book_comes_back_as_pages_with_what_it_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "orbits.html"
    path.write_text(
        "<html><head><title>On Orbits</title><meta name='author' content='A. Writer'></head>"
        "<body><h1>Ellipses</h1><p>An ellipse has two foci. A circle is an ellipse whose foci "
        "meet.</p></body></html>",
        encoding="utf-8",
    )
    book = read_pages(_book(path), ReadingOptions(), CleaningOptions(), Limits())
    assert book.pages.schema == PAGES_SCHEMA
    assert "".join(book.pages["text"]).startswith("Ellipses\n\nAn ellipse has two foci.")
    assert book.title == "On Orbits"
    assert book.paged is False
    given = read_pages(_book(path, True), ReadingOptions(), CleaningOptions(), Limits())
    assert given.title == "orbits"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.pdf", b"", "empty"),
        ("torn.pdf", b"%PDF", "damaged or not what its name says"),
        ("noise.epub", b"PK\x03\x04" + bytes(range(256)), "noise.epub"),
        ("binary.txt", bytes(range(256)) * 40, "binary.txt"),
        ("blank.txt", b" \n\n \n", "blank.txt"),
    ],
)
def test_a_broken_book_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BookError, match=said) as caught:
        _read(path)
    message = str(caught.value)
    assert message.endswith((".", ")"))
    assert "Traceback" not in message
    assert str(tmp_path) not in message


def test_a_book_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("A sentence that is read again and again.\n\n" * 200_000, encoding="utf-8")
    with pytest.raises(BookError, match=r"long\.txt"):
        _read(path, Limits(wall_seconds=0.3))


@pytest.mark.slow
@pytest.mark.skipif(not FILES, reason=f"no hostile files at {HOSTILE}")
@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["file"])
def test_hostile_files_end_as_their_manifest_says(entry: dict[str, str]) -> None:
    path = HOSTILE / entry["file"]
    expected = entry["expected"]
    pages, refusal = pl.DataFrame(), ""
    try:
        pages = _read(path, Limits(wall_seconds=120, memory_bytes=3 << 30))
    except BookError as error:
        refusal = str(error)
    if refusal:
        assert refusal.endswith((".", ")"))
        assert not expected.startswith("readable")
        return
    assert expected not in ("reject", "no text")
    assert not expected.startswith("reject:")
    text = "".join(pages["text"])
    assert len(text.split()) >= 1
    if entry["file"].startswith("html-named"):
        assert "<" not in text
    if "with a warning" in expected:
        assert pages["warnings"].list.len().sum() > 0
