"""Titles in section paths."""

import pytest

from xpoll_dagster.books.sections import title


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Chapter 6\nPeople, Land and Work", "Chapter 6: People, Land and Work"),
        ("CHAPTER II.\nTHE SUN.", "CHAPTER II: THE SUN."),
        ("CHAPTER IT.\nTHE SUN.", "CHAPTER IT: THE SUN."),  # a misread numeral
        ("7\nSalt", "7: Salt"),
        ("A title that\nwraps", "A title that wraps"),
        ("Part of\nthe story", "Part of the story"),
    ],
)
def test_a_number_is_set_apart_from_its_title_by_a_colon(heading: str, expected: str):
    assert title(heading) == expected
