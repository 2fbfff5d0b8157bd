"""What chance looks like: the cosines of random passages of two domains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.vectors import paired_cosines

# The 90th percentile of a normal distribution lies so many deviations above its median.
DEVIATIONS_TO_90TH = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class Chance:
    """Median and upper spread (as of a normal distribution) of random pairs' cosines.

    The spread is taken from the 90th percentile, so the few pairs that really belong
    together do not widen it.
    """

    median: float
    spread: float

    def closeness(self, cosine: np.ndarray) -> np.ndarray:
        """How many deviations above chance each cosine lies."""
        return (cosine - self.median) / self.spread


def measure_chance(left: np.ndarray, right: np.ndarray, options: LinkingOptions) -> Chance:
    """Draw random pairs of passages of two domains and measure their cosines.

    Args:
        left: One vector of length 1 per passage of one domain.
        right: The same of the other.
        options: `random_pairs` and `seed`.

    Returns:
        The median and the spread.
    """
    rng = np.random.default_rng(options.seed)
    i = rng.integers(len(left), size=options.random_pairs)
    j = rng.integers(len(right), size=options.random_pairs)
    middle, high = np.quantile(paired_cosines(left, right, i, j), [0.5, 0.9])
    return Chance(float(middle), max(float(high - middle) / DEVIATIONS_TO_90TH, 1e-6))
