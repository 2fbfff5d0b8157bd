from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.report.limits import CUT, cut, length_that_fits, sample


@given(
    lengths=st.lists(st.integers(0, 400), max_size=60),
    budget=st.integers(60, 5_000),
    longest=st.integers(1, 300),
)
def test_texts_cut_at_the_length_fit_and_no_more_is_cut(
    lengths: list[int], budget: int, longest: int
) -> None:
    length = length_that_fits(
        pl.Series(["x" * n for n in lengths], dtype=pl.String), budget, longest
    )
    assert sum(min(n, length) for n in lengths) <= budget
    if length < longest:
        assert sum(min(n, length + 1) for n in lengths) > budget


def test_a_cut_text_ends_behind_a_word_and_says_so() -> None:
    assert cut("The moon moves on", 12) == f"The moon{CUT}"
    assert cut("The moon", 12) == "The moon"
    assert cut("x" * 50, 12) == "x" * 12 + CUT


def test_a_sample_depends_on_ids_and_not_on_order() -> None:
    frame = pl.DataFrame({"id": [f"{n * 7919 % 1000:03}" for n in range(500)]})
    chosen, total = sample(frame, 50)
    again, _ = sample(frame.reverse(), 50)
    assert total == 500
    assert chosen.height == 50
    assert chosen.equals(again)
