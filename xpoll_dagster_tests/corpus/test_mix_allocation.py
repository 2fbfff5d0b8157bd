"""What a mix takes: limits, the largest total, what binds, and fairness."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.corpus.mix_allocation import allocate
from xpoll_dagster.corpus.mix_demand import Demand


def demand(
    supply: Any, weights: Any, shares: Any = None, caps: Any = None, wanted: int = 1000, **more: Any
) -> Demand:
    supply = np.array(supply, np.int64)
    return Demand(
        sources=[f"s{i}" for i in range(supply.shape[0])],
        categories=[f"c{i}" for i in range(supply.shape[1])],
        supply=supply,
        weights=weights,
        category_shares=shares or [0.45] * supply.shape[1],
        source_caps=caps or [None] * supply.shape[0],
        wanted=wanted,
        **more,
    )


@st.composite
def demands(draw: Any, keep_weights: Any = False):
    n_sources, n_categories = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    cell = st.one_of(st.just(0), st.integers(0, 12))
    supply = [[draw(cell) for _ in range(n_categories)] for _ in range(n_sources)]
    return demand(
        supply,
        [draw(st.sampled_from([0.1, 0.2, 0.5, 1.0])) for _ in range(n_categories)],
        [draw(st.sampled_from([0.25, 0.45, 0.6, 1.0])) for _ in range(n_categories)],
        [draw(st.one_of(st.none(), st.integers(0, 15))) for _ in range(n_sources)],
        draw(st.integers(1, 40)),
        source_share=draw(st.sampled_from([0.5, 0.8, 1.0])),
        keep_weights=keep_weights,
        temperature=draw(st.sampled_from([0.0, 0.5, 1.0])),
    )


def share_of(share: float, total: int):
    return int(Fraction(str(share)) * total)


def can_hold(asked: Demand, total: int, per_category: Any = None) -> bool:
    """Whether some division of exactly this total exists, by another method than the code's.

    With `per_category`, whether one with just these rows of each category does.
    """
    import scipy.optimize

    optimize: Any = scipy.optimize
    n_sources, n_categories = asked.supply.shape
    cells = n_sources * n_categories
    limits = [share_of(share, total) for share in asked.category_shares]
    if per_category is not None and any(per_category > np.array(limits)):
        return False
    caps = [
        min(share_of(asked.source_share, total), total if cap is None else cap)
        for cap in asked.source_caps
    ]
    by_category = np.kron(np.ones((1, n_sources)), np.eye(n_categories))
    by_source = np.kron(np.eye(n_sources), np.ones((1, n_categories)))
    least, most = (0, limits) if per_category is None else (per_category, per_category)
    found = optimize.milp(
        np.zeros(cells),
        integrality=np.ones(cells),
        bounds=optimize.Bounds(np.zeros(cells), asked.supply.ravel().astype(float)),
        constraints=[
            optimize.LinearConstraint(np.ones((1, cells)), total, total),
            optimize.LinearConstraint(by_category, least, most),
            optimize.LinearConstraint(by_source, 0, caps),
        ],
    )
    return found.x is not None


@settings(max_examples=30)
@given(demands())
def test_limits_hold_and_no_larger_total_is_possible(asked: Demand):
    found = allocate(asked)
    assert found.rows.sum() == found.total <= asked.wanted
    assert (found.rows >= 0).all()
    assert (found.rows <= asked.supply).all()
    for c, share in enumerate(asked.category_shares):
        assert found.rows[:, c].sum() <= share * found.total + 1e-9
    for s, cap in enumerate(asked.source_caps):
        taken = found.rows[s].sum()
        assert taken <= asked.source_share * found.total + 1e-9
        assert cap is None or taken <= cap
    larger = range(found.total + 1, min(asked.wanted, int(asked.supply.sum())) + 1)
    assert not any(can_hold(asked, total) for total in larger)


@pytest.mark.slow
@settings(max_examples=30)
@given(demands())
def test_the_limits_that_bind_hold_the_total_down_by_themselves(asked: Demand):
    found = allocate(asked)
    names = {(one.kind, one.name) for one in found.binding}
    plenty = 10_000
    supply = np.array(
        [
            [
                count
                if ("supply", category) in names or not asked.supply[:, c].any()
                else plenty * (count > 0)
                for c, (category, count) in enumerate(zip(asked.categories, row, strict=True))
            ]
            for row in asked.supply
        ]
    )
    loosened = demand(
        supply,
        asked.weights,
        [
            share if ("category_share", name) in names else 1.0
            for name, share in zip(asked.categories, asked.category_shares, strict=True)
        ],
        [
            cap if ("source_cap", name) in names else None
            for name, cap in zip(asked.sources, asked.source_caps, strict=True)
        ],
        asked.wanted if ("max_total", "") in names else plenty,
        source_share=(
            asked.source_share if any(kind == "source_share" for kind, _ in names) else 1.0
        ),
    )
    freer = allocate(loosened)
    # Whole rows may be rounded down in the one and not in the other: a row for each share.
    slack = 2 * (len(asked.categories) + len(asked.sources)) / (1 - 0.8)
    assert freer.total <= max(found.total + slack, 0) or not names


def test_loosening_what_binds_helps_and_loosening_what_does_not_does_not():
    tight = demand([[1000, 0, 0], [0, 30, 0], [0, 0, 500]], [1, 1, 1], wanted=5000)
    found = allocate(tight)
    assert {(one.kind, one.name) for one in found.binding} == {
        ("supply", "c1"),
        ("category_share", "c0"),
        ("category_share", "c2"),
    }
    assert found.total == 300  # .9 of it in the two at their limit, and 30 rows
    gain = next(one.gain for one in found.binding if one.kind == "supply")
    assert abs(gain - 10) < 1e-6
    more = allocate(demand([[1000, 0, 0], [0, 31, 0], [0, 0, 500]], [1, 1, 1], wanted=5000))
    assert more.total > found.total
    same = allocate(demand([[2000, 0, 0], [0, 30, 0], [0, 0, 900]], [1, 1, 1], wanted=9000))
    assert same.total == found.total


@pytest.mark.slow
@settings(max_examples=30)
@given(demands(), st.data())
def test_more_rows_never_make_a_smaller_mix(asked: Demand, data: Any):
    s = data.draw(st.integers(0, asked.supply.shape[0] - 1))
    c = data.draw(st.integers(0, asked.supply.shape[1] - 1))
    supply = asked.supply.copy()
    supply[s, c] += data.draw(st.integers(1, 10))
    richer = demand(
        supply,
        asked.weights,
        list(asked.category_shares),
        list(asked.source_caps),
        asked.wanted,
        source_share=asked.source_share,
    )
    assert allocate(richer).total >= allocate(asked).total


@settings(max_examples=30)
@given(demands(keep_weights=True))
def test_kept_weights_stand_to_a_row(asked: Demand):
    found = allocate(asked)
    whole = sum(asked.weights)
    for c, weight in enumerate(asked.weights):
        assert found.rows[:, c].sum() < weight / whole * found.total + 1
    assert found.total <= allocate(demand(**_plain(asked))).total


def _plain(asked: Demand):
    return {
        "supply": asked.supply,
        "weights": asked.weights,
        "shares": list(asked.category_shares),
        "caps": list(asked.source_caps),
        "wanted": asked.wanted,
        "source_share": asked.source_share,
    }


@settings(max_examples=30)
@given(demands())
def test_no_category_could_have_more_without_one_below_it_having_less(asked: Demand):
    """Max-min fairness: who has less for his weight could not take a row from who has more."""
    found = allocate(asked)
    weights = np.array(asked.weights)
    rows = found.rows.sum(axis=0)
    level = rows / weights
    for poor in range(len(weights)):
        for rich in range(len(weights)):
            # Taking one row must leave the rich one above the poor one after it has gained.
            if (
                rows[rich] == 0
                or (rows[rich] - 1) / weights[rich] <= (rows[poor] + 1) / weights[poor]
            ):
                continue
            wanted = rows.copy()
            wanted[rich] -= 1
            wanted[poor] += 1
            assert not can_hold(asked, found.total, wanted), (level, poor, rich)


def test_a_scarce_category_gives_all_and_the_others_share_by_weight():
    found = allocate(demand([[10_000, 10_000, 10_000, 5]], [0.4, 0.2, 0.2, 0.2], wanted=1000))
    assert found.total == 1000
    rows = found.rows.sum(axis=0)
    assert rows[3] == 5
    assert rows[0] == 450  # held by its limit; the other two share the rest alike
    assert abs(rows[1] - rows[2]) <= 1
    assert found.with_weights == 25


def test_temperature_flattens_the_sources_of_a_category():
    supply = [[9000], [1000], [100]]
    kept = [
        allocate(demand(supply, [1.0], [1.0], wanted=900, temperature=t)).rows[:, 0]
        for t in (1.0, 0.0)
    ]
    assert np.abs(kept[0] - np.array([802, 89, 9])).max() <= 2
    assert kept[1].tolist() == [400, 400, 100]


def test_two_categories_cannot_fill_a_mix_in_which_neither_may_pass_its_limit():
    found = allocate(demand([[500, 500]], [1, 1]))
    assert found.total == 0
    assert {one.kind for one in found.binding} >= {"category_share"}


def test_a_source_with_one_cap_for_two_categories():
    supply = [[100, 100, 0], [50, 0, 100]]
    found = allocate(demand(supply, [1, 1, 1], caps=[60, None], wanted=150))
    assert found.rows[0].sum() <= 60
    assert found.total == 150
