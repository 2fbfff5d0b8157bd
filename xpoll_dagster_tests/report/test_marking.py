from __future__ import annotations

import pytest

from xpoll_dagster.report.marking import marks


def _marked(
    text: str, shared: list[str], surfaces: dict[str, list[str]] | None = None
) -> list[str]:
    units = text.encode("utf-16-le")
    spans = marks(text, shared, surfaces or {})
    return [units[2 * start : 2 * end].decode("utf-16-le") for start, end, _ in spans]


@pytest.mark.parametrize(
    ("text", "shared", "expected"),
    [
        ("A lens; two lenses. Cleanse it.", ["lenses"], ["lens", "lenses"]),
        ("The laws\nof motion hold; ties.", ["law of motion", "tie"], ["laws\nof motion", "ties"]),
        ("A flawless law", ["laws"], ["law"]),
        ("A ship of war, ships  of war.", ["ship of war"], ["ship of war", "ships  of war"]),
        ("Electric  current in electric\ncurrents", ["electric current"], None),
        ("🚢🚢 Cook sailed", ["cook"], ["Cook"]),
        ("(a+b) and C++", ["c++"], ["C++"]),
    ],
)
def test_words_are_marked_as_the_passage_prints_them(
    text: str, shared: list[str], expected: list[str] | None
) -> None:
    if expected is None:
        expected = ["Electric  current", "electric\ncurrents"]
    assert _marked(text, shared) == expected


def test_a_concept_is_marked_where_its_chunk_prints_another_form() -> None:
    text = "Spinoza wrote, Baruch de Spinoza answered."
    found = _marked(text, ["baruch de spinoza"], {"baruch de spinoza": ["Spinoza"]})
    assert found == ["Spinoza", "Baruch de Spinoza"]


def test_spans_do_not_overlap_and_the_longer_one_stands() -> None:
    assert _marked("magnetic field lines", ["field", "magnetic field"]) == ["magnetic field"]
