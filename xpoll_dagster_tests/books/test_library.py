"""Which books a folder holds, and what is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.library import Library, shown


def put(folder: Path, name: str, content: str = "text") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_an_absent_folder_is_an_empty_library(tmp_path: Path) -> None:
    library = Library.discover(tmp_path / "nowhere")
    assert not library.books
    assert not library.passed_over


def test_finds_files_and_folders_by_domain_in_order_of_key(tmp_path: Path) -> None:
    put(tmp_path, "physics/optics.pdf")
    put(tmp_path, "history/scan/page1.tiff")
    put(tmp_path, "History of Art/The_old-masters.epub")
    library = Library.discover(tmp_path)
    assert list(library.books) == [
        "history--scan",
        "history-of-art--the-old-masters",
        "physics--optics",
    ]
    art = library.books["history-of-art--the-old-masters"]
    assert (art.domain, art.title, art.language) == ("History of Art", "The old masters", "en")
    assert not library.passed_over


def test_a_description_beside_or_inside_a_book_counts(tmp_path: Path) -> None:
    put(tmp_path, "physics/optics.pdf")
    put(
        tmp_path,
        "physics/optics.book.yaml",
        "title: Light\nauthors: [I. Newton]\ndomain: light\nlicense: CC0\nlanguage: de\n",
    )
    put(tmp_path, "history/scan/page1.tiff")
    put(tmp_path, "history/scan/book.yaml", "licence: public domain\nroute: careful\n")
    books = Library.discover(tmp_path).books
    light = books["light--optics"]
    assert (light.title, light.authors, light.licence) == ("Light", ("I. Newton",), "CC0")
    assert (light.domain, light.language) == ("light", "de")
    assert (books["history--scan"].licence, books["history--scan"].route) == (
        "public domain",
        "careful",
    )


@pytest.mark.parametrize(
    "description", ["[1, 2]", "title: [", "language: 12 monkeys", "authors: 5", "route: scenic"]
)
def test_a_broken_description_costs_only_its_book(tmp_path: Path, description: str) -> None:
    book = put(tmp_path, "physics/optics.pdf")
    put(tmp_path, "physics/optics.book.yaml", description)
    put(tmp_path, "physics/sound.pdf")
    library = Library.discover(tmp_path)
    assert list(library.books) == ["physics--sound"]
    assert "book.yaml" in library.passed_over[book]


def test_a_description_that_is_no_utf8_costs_only_its_book(tmp_path: Path) -> None:
    book = put(tmp_path, "physics/optics.pdf")
    (tmp_path / "physics/optics.book.yaml").write_bytes(b"title: caf\xe9")
    library = Library.discover(tmp_path)
    assert not library.books
    assert "book.yaml" in library.passed_over[book]


def test_what_is_no_book_is_passed_over_with_a_reason(tmp_path: Path) -> None:
    stray = put(tmp_path, "stray.pdf")
    word = put(tmp_path, "physics/notes.docx")
    put(tmp_path, "physics/README.md")
    put(tmp_path, "physics/.hidden.pdf")
    (tmp_path / "physics/empty").mkdir()
    (tmp_path / "physics/link.pdf").symlink_to(stray)
    library = Library.discover(tmp_path)
    assert not library.books
    assert set(library.passed_over) == {stray, word, tmp_path / "physics/empty"}
    assert ".docx" in library.passed_over[word]


def test_names_that_would_share_a_key_get_their_own(tmp_path: Path) -> None:
    for name in ("optics.pdf", "optics.epub", "Optics!.pdf", "optics"):
        put(tmp_path, f"physics/{name}" if "." in name else f"physics/{name}/a.md")
    books = Library.discover(tmp_path).books
    assert len(books) == 4
    assert len({book.path for book in books.values()}) == 4
    again = Library.discover(tmp_path).books
    assert {key: book.path for key, book in again.items()} == {
        key: book.path for key, book in books.items()
    }


def test_names_in_other_scripts_stay_apart(tmp_path: Path) -> None:
    for name in ("物理.pdf", "化学.pdf", "Физика.pdf", "Étude.pdf"):
        put(tmp_path, f"наука/{name}")
    keys = list(Library.discover(tmp_path).books)
    assert len(keys) == 4
    assert all(key.isascii() and "--" in key and not key.startswith("--") for key in keys)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.one_of(st.text(max_size=80), st.binary(max_size=80)))
def test_no_description_stops_the_search(tmp_path: Path, content: str | bytes) -> None:
    put(tmp_path, "physics/optics.pdf")
    put(tmp_path, "physics/sound.pdf")
    data = content.encode() if isinstance(content, str) else content
    (tmp_path / "physics/optics.book.yaml").write_bytes(data)
    library = Library.discover(tmp_path)
    assert "physics--sound" in library.books
    assert len(library.books) + len(library.passed_over) == 2


@pytest.mark.slow
def test_nothing_that_lies_there_keeps_the_others_from_being_found(tmp_path: Path) -> None:
    """Pipes, names that are no text, a description that no parser survives, 9 GiB of nothing."""
    folder = tmp_path / "history"
    folder.mkdir()
    os.mkfifo(folder / "pipe.pdf")
    (folder / "two\nlines.txt").write_text("x")
    (folder / os.fsdecode(b"latin-\xe9.txt")).write_text("x")
    (folder / "described.txt").write_text("x")
    (folder / "described.book.yaml").write_text("[" * 50_000)
    with (folder / "sparse.pdf").open("wb") as stream:
        stream.truncate(9 << 30)
    long_name = f"{'long-' * 50}.txt"
    for name in ("good.txt", "-rf \U0001f600.txt", long_name):
        (folder / name).write_text("x")
    library = Library.discover(tmp_path)
    assert {book.path.name for book in library.books.values()} == {
        "good.txt",
        "-rf \U0001f600.txt",
        long_name,
    }
    said = {shown(path.name): reason for path, reason in library.passed_over.items()}
    assert said == {
        "pipe.pdf": "neither a file nor a folder",
        "two\ufffdlines.txt": "its name has control characters or is not UTF-8: rename it",
        "latin-\ufffd.txt": "its name has control characters or is not UTF-8: rename it",
        "described.txt": "its description is no valid book.yaml: it is nested too deeply",
        "sparse.pdf": "is larger than 8 GiB",
    }
    assert all(len(key) < 200 for key in library.books)


def test_what_may_not_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told apart by what the system says, for tests may run as root, who may read all."""
    for name in ("closed.txt", "open.txt"):
        (tmp_path / "history").mkdir(exist_ok=True)
        (tmp_path / "history" / name).write_text("x")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed.txt")
    library = Library.discover(tmp_path)
    assert list(library.books) == ["history--open"]
    assert list(library.passed_over.values()) == ["cannot be read: Permission denied"]
