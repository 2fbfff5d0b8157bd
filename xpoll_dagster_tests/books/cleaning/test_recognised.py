"""Recognised pages: type sizes from letters' widths, notes, headings, numbers, dirt."""

from __future__ import annotations

from collections.abc import Sequence

from xpoll_dagster.books.chunking import chunk_book
from xpoll_dagster.books.model import Block, Line, RawPage
from xpoll_dagster_tests.books.cleaning.printing import (
    HEIGHT,
    LEFT,
    PITCH,
    RIGHT,
    SIZE,
    WIDTH,
    blocks,
    body,
    clean,
    line,
    set_paragraph,
)

FIRST = (
    "The valley was settled late, for the marsh at its mouth bred fever and the hills behind it "
    "gave no pasture. Those who came first were makers of salt,! and they built upon the only "
    "ridge that the spring tides did not reach. Their huts are gone but the ridge has their name."
)
SECOND = (
    "When the dikes were raised the marsh became meadow within a generation, and the salt makers "
    "turned to cattle. Of the two hundred families named in the first register more than half "
    "still held land when the second was written a century after."
)
NOTE = (
    "The salt was sold inland as far as the mountains, and the tolls that were paid on it are "
    "the oldest accounts that the town has kept."
)


def as_scanned(lines: Sequence[Line]) -> list[Line]:
    """Boxes of ink as recognition gives them: heights that say little about the type."""
    heights = (0.9, 1.1, 1.0, 0.75)
    return [
        Line(
            one.text,
            one.x0,
            one.y0,
            one.x1,
            one.y0 + SIZE * heights[place % 4],
            SIZE * heights[place % 4],
        )
        for place, one in enumerate(lines)
    ]


def scan(number: int, lines: Sequence[Line]) -> RawPage:
    return RawPage(
        number,
        (Block("lines", lines=tuple(as_scanned(lines))),),
        method="ocr",
        confidence=0.9,
        width=WIDTH,
        height=HEIGHT,
    )


def wide(text: str, y: float, times: float) -> Line:
    """A line whose letters are so many times as wide as the body's."""
    return line(text, y, right=LEFT + len(text) * (RIGHT - LEFT) / 66 * times)


def note_lines(mark: str, y: float) -> list[Line]:
    lines = set_paragraph(f"{mark}{NOTE}", y, size=SIZE)
    half = len(lines[0].text)
    words = f"{mark}{NOTE}"
    cut = words.rfind(" ", 0, half + 20)
    narrow = 0.82 * (RIGHT - LEFT) / 66
    parts = [words[:cut], words[cut + 1 :]]
    return [
        line(part, y + 11 * place, LEFT + 8 * (not place), right=LEFT + len(part) * narrow)
        for place, part in enumerate(parts)
    ]


def broken_pages(mark: str) -> list[RawPage]:
    """A paragraph that runs over a page break with a note between its halves."""
    lines = set_paragraph(FIRST, 60) + set_paragraph(SECOND, 60 + 5 * PITCH)
    cut = len(lines) - 2
    rest = [
        line(one.text, 60 + PITCH * place, one.x0, right=one.x1)
        for place, one in enumerate(lines[cut:])
    ]
    more = set_paragraph(SECOND, 60 + PITCH * (len(rest)))
    foot = lines[cut - 1].y1 + 9
    return [
        scan(1, [*lines[:cut], *note_lines(mark, foot)]),
        scan(2, [*rest, *more]),
        scan(3, set_paragraph(SECOND, 60)),
    ]


def test_a_note_with_a_misread_mark_moves_behind_the_paragraph():
    for mark in ("1", "?", "! ", "*"):
        table = clean(broken_pages(mark))
        kept = f"{mark} " if mark in "1*" else ""
        assert blocks(table, "note") == [kept + NOTE]
        text = body(table)
        assert SECOND in text, mark
        assert "makers of salt, and they" in text, mark
        assert "salt,!" in table["removed"][0].to_list()


