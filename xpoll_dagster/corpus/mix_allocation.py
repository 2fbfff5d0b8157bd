"""How many rows of each source and category a mix takes, and what keeps it from more.

Sources supply categories, and limits stand on both sides (a source may supply several
categories and has one cap for all), so the allocation is a flow from sources through
categories. For a given total every limit is a whole number, and:

- the largest total is the greatest fixed point of T ↦ min(T, flow(T)), where flow(T) is the
  maximum flow under the limits that a total of T gives (shares are rounded down). flow grows
  with T, so the iteration from any upper bound ends at the greatest T (Tarski 1955); a linear
  program gives a tight bound to start from;
- the same program's dual prices say which limits bind: those with a price force the total
  down by themselves, whatever the others are;
- what categories get is the weighted max-min fair division (Megiddo 1974): all rise in the
  proportion of their weights until one can rise no more, then the others go on. The reachable
  divisions form a polymatroid, so rising greedily by whole rows is exact.

Nothing is repeated to fill a mix up: a smaller total comes back, with its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

BindingKind = Literal[
    "max_total", "supply", "category_share", "source_cap", "source_share", "weights"
]
_STEPS = 60
_PRICE = 1e-7


@dataclass(frozen=True, slots=True)
class Demand:
    """What a mix asks for, and what there is.

    Args:
        sources: Names of the sources (S).
        categories: Names of the categories (C).
        supply: Rows there are, shape (S, C).
        weights: Relative share of each category, positive, shape (C).
        category_shares: Share of the total that each category may make up, shape (C).
        source_caps: Rows of each source at most, None where there is no cap, length S.
        source_share: Share of the total that a source may make up.
        wanted: The total asked for.
        keep_weights: Whether the proportions of the weights stand even at a smaller total.
        temperature: Power of the sizes by which sources share a category.
    """

    sources: Sequence[str]
    categories: Sequence[str]
    supply: np.ndarray
    weights: Sequence[float]
    category_shares: Sequence[float]
    source_caps: Sequence[int | None]
    wanted: int
    source_share: float = 1.0
    keep_weights: bool = False
    temperature: float = 0.5


@dataclass(frozen=True, slots=True)
class Binding:
    """A limit that holds the total down.

    `limit` is the limit as it was set (rows or a share), `gain` how many rows the mix would
    grow by if the limit rose by one row, or by one percentage point of a share.
    """

    kind: BindingKind
    name: str
    limit: float
    gain: float


@dataclass(frozen=True, slots=True)
class Allocation:
    """Rows taken, shape (S, C); `total` is their sum and the most that the limits allow.

    `binding` says what keeps the total from being larger. `with_weights` is the largest
    total at which the categories stand in the exact proportion of their weights.
    """

    rows: np.ndarray
    total: int
    wanted: int
    binding: tuple[Binding, ...]
    with_weights: int


def allocate(demand: Demand) -> Allocation:
    """The largest mix that the limits allow, divided as fairly by weights as they allow."""
    bound, binding = _relaxed(demand, keep_weights=demand.keep_weights)
    total = _largest(demand, bound, keep_weights=demand.keep_weights)
    exact = total
    if not demand.keep_weights:
        exact_bound, _ = _relaxed(demand, keep_weights=True)
        exact = _largest(demand, exact_bound, keep_weights=True)
    if not total:
        return Allocation(np.zeros(demand.supply.shape, np.int64), 0, demand.wanted, binding, exact)
    network = _Network.of(demand, total)
    limits = _category_limits(demand, total, keep_weights=demand.keep_weights)
    per_category = _fair(network, limits, demand.weights, total)
    rows = _divide(network, per_category, demand.supply.astype(float) ** demand.temperature)
    return Allocation(rows, total, demand.wanted, binding, exact)


# -- limits as whole numbers -----------------------------------------------------------------


def _fraction(value: float) -> Fraction:
    return Fraction(str(float(value)))  # .29 of 100 is 29, not the 28 of binary fractions


def _category_limits(demand: Demand, total: int, *, keep_weights: bool) -> np.ndarray:
    limits = [_fraction(share) * total // 1 for share in demand.category_shares]
    if keep_weights:
        weights = [_fraction(weight) for weight in demand.weights]
        whole = sum(weights)
        limits = [
            min(limit, -(-weight * total // whole))
            for limit, weight in zip(limits, weights, strict=True)
        ]
    return np.array([int(limit) for limit in limits], np.int64)


def _source_limits(demand: Demand, total: int) -> np.ndarray:
    of_share = int(_fraction(demand.source_share) * total // 1)
    return np.array(
        [of_share if cap is None else min(cap, of_share) for cap in demand.source_caps], np.int64
    )


@dataclass(frozen=True, slots=True)
class _Network:
    supply: np.ndarray  # (S, C)
    sources: np.ndarray  # limits (S)

    @staticmethod
    def of(demand: Demand, total: int) -> _Network:
        return _Network(
            np.minimum(demand.supply.astype(np.int64), total), _source_limits(demand, total)
        )

    def reaches(self, per_category: np.ndarray) -> int:
        """The maximum flow where each category takes this many rows at most."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import maximum_flow

        n_sources, n_categories = self.supply.shape
        cells = np.nonzero(self.supply)
        sink = 1 + n_sources + n_categories
        heads = np.concatenate(
            [
                np.zeros(n_sources, np.int64),
                1 + cells[0],
                1 + n_sources + np.arange(n_categories),
            ]
        )
        tails = np.concatenate(
            [
                1 + np.arange(n_sources),
                1 + n_sources + cells[1],
                np.full(n_categories, sink),
            ]
        )
        capacity = np.concatenate([self.sources, self.supply[cells], per_category])
        graph = csr_array(
            (np.minimum(capacity, 2**31 - 1).astype(np.int32), (heads, tails)),
            shape=(sink + 1, sink + 1),
        )
        return int(maximum_flow(graph, 0, sink).flow_value)


