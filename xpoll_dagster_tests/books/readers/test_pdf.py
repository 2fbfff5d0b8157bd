from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import find_reader, pdf, read_book

PROSE = (
    "The surveyor carried his chain across the meadow and wrote each length in a small book, "
    "while the boy at the far end held the staff upright and waited for the signal to move on. "
)
NO_OCR = ReadingOptions(ocr="never", route="fast")


def _book(path: Path) -> Book:
    return Book(key="d--b", domain="d", path=path, title="B")


def _save(document: Any, path: Path, **options: Any) -> Path:
    document.save(str(path), **options)
    document.close()
    return path


def _column(page: Any, x: float, y: float, lines: list[str], size: float = 10) -> None:
    for number, line in enumerate(lines):
        page.insert_text((x, y + 1.3 * size * number), line, fontsize=size)


def _texts(page: RawPage) -> list[str]:
    return [line.text for block in page.blocks for line in block.lines]


def _read(path: Path, options: ReadingOptions = NO_OCR) -> list[RawPage]:
    return list(pdf.read(path, _book(path), options))


def test_two_columns_are_read_one_after_the_other(tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text(
        (60, 60), "A heading that runs across both columns of the whole page", fontsize=16
    )
    left = [f"Left line {n:02d} with enough words in it to be prose" for n in range(20)]
    right = [f"Right line {n:02d} with enough words in it to be too" for n in range(20)]
    _column(page, 60, 100, left)
    _column(page, 320, 100, right)
    page.insert_text((290, 770), "17", fontsize=10)
    (read,) = _read(_save(document, tmp_path / "a.pdf"))
    texts = _texts(read)
    assert texts[0].startswith("A heading")
    assert texts[1:21] == left
    assert texts[21:41] == right
    assert texts[41:] == ["17"]


def test_pieces_of_one_line_become_one_line(tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=400, height=600)
    page.insert_text((50, 50), "CHAPTER TWO", fontsize=10)
    page.insert_text((200, 50), "ON LEVERS", fontsize=10)
    page.insert_text((350, 50), "23", fontsize=10)
    _column(page, 50, 90, [PROSE[:60]] * 5)
    (read,) = _read(_save(document, tmp_path / "a.pdf"))
    assert _texts(read)[0] == "CHAPTER TWO ON LEVERS 23"
    assert "\t" not in "".join(_texts(read))


def test_rows_of_a_table_keep_their_cells_apart(tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=400, height=600)
    for row in range(5):
        for column, cell in enumerate(("Town", "River", "Bridge")):
            page.insert_text((50 + 110 * column, 80 + 15 * row), f"{cell} {row}", fontsize=10)
    (read,) = _read(_save(document, tmp_path / "a.pdf"))
    assert _texts(read)[2] == "Town 2\tRiver 2\tBridge 2"


def test_fonts_and_sizes_are_told(tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((50, 50), "Bold words of a heading", fontsize=18, fontname="hebo")
    page.insert_text((50, 90), "print(total) + print(rest)", fontsize=9, fontname="cour")
    page.insert_text((50, 130), "An italic aside of the author", fontsize=10, fontname="heit")
    (read,) = _read(_save(document, tmp_path / "a.pdf"))
    bold, mono, italic = (line for block in read.blocks for line in block.lines)
    assert (bold.bold, bold.italic, bold.size) == (True, False, 18)
    assert (mono.mono, mono.bold) == (True, False)
    assert (italic.italic, italic.mono) == (True, False)
    assert 45 < bold.x0 < 55
    assert bold.y0 < 50 < bold.y1 < mono.y0


def test_a_raised_digit_does_not_melt_into_the_word(tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page()
    page.insert_htmlbox(
        (50, 50, 500, 200), f"<p>{PROSE}</p><p>as Kepler wrote<sup>4</sup> then</p>"
    )
    (read,) = _read(_save(document, tmp_path / "a.pdf"))
    assert "wrote⁴ then" in " ".join(_texts(read))


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_page_set_sideways_is_read_upright(tmp_path: Path, angle: int):
    document = pymupdf.open()
    page = document.new_page(width=500, height=500)
    centre = pymupdf.Point(250, 250)
    turn = pymupdf.Matrix(1, 1).prerotate(angle)
    for number in range(6):
        page.insert_text(
            (60, 200 + 20 * number),
            f"Line {number} of a wide table set sideways",
            morph=(centre, turn),
        )
    (read,) = _read(_save(document, tmp_path / "a.pdf"))
    assert [text.split()[1] for text in _texts(read)] == list("012345")
    line = read.blocks[0].lines[0]
    assert line.x1 - line.x0 > line.y1 - line.y0


def test_printed_page_labels_are_kept(tmp_path: Path):
    document = pymupdf.open()
    for _ in range(3):
        _column(document.new_page(), 50, 50, [PROSE])
    document.set_page_labels([{"startpage": 0, "style": "r", "firstpagenum": 7}])
    assert [p.label for p in _read(_save(document, tmp_path / "a.pdf"))] == ["vii", "viii", "ix"]


def test_a_page_without_text_keeps_its_place_and_says_why(tmp_path: Path):
    document = pymupdf.open()
    _column(document.new_page(), 50, 50, [PROSE])
    picture = pymupdf.Pixmap(pymupdf.csGRAY, (0, 0, 60, 80), False)
    picture.clear_with(90)
    page = document.new_page()
    page.insert_image(page.rect, pixmap=picture)
    pages = _read(_save(document, tmp_path / "a.pdf"))
    assert [p.page for p in pages] == [1, 2]
    assert pages[1].blocks == ()
    assert "no usable text layer" in pages[1].warnings[0]


def test_garbage_text_is_not_believed(tmp_path: Path):
    document = pymupdf.open()
    shifted = "".join(chr(ord(c) + 3) if c.isalpha() else c for c in PROSE)
    _column(document.new_page(), 50, 50, [shifted[:80], shifted[80:], shifted[:90]])
    _column(document.new_page(), 50, 50, [PROSE])
    pages = _read(_save(document, tmp_path / "a.pdf"))
    assert pages[0].blocks == ()
    assert pages[0].warnings
    assert pages[1].blocks
    assert not pages[1].warnings


def test_a_huge_image_is_not_decoded(tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page()
    picture = pymupdf.Pixmap(pymupdf.csGRAY, (0, 0, 400, 400), False)
    picture.clear_with(90)
    page.insert_image(page.rect, pixmap=picture)
    path = _save(document, tmp_path / "a.pdf")
    with pytest.raises(BookError, match="million"):
        _read(path, ReadingOptions(max_image_pixels=100_000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"%PDF-", "damaged|not a PDF"),
        (b"%PDF-1.4\n%%EOF\n", "damaged|not a PDF|no pages"),
        (b"hello, this is no PDF at all", "not a PDF"),
    ],
)
def test_what_is_no_pdf_is_refused_in_a_sentence(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    with pytest.raises(BookError, match=message) as caught:
        _read(path)
    assert "a.pdf" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_password_is_asked_for(tmp_path: Path):
    document = pymupdf.open()
    _column(document.new_page(), 50, 50, [PROSE])
    path = _save(
        document,
        tmp_path / "a.pdf",
        encryption=5,  # AES with 256 bits
        user_pw="x",
        owner_pw="y",
    )
    with pytest.raises(BookError, match="password"):
        _read(path)


def test_a_blank_book_is_refused(tmp_path: Path):
    document = pymupdf.open()
    document.new_page()
    with pytest.raises(BookError, match="no text on any of its pages"):
        _read(_save(document, tmp_path / "a.pdf"), ReadingOptions())


def test_too_many_pages_are_refused(tmp_path: Path):
    document = pymupdf.open()
    for _ in range(3):
        _column(document.new_page(), 50, 50, [PROSE])
    with pytest.raises(BookError, match="3 pages"):
        _read(_save(document, tmp_path / "a.pdf"), ReadingOptions(max_pages=2))


def test_progress_is_told_page_by_page(tmp_path: Path):
    document = pymupdf.open()
    for _ in range(3):
        _column(document.new_page(), 50, 50, [PROSE])
    path = _save(document, tmp_path / "a.pdf")
    told: list[tuple[int, int]] = []
    list(read_book(_book(path), NO_OCR, lambda *n: told.append(n)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_content_decides_not_the_name(tmp_path: Path):
    document = pymupdf.open()
    _column(document.new_page(), 50, 50, [PROSE])
    path = _save(document, tmp_path / "really-a-pdf.epub")
    assert find_reader(path).SUFFIXES == pdf.SUFFIXES


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(10, 3000), noise=st.binary(max_size=40))
def test_damaged_files_are_read_or_refused_never_worse(tmp_path: Path, cut: int, noise: bytes):
    document = pymupdf.open()
    for _ in range(2):
        _column(document.new_page(), 50, 50, [PROSE])
    content = document.tobytes()
    document.close()
    path = tmp_path / "a.pdf"
    path.write_bytes(content[: cut % len(content)] + noise + content[cut % len(content) + 20 :])
    try:
        pages = _read(path)
    except BookError as error:
        assert str(error).startswith("a.pdf")  # noqa: PT017 - either way is right
    else:
        assert [p.page for p in pages] == list(range(1, len(pages) + 1))
