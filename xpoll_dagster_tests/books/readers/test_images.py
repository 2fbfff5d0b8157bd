from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import images

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract-ocr is not installed"
)


def page_image(*lines: str, size: tuple[int, int] = (900, 400)) -> Image.Image:
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((50, 50 + 60 * number), line, fill=0, font=ImageFont.load_default(40))
    return image


def _read(folder: Path, options: ReadingOptions | None = None) -> list[RawPage]:
    book = Book(key="d--b", domain="d", path=folder, title="B")
    return list(images.read(folder, book, options or ReadingOptions()))


def _text(page: RawPage) -> str:
    return " ".join(line.text for block in page.blocks for line in block.lines)


def test_pages_come_in_natural_order(tmp_path: Path):
    for name in ("page10.png", "page2.png", "Page1.PNG", ".page0.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "page3.png").symlink_to(tmp_path / "page2.png")
    assert [f.name for f in images.page_files(tmp_path)] == ["Page1.PNG", "page2.png", "page10.png"]


@given(st.lists(st.text(min_size=1, max_size=8), max_size=8))
def test_any_names_can_be_ordered(names: list[str]):
    assert sorted(sorted(names, key=images.natural_key)) == sorted(names)


def test_a_folder_without_images_is_not_claimed(tmp_path: Path):
    (tmp_path / "a.md").write_text("# A")
    assert not images.claims(tmp_path)


@needs_tesseract
def test_one_broken_image_does_not_lose_the_book(tmp_path: Path):
    page_image("The first printed page").save(tmp_path / "p1.png", dpi=(300, 300))
    (tmp_path / "p2.jpg").write_bytes(b"this is no image")
    page_image("The third printed page").convert("1").save(tmp_path / "p3.tif")
    pages = _read(tmp_path)
    assert [p.page for p in pages] == [1, 2, 3]
    assert _text(pages[0]) == "The first printed page"
    assert pages[0].method == "ocr"
    assert (pages[0].confidence or 0) > 0.8
    assert pages[0].width == pytest.approx(900 * 72 / 300, rel=0.01)
    assert pages[1].blocks == ()
    assert "p2.jpg" in pages[1].warnings[0]
    assert _text(pages[2]) == "The third printed page"


@needs_tesseract
def test_a_tiff_may_hold_several_pages(tmp_path: Path):
    first, second = page_image("Alpha is here"), page_image("Omega is there")
    first.save(tmp_path / "all.tiff", save_all=True, append_images=[second])
    told: list[tuple[int, int]] = []
    book = Book(key="d--b", domain="d", path=tmp_path, title="B")
    pages = list(images.read(tmp_path, book, ReadingOptions(), lambda *n: told.append(n)))
    assert [_text(p) for p in pages] == ["Alpha is here", "Omega is there"]
    assert told[-1] == (2, 2)


@needs_tesseract
def test_an_image_of_too_many_pixels_is_not_decoded(tmp_path: Path):
    page_image("A page like any other").save(tmp_path / "p1.png")
    Image.new("1", (3000, 3000), 1).save(tmp_path / "p2.png")
    pages = _read(tmp_path, ReadingOptions(max_image_pixels=1_000_000))
    assert pages[1].blocks == ()
    assert "more" in pages[1].warnings[0]


@needs_tesseract
def test_a_folder_of_broken_images_is_refused(tmp_path: Path):
    (tmp_path / "p1.png").write_bytes(b"nothing")
    with pytest.raises(BookError, match="None of the 1 page images"):
        _read(tmp_path)


def test_a_scan_without_ocr_is_refused(tmp_path: Path):
    page_image("A page").save(tmp_path / "p1.png")
    with pytest.raises(BookError, match="switched off"):
        _read(tmp_path, ReadingOptions(ocr="never"))