def _largest(demand: Demand, bound: float, *, keep_weights: bool) -> int:
    """The greatest total that its own limits allow, at most `wanted`."""
    total = min(demand.wanted, int(demand.supply.sum()))
    # Whole rows never reach beyond the program, but its value may err by a rounding; and with
    # weights kept, less than a row of every category may be rounded up, which gains nothing.
    total = min(total, int(bound + 1e-6) + (0 if keep_weights else 1))
    while total:
        limits = _category_limits(demand, total, keep_weights=keep_weights)
        reached = min(total, _Network.of(demand, total).reaches(limits))
        if reached == total:
            break
        total = reached
    return total


# -- what binds ------------------------------------------------------------------------------


def _relaxed(demand: Demand, *, keep_weights: bool) -> tuple[float, tuple[Binding, ...]]:
    """The linear program of the total without whole numbers: its value and what has a price."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    n_sources, n_categories = demand.supply.shape
    cells = np.nonzero(demand.supply)
    n = len(cells[0])
    if not n or demand.wanted < 1:
        return 0.0, _nothing(demand)
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    limits: list[float] = []
    meaning: list[tuple[BindingKind, str, float]] = []

    def add(kind: BindingKind, name: str, chosen: np.ndarray, cap: float, share: float) -> None:
        """Rows of the chosen cells ≤ cap + share × total."""
        columns = np.append(np.flatnonzero(chosen), n) if share else np.flatnonzero(chosen)
        values = np.ones(len(columns))
        if share:
            values[-1] = -share
        entries.append((np.full(len(columns), len(limits)), columns, values))
        limits.append(cap)
        meaning.append((kind, name, share or cap))

    whole = sum(demand.weights)
    for c, name in enumerate(demand.categories):
        if demand.category_shares[c] < 1:
            add("category_share", name, cells[1] == c, 0, demand.category_shares[c])
        if keep_weights:
            add("weights", name, cells[1] == c, 0, demand.weights[c] / whole)
        # The supply of a category as one limit beside those of its cells: it is what is told.
        add("supply", name, cells[1] == c, float(demand.supply[:, c].sum()), 0)
    for s, name in enumerate(demand.sources):
        cap = demand.source_caps[s]
        if cap is not None:
            add("source_cap", name, cells[0] == s, float(cap), 0)
        if demand.source_share < 1:
            add("source_share", name, cells[0] == s, 0, demand.source_share)
    matrix = coo_array(
        (
            np.concatenate([part[2] for part in entries]),
            (
                np.concatenate([part[0] for part in entries]),
                np.concatenate([part[1] for part in entries]),
            ),
        ),
        shape=(len(limits), n + 1),
    ).tocsr()
    objective = np.zeros(n + 1)
    objective[-1] = -1.0
    balance = np.ones((1, n + 1))
    balance[0, -1] = -1.0
    upper = np.append(demand.supply[cells].astype(float), float(demand.wanted))
    found: Any = linprog(
        objective,
        A_ub=matrix,
        b_ub=np.array(limits),
        A_eq=balance,
        b_eq=[0.0],
        bounds=np.stack([np.zeros(n + 1), upper], axis=1),
        method="highs-ds",
    )
    if not found.success:
        raise ArithmeticError(f"The mix's linear program was not solved: {found.message}")
    total = float(-found.fun)
    prices = -found.ineqlin.marginals
    bounds = -found.upper.marginals
    binding: list[Binding] = []
    if bounds[-1] > _PRICE:
        binding.append(Binding("max_total", "", float(demand.wanted), float(bounds[-1])))
    of_cells = np.zeros(n_categories)
    np.maximum.at(of_cells, cells[1], bounds[:-1])
    for (kind, name, limit), price in zip(meaning, prices, strict=True):
        gain = float(price)
        if kind == "supply":
            gain = max(gain, float(of_cells[list(demand.categories).index(name)]))
        if gain > _PRICE:
            relative = kind in {"category_share", "source_share", "weights"}
            binding.append(Binding(kind, name, limit, gain * total / 100 if relative else gain))
    return total, tuple(binding) or _nothing(demand)


def _nothing(demand: Demand) -> tuple[Binding, ...]:
    return tuple(
        Binding("supply", name, float(demand.supply[:, c].sum()), 0.0)
        for c, name in enumerate(demand.categories)
        if not demand.supply[:, c].sum()
    )


# -- dividing --------------------------------------------------------------------------------


def _fair(
    network: _Network, limits: np.ndarray, weights: Sequence[float], total: int
) -> np.ndarray:
    """Rows of each category: max-min fair by weight, together `total`."""
    share = np.array(weights, float) / sum(weights)
    ceiling = np.minimum(limits, network.supply.sum(axis=0))
    rows = np.zeros(len(share), np.int64)
    active = np.ones(len(share), bool)

    def can(wanted: np.ndarray) -> bool:
        needed = int(wanted.sum())
        return (
            needed <= total and bool((wanted <= ceiling).all())
            and network.reaches(wanted) == needed
        )  # fmt: skip

    def at(level: float) -> np.ndarray:
        return np.where(active, np.maximum(rows, np.floor(level * share)), rows).astype(np.int64)

    low = 0.0
    while active.any():
        high = (total + 1) / float(share[active].min())
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if can(at(middle)):
                low = middle
            else:
                high = middle
        rows = at(low)
        # Who is furthest below what the level gives it comes first.
        order = np.argsort(-(low * share - rows) / share, kind="stable")
        for c in order[active[order]]:
            more = rows.copy()
            more[c] += 1
            if can(more):
                rows = more
            else:
                active[c] = False
    return rows


def _divide(network: _Network, per_category: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Rows of each source and category, as near to the sources' relative shares as can be."""
    most = np.minimum(network.supply, network.sources[:, None])
    wanted = np.stack(
        [
            _level(most[:, c], shares[:, c], rows)
            for c, rows in enumerate(per_category)
        ],
        axis=1,
    )
    if (wanted.sum(axis=1) <= network.sources).all() and (
        wanted.sum(axis=0) == per_category
    ).all():
        return wanted
    return _nearest(network, per_category, wanted)


