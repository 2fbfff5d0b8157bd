"""Whatever lies on a page, cleaning gives a table and loses no page."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.cleaning import clean_book
from xpoll_dagster.books.model import PAGES_SCHEMA, Block, Line, RawPage
from xpoll_dagster_tests.books.cleaning.printing import BOOK

coordinate = st.one_of(
    st.sampled_from([0.0, 40.0, 50.0, 60.0, 72.0, 84.0, 350.0, 380.0]),
    st.floats(-1e4, 1e4),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)
words = st.one_of(
    st.sampled_from(
        [
            "Chapter 1",
            "The salt makers turned to cattle when the dikes were raised at last.",
            "and the salt was sold inland as far as the mountains, and the tolls",
            "1. Find the price",
            "? The treatise was printed later",
            "Fig. 3.",
            "CONTENTS",
            "3",
            ".",
            "a-",
            "• salt",
            "= a + b",
            "(n)",
        ]
    ),
    st.text(max_size=40),
)
line = st.builds(
    Line,
    text=words,
    x0=coordinate,
    y0=coordinate,
    x1=coordinate,
    y1=coordinate,
    size=st.one_of(st.sampled_from([0.0, 7.0, 10.0, 14.0]), st.floats(0, 1e4)),
    bold=st.booleans(),
    italic=st.booleans(),
    mono=st.booleans(),
    math=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
page = st.tuples(
    st.lists(line, max_size=12),
    st.sampled_from(["text", "ocr"]),
    st.sampled_from([0.0, 600.0]),
)


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(st.lists(page, min_size=1, max_size=4))
def test_no_layout_makes_cleaning_fail(pages: list[tuple[list[Line], str, float]]):
    raw = [
        RawPage(
            number,
            (Block("lines", lines=tuple(lines)),),
            method="ocr" if method == "ocr" else "text",
            width=height,
            height=height,
        )
        for number, (lines, method, height) in enumerate(pages, start=1)
    ]
    table = clean_book(raw, BOOK)
    assert table.schema == PAGES_SCHEMA
    assert table["page"].to_list() == [page.page for page in raw]
    for text, parts in zip(table["text"], table["blocks"].to_list(), strict=True):
        assert text == "".join(part["text"] for part in parts)
