"""Metadata stays small enough for the event log and survives odd frames."""

from __future__ import annotations

import base64

import polars as pl
import pytest

from xpoll_dagster.defs.metadata import MAX_PICTURE_BYTES, heat_map, histogram, sample_table


def _size(markdown: str) -> int:
    return len(base64.b64decode(markdown.split("base64,")[1].rstrip(")")))


@pytest.mark.slow
def test_pictures_are_small_pngs() -> None:
    names = [f"domain-{i}" for i in range(25)]
    counts = {(a, b): float(i) for i, a in enumerate(names) for b in names[i:]}
    for picture in (heat_map(counts, "pairs"), histogram(list(range(5000)), "sizes", "tokens")):
        assert picture.value is not None
        assert _size(picture.value) <= MAX_PICTURE_BYTES
        assert base64.b64decode(picture.value.split("base64,")[1].rstrip(")"))[1:4] == b"PNG"


def test_pictures_of_nothing_do_not_fail() -> None:
    assert histogram([], "sizes", "tokens").value
    assert heat_map({}, "pairs").value


def test_samples_cut_long_texts_and_take_lists() -> None:
    frame = pl.DataFrame({"text": ["x" * 5000] * 20, "tags": [["a", "b"]] * 20})
    table = sample_table(frame, 5)
    assert len(table.records) == 5
    assert len(str(table.records[0].data["text"])) < 400
    assert table.records[0].data["tags"] == "['a', 'b']"


def test_a_sample_of_an_empty_table_is_empty() -> None:
    assert sample_table(pl.DataFrame(schema={"text": pl.String})).records == []