def test_a_note_whose_mark_was_lost_is_known_by_its_type_and_place():
    table = clean(broken_pages(""))
    assert blocks(table, "note") == [NOTE]
    assert SECOND in body(table)
    assert "salt,! and" in body(table), "no mark, so nothing says that this one is its own"


def test_the_last_lines_of_a_page_in_body_type_are_no_note():
    lines = set_paragraph(FIRST, 60)
    lines += set_paragraph("* " + SECOND, lines[-1].y1 + 20)
    assert blocks(clean([scan(1, lines), scan(2, set_paragraph(FIRST, 60))]), "note") == []


def heading_pages() -> list[RawPage]:
    pages = []
    for number, (name, section) in enumerate(
        [("People, Land and Work", "Annuities"), ("Prices and Markets", "Good Coin and Bad")],
        start=1,
    ):
        lines = [wide(f"Chapter {number}", 60, 3.4), wide(name, 108, 3.4)]
        lines += set_paragraph(FIRST, 170)
        y = lines[-1].y1 + 20
        lines += [wide(section, y, 2.0), *set_paragraph(SECOND, y + 26)]
        pages.append(scan(number, lines))
    return pages


def test_headings_in_broad_letters_become_sections_below_their_chapter():
    chunks = chunk_book(
        clean(heading_pages()), lambda texts: [3 * len(text.split()) + 2 for text in texts]
    )
    paths = [tuple(path) for path in chunks["section"].to_list()]
    assert ("Chapter 1: People, Land and Work", "Annuities") in paths
    assert ("Chapter 2: Prices and Markets", "Good Coin and Bad") in paths
    assert all(path and path[0].startswith("Chapter") for path in paths)


def test_numbers_in_a_column_of_their_own_go_back_to_their_items():
    items = [
        "Find the price at which all the salt is sold in a year.",
        "Explain why it rose later.",
    ]
    lines = set_paragraph(FIRST, 60)
    lines += [line("1.", 140, 70, right=78), line("ct", 156, 70, right=78)]
    lines += [line(item, 140 + 16 * place, 84) for place, item in enumerate(items)]
    table = clean([scan(1, lines), scan(2, set_paragraph(SECOND, 60))])
    assert f"1. {items[0]}" in body(table)
    assert "ct" in table["removed"][0].to_list()
    assert "ct" not in body(table).split()


def test_a_full_stop_left_of_a_lost_number_begins_an_item():
    lines = set_paragraph(FIRST, 60)
    lines += [
        line("1. In a market there are twenty goods, and one of them is salt that", 140, 63),
        line("is sold by weight. How many prices are needed there", 152, 75),
        line(". If gold is worth more than salt in one town and less in another, which", 164, 68),
        line("of them will merchants carry", 176, 75),
    ]
    table = clean([scan(1, lines), scan(2, set_paragraph(SECOND, 60))])
    assert any(text.startswith("If gold is worth") for text in blocks(table, "paragraph"))


def test_dirt_read_as_a_letter_is_set_aside():
    lines = [*set_paragraph(FIRST, 60), line("<a", 300, 200, right=210)]
    table = clean([scan(1, lines), scan(2, set_paragraph(SECOND, 60))])
    assert "<a" in table["removed"][0].to_list()
    assert "<a" not in body(table)


def test_strokes_between_words_are_brushed_off():
    lines = set_paragraph(FIRST.replace("for the marsh", "for _ the marsh"), 60)
    table = clean([scan(1, lines), scan(2, set_paragraph(SECOND, 60))])
    assert "settled late, for the marsh" in body(table)
    assert "_" in table["removed"][0].to_list()


def test_a_skewed_column_of_short_lines_is_read():
    short = [line("salt", 60 + 13 * n, 60 + n, right=80 + n) for n in range(6)]
    table = clean([scan(1, [*short, *set_paragraph(FIRST, 200)]), scan(2, short)])
    assert body(table).count("salt") >= 12
