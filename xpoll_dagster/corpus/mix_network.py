"""The flow from sources through categories into a mix, and its fair division."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xpoll_dagster.corpus.mix_demand import Demand, source_limits

_STEPS = 60


@dataclass(frozen=True, slots=True)
class Network:
    """Rows that each source can give to each category, for one total."""

    supply: np.ndarray  # (S, C)
    sources: np.ndarray  # limits (S)

    @staticmethod
    def of(demand: Demand, total: int) -> Network:
        """The network of a mix of this total."""
        return Network(
            np.minimum(demand.supply.astype(np.int64), total), source_limits(demand, total)
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


def fair(network: Network, limits: np.ndarray, weights: Sequence[float], total: int) -> np.ndarray:
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
