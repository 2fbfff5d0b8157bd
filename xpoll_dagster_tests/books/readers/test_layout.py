from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf

from xpoll_dagster.books.model import Book, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import pdf

ROWS = [
    ("Mountain", "Country", "Height"),
    ("Everest", "Nepal", "8848"),
    ("Kilimanjaro", "Tanzania", "5895"),
    ("Mont Blanc", "France", "4808"),
    ("Fuji", "Japan", "3776"),
]
SENTENCE = "The heights of these mountains were measured by many surveyors over years."


def _table_page() -> Any:
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 72), "Heights of mountains", fontsize=16, fontname="hebo")
    for row, cells in enumerate(ROWS):
        page.draw_line((72, 106 + 20 * row), (522, 106 + 20 * row))
        for column, cell in enumerate(cells):
            page.insert_text((80 + 150 * column, 120 + 20 * row), cell, fontsize=10)
    page.draw_line((72, 206), (522, 206))
    for column in range(4):
        page.draw_line((72 + 150 * column, 106), (72 + 150 * column, 206))
    for number in range(10):
        page.insert_text((72, 240 + 14 * number), SENTENCE, fontsize=11)
    return document


def _read(tmp_path: Path, route: str) -> RawPage:
    path = tmp_path / "a.pdf"
    document = _table_page()
    document.save(str(path))
    document.close()
    book = Book(key="d--b", domain="d", path=path, title="B")
    (page,) = pdf.read(path, book, ReadingOptions.model_validate({"route": route}))
    return page


def test_a_table_is_kept_whole_as_markdown(tmp_path: Path):
    page = _read(tmp_path, "auto")
    (table,) = (block for block in page.blocks if block.kind == "table")
    for cells in ROWS:
        assert "|".join(cells) in table.text.replace(" |", "|").replace("| ", "|")
    (heading,) = (block for block in page.blocks if block.kind == "heading")
    assert heading.text == "Heights of mountains"


def test_the_layout_loses_no_line(tmp_path: Path):
    def lines(page: RawPage) -> list[str]:
        return sorted(line.text for block in page.blocks for line in block.lines)

    assert lines(_read(tmp_path, "careful")) == lines(_read(tmp_path, "fast"))


def test_the_fast_route_asks_no_model(tmp_path: Path):
    assert {block.kind for block in _read(tmp_path, "fast").blocks} == {"lines"}
