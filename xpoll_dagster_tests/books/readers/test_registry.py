from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest

from xpoll_dagster.books.model import BookError
from xpoll_dagster.books.readers import find_reader
from xpoll_dagster_tests.books.readers.test_images import page_image


def _pdf(path: Path) -> Path:
    document = pymupdf.open()
    document.new_page().insert_text((72, 72), "A page of print")
    document.save(str(path))
    document.close()
    return path


@pytest.mark.parametrize(
    ("content", "name", "format_"),
    [
        (b"<!DOCTYPE html><html><body><p>Text</p></body></html>", "book.txt", "html"),
        (b"Plain words,\nline by line.\n\nAnother paragraph.\n", "book.txt", "text"),
        (b"# A heading\n\nSome *marked* words.\n", "book.md", "markdown"),
    ],
)
def test_content_decides_what_a_file_is(tmp_path: Path, content: bytes, name: str, format_: str):
    file = tmp_path / name
    file.write_bytes(content)
    assert find_reader(file).__name__.endswith(f".{format_}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["book.pdf", "book.epub", "book.txt", "book"])
def test_a_pdf_is_known_under_any_name(tmp_path: Path, name: str):
    assert ".pdf" in find_reader(_pdf(tmp_path / name)).SUFFIXES


def test_a_folder_holds_one_kind(tmp_path: Path):
    page_image("One").save(tmp_path / "p1.png")
    assert ".png" in find_reader(tmp_path).SUFFIXES
    (tmp_path / "one.md").write_text("# One\n\nText.\n")
    with pytest.raises(BookError, match="mixes page images and Markdown"):
        find_reader(tmp_path)


def test_what_is_no_book_is_refused_with_its_name(tmp_path: Path):
    with pytest.raises(BookError, match=r"absent\.pdf does not exist"):
        find_reader(tmp_path / "absent.pdf")
    (tmp_path / "empty.pdf").write_bytes(b"")
    with pytest.raises(BookError, match=r"empty\.pdf is empty"):
        find_reader(tmp_path / "empty.pdf")
    (tmp_path / "noise.pdf").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(BookError, match=r"noise\.pdf"):
        find_reader(tmp_path / "noise.pdf")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(BookError, match="without page images"):
        find_reader(folder)


_READ = """
import sys
from pathlib import Path
from xpoll_dagster.books.model import Book
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import read_book
path = Path(sys.argv[1])
book = Book(key="d--b", domain="d", path=path, title="B")
for route in sys.argv[2:]:
    assert list(read_book(book, ReadingOptions(ocr="never", route=route)))[0].blocks
    assert ("onnxruntime" in sys.modules) == (route == "careful")
"""


@pytest.mark.parametrize(
    "routes",
    [("fast", "auto"), pytest.param(("fast", "careful"), marks=pytest.mark.slow)],
)
def test_only_the_careful_route_loads_the_model(tmp_path: Path, routes: tuple[str, ...]):
    subprocess.run(
        [sys.executable, "-c", _READ, str(_pdf(tmp_path / "a.pdf")), *routes], check=True
    )