def _level(most: np.ndarray, shares: np.ndarray, rows: int) -> np.ndarray:
    """Fill up to `most` in proportion to `shares` until `rows` are together (or all is full)."""
    shares = np.where(most > 0, shares, 0.0)
    rows = min(int(rows), int(most.sum()))
    low, high = 0.0, float((most / np.where(shares > 0, shares, np.inf)).max(initial=0.0)) + 1
    for _ in range(_STEPS + 30):
        middle = (low + high) / 2
        if np.minimum(most, np.floor(middle * shares)).sum() <= rows:
            low = middle
        else:
            high = middle
    taken = np.minimum(most, np.floor(low * shares)).astype(np.int64)
    left = rows - int(taken.sum())
    remainder = np.where(taken < most, low * shares - taken, -np.inf)
    for place in np.argsort(-remainder, kind="stable"):
        if not left:
            break
        step = min(left, int(most[place] - taken[place]), 1)
        taken[place] += step
        left -= step
    while left:  # more than one row each is left only where shares differ beyond all measure
        place = int(np.argmax(most - taken))
        step = min(left, int(most[place] - taken[place]))
        taken[place] += step
        left -= step
    return taken


def _nearest(network: _Network, per_category: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The allowed division with the least sum of absolute differences (a transport program)."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, hstack, identity

    cells = np.nonzero(network.supply)
    n = len(cells[0])
    ones = np.ones(n)
    by_source = coo_array((ones, (cells[0], np.arange(n))), shape=(network.supply.shape[0], 2 * n))
    by_category = coo_array((ones, (cells[1], np.arange(n))), shape=(len(per_category), 2 * n))
    target = wanted[cells].astype(float)
    eye = identity(n, format="coo")
    found: Any = milp(
        np.concatenate([np.zeros(n), ones]),
        integrality=np.concatenate([ones, np.zeros(n)]),
        bounds=Bounds(
            np.zeros(2 * n), np.concatenate([network.supply[cells].astype(float), np.full(n, np.inf)])
        ),
        constraints=[
            LinearConstraint(by_source.tocsr(), ub=network.sources.astype(float)),
            LinearConstraint(
                by_category.tocsr(), lb=per_category.astype(float), ub=per_category.astype(float)
            ),
            LinearConstraint(hstack([eye, -eye], format="csr"), ub=target),
            LinearConstraint(hstack([-eye, -eye], format="csr"), ub=-target),
        ],
    )
    if found.x is None:
        raise ArithmeticError(f"The rows of the mix could not be divided: {found.message}")
    rows = np.zeros(network.supply.shape, np.int64)
    rows[cells] = np.rint(found.x[:n]).astype(np.int64)
    return rows
