from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image

from xpoll_dagster.books.model import RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import ocr, tesseract
from xpoll_dagster.books.readers.page_image import dark_share, lies_sideways, without_dark_borders
from xpoll_dagster_tests.books.readers.test_images import page_image

pytestmark = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract-ocr is not installed"
)
LINES = (
    "The brass wheel turned slowly",
    "and every tooth met its fellow",
    "until the hammer struck the bell",
    "and the whole tower was heard",
    "across the fields at evening",
)


def _text(page: RawPage) -> str:
    return " ".join(line.text for block in page.blocks for line in block.lines)


def _recognise(
    image: Image.Image, options: ReadingOptions | None = None, language: str = "en"
) -> RawPage:
    with ocr.Recogniser(options or ReadingOptions(), language) as recogniser:
        return recogniser.submit(image, 300).page(RawPage(page=4, blocks=()))


@pytest.mark.parametrize(
    "degrees",
    [0, 180, pytest.param(90, marks=pytest.mark.slow), pytest.param(270, marks=pytest.mark.slow)],
)
def test_a_page_is_read_whichever_way_it_lies(degrees: int):
    image = page_image(*LINES).rotate(degrees, expand=True)
    page = _recognise(image)
    assert _text(page) == " ".join(LINES)
    assert (page.confidence or 0) > 0.8
    assert page.width > page.height


def test_a_full_page_on_its_side_is_seen_without_reading_it():
    image = page_image(*(f"{LINES[n % 5]} {LINES[n % 3]}" for n in range(20)), size=(1400, 1300))
    assert not lies_sideways(image)
    assert not lies_sideways(image.rotate(180))
    assert lies_sideways(image.rotate(90, expand=True))
    assert lies_sideways(image.rotate(270, expand=True))


def test_lines_have_places_in_points():
    page = _recognise(page_image(*LINES))
    lines = [line for block in page.blocks for line in block.lines]
    assert len(lines) == len(LINES)
    tops = [line.y0 for line in lines]
    assert tops == sorted(tops)
    assert 8 < lines[0].x0 < 16  # 50 pixels at 300 dots per inch are 12 points
    assert 4 < lines[0].size < 14


def test_dark_borders_do_not_hide_the_page():
    image = Image.new("L", (1100, 600), 0)
    image.paste(page_image(*LINES), (100, 100))
    cleaned = without_dark_borders(image)
    assert dark_share(cleaned) < 0.2
    assert _text(_recognise(image)) == " ".join(LINES)


def test_a_black_page_says_so():
    page = _recognise(Image.new("L", (600, 400), 0))
    assert page.blocks == ()
    assert page.confidence is None
    assert "nearly all black" in page.warnings[0]


def test_a_blank_page_is_no_problem():
    page = _recognise(Image.new("L", (600, 400), 255))
    assert (page.blocks, page.warnings) == ((), ())


def test_english_stands_in_for_a_missing_language():
    page = _recognise(page_image(*LINES), language="xx")
    assert _text(page) == " ".join(LINES)
    assert "tesseract-ocr-xx" in page.warnings[0]


def test_a_cached_page_is_not_recognised_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    options = ReadingOptions(cache_dir=tmp_path)
    first = _recognise(page_image(*LINES), options)
    (file,) = tmp_path.glob("*.json")
    monkeypatch.setattr(tesseract, "recognise", None)  # calling it would fail
    assert _recognise(page_image(*LINES), options) == first
    monkeypatch.undo()
    file.write_text("{ broken")
    assert _recognise(page_image(*LINES), options) == first


def test_a_slow_page_is_given_up_with_a_warning():
    page = _recognise(page_image(*LINES), ReadingOptions(ocr_timeout_seconds=0.001))
    assert page.blocks == ()
    assert "took longer" in page.warnings[0]


def test_the_environment_of_this_process_stays_as_it_is():
    before = dict(os.environ)
    _recognise(page_image("One line"))
    assert dict(os.environ) == before


def test_pages_not_waited_for_are_given_up():
    image = page_image(*LINES)
    began = time.monotonic()
    with ocr.Recogniser(ReadingOptions(ocr_workers=1)) as recogniser:
        for _ in range(200):
            recogniser.submit(image, 300)
    assert time.monotonic() - began < 20


def test_dots_before_a_page_number_say_nothing_of_legibility():
    table = "\n".join(
        [
            "level\tpage\tblock\tparagraph\tline\tword\tleft\ttop\twidth\theight\tconf\ttext",
            "1\t1\t0\t0\t0\t0\t0\t0\t900\t400\t-1\t",
            "4\t1\t1\t1\t1\t0\t50\t50\t700\t40\t-1\t",
            "5\t1\t1\t1\t1\t1\t50\t50\t90\t40\t96\tTulips",
            "5\t1\t1\t1\t1\t2\t150\t50\t500\t40\t10\t.....................",
            "5\t1\t1\t1\t1\t3\t700\t50\t50\t40\t96\t22",
        ]
    )
    (line,) = tesseract._parse(table).lines
    assert line.confidence == pytest.approx(0.96)
    assert line.text == "Tulips ..................... 22"
