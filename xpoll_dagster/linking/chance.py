"""What chance looks like: the cosines of random passages of different domains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.passages import Passages

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


def measure_chance(passages: Passages, vectors: np.ndarray, options: LinkingOptions) -> Chance:
    """Draw random pairs of passages of different domains and measure their cosines.

    Args:
        passages: Passages of at least two domains.
        vectors: One vector of length 1 per passage.
        options: `random_pairs` and `seed`.

    Returns:
        The median and the spread.
    """
    rng = np.random.default_rng(options.seed)
    domain = np.repeat(np.arange(len(passages.domains)), np.diff(passages.starts))
    i = rng.integers(len(passages), size=4 * options.random_pairs)
    j = rng.integers(len(passages), size=4 * options.random_pairs)
    across = np.flatnonzero(domain[i] != domain[j])[: options.random_pairs]
    if not len(across):
        return Chance(0.0, 1.0)
    cosine = np.einsum("nd,nd->n", vectors[i[across]], vectors[j[across]])
    middle, high = np.quantile(cosine, [0.5, 0.9])
    return Chance(float(middle), max(float(high - middle) / DEVIATIONS_TO_90TH, 1e-6))
