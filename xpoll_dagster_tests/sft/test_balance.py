"""Caps hold, water-filling conserves, and every row left out has its reason."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.sft.balance import cap_groups, cap_level, water_fill

sizes = st.lists(st.integers(1, 500), min_size=1, max_size=12)


@given(sizes, st.floats(1.0, 4.0))
def test_no_group_exceeds_its_share_of_the_mean(groups: list[int], cap: float) -> None:
    level = cap_level(groups, cap)
    kept = [min(size, level) for size in groups]
    assert level >= 1
    assert max(kept) <= max(1.0, cap * sum(kept) / len(kept))


def test_equal_groups_lose_nothing() -> None:
    assert cap_level([50, 50, 50], 1.0) == 50


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=60))
def test_capping_conserves_rows_and_keeps_the_best(drawn: list[tuple[str, float]]) -> None:
    rows = pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(len(drawn))],
            "domain": [group for group, _ in drawn],
            "score": [score for _, score in drawn],
        },
        schema={"id": pl.String, "domain": pl.String, "score": pl.Float64},
    )
    kept, out = cap_groups(rows, pl.col("domain"), 1.5, "over the cap for domains")
    assert sorted([*kept["id"], *out["id"]]) == sorted(rows["id"])
    gone = rows.join(out, on="id")
    for domain in gone["domain"].unique():
        worst = kept.filter(pl.col("domain") == domain)["score"].min()
        best = gone.filter(pl.col("domain") == domain)["score"].max()
        assert isinstance(worst, float)
        assert isinstance(best, float)
        assert worst >= best
    assert out["reason"].str.starts_with("over the cap for domains ").all()


names = st.sampled_from("abcdef")


@given(
    st.dictionaries(names, st.integers(0, 50)),
    st.dictionaries(names, st.integers(0, 50)),
    st.integers(0, 200),
)
def test_water_filling_adds_exactly_what_there_is(
    present: dict[str, int], available: dict[str, int], n: int
) -> None:
    added = water_fill(present, available, n)
    assert sum(added.values()) == min(n, sum(available.values()))
    assert all(0 <= added[name] <= available[name] for name in available)
    for low, room in available.items():
        for high in available:
            # Nobody is raised above another who still had something to add.
            if added[high] and added[low] < room:
                total_high = present.get(high, 0) + added[high]
                assert total_high <= present.get(low, 0) + added[low] + 1
