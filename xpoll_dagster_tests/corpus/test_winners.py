from __future__ import annotations

import random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.corpus.winners import CONTENDERS_SCHEMA, choose_winners

SMALL = st.integers(0, 1)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        SMALL,
        SMALL,
        st.integers(-1, 1),
        st.integers(0, 5),
        st.integers(1, 3),
        st.sampled_from(["a", "b", "ab"]),
        st.one_of(SMALL, st.just(2**64 - 1)),
    ),
    max_size=30,
)


def contenders(rows: list[tuple[int, int, int, int, int, int, str, int]]) -> pl.DataFrame:
    """The same id twice would be one row: the occurrence tells them apart."""
    full = [(number, *row, number + 1) for number, row in enumerate(rows)]
    return pl.DataFrame(full, schema=CONTENDERS_SCHEMA, orient="row")


@given(ROWS, st.randoms(use_true_random=False))
def test_is_what_sorting_by_rank_gives(rows: list, rng: random.Random) -> None:
    keys = contenders(rows)
    groups: dict[tuple[int, ...], list[tuple]] = {}
    for row in keys.iter_rows():
        groups.setdefault(row[1:4], []).append(row)
    truth = []
    for members in groups.values():
        best = min(members, key=lambda r: (-r[4], r[5], -r[6], r[7], r[8], r[9]))
        truth += [(row[0], best[0]) for row in members if row[0] != best[0]]
    assert sorted(truth) == list(choose_winners(keys).iter_rows())
    shuffled = keys.sample(fraction=1.0, shuffle=True, seed=rng.randrange(100))
    assert choose_winners(shuffled).equals(choose_winners(keys))
