"""What a mix asks for, what it gets, and its limits as whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

BindingKind = Literal[
    "max_total", "supply", "category_share", "source_cap", "source_share", "weights"
]


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


def exact_fraction(value: float) -> Fraction:
    """A share as it is written: .29 of 100 is 29, not the 28 of binary fractions."""
    return Fraction(str(float(value)))


def category_limits(demand: Demand, total: int, *, keep_weights: bool) -> np.ndarray:
    """Rows of each category at most in a mix of this total, shape (C)."""
    limits = [exact_fraction(share) * total // 1 for share in demand.category_shares]
    if keep_weights:
        weights = [exact_fraction(weight) for weight in demand.weights]
        whole = sum(weights)
        limits = [
            min(limit, -(-weight * total // whole))
            for limit, weight in zip(limits, weights, strict=True)
        ]
    return np.array([int(limit) for limit in limits], np.int64)


def source_limits(demand: Demand, total: int) -> np.ndarray:
    """Rows of each source at most in a mix of this total, shape (S)."""
    of_share = int(exact_fraction(demand.source_share) * total // 1)
    return np.array(
        [of_share if cap is None else min(cap, of_share) for cap in demand.source_caps], np.int64
    )
