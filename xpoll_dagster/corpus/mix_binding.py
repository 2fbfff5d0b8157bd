"""Which limits hold a mix down: the dual prices of its linear program."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpoll_dagster.corpus.mix_demand import Binding, BindingKind, Demand

_PRICE = 1e-7


def relaxed(demand: Demand, *, keep_weights: bool) -> tuple[float, tuple[Binding, ...]]:
    """The linear program of the total without whole numbers: its value and what has a price."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    n_categories = demand.supply.shape[1]
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
