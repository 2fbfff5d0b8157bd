"""Sets of 64-bit hashes that grow by batches and answer whole arrays at once."""

from __future__ import annotations

import numpy as np


class SeenHashes:
    """Counts how often each of many hashes was seen before.

    Hashes lie in sorted runs that are merged when they have grown alike in size, so there are
    few of them: adding n hashes costs about n log n in all, a look-up a few binary searches.
    Eight bytes a hash.
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def add(self, hashes: np.ndarray) -> None:
        """Add hashes; repeats count."""
        run = np.sort(hashes)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        if len(run):
            self._runs.append(run)

    def copy(self) -> SeenHashes:
        """The same set; what is added to one is not in the other."""
        other = SeenHashes()
        other._runs = list(self._runs)
        return other

    def counts(self, hashes: np.ndarray) -> np.ndarray:
        """How often each hash was added."""
        found = np.zeros(len(hashes), np.int64)
        if not len(hashes) or not self._runs:
            return found
        order = np.argsort(hashes)
        ascending = hashes[order]
        total = np.zeros(len(hashes), np.int64)
        for run in self._runs:
            left = np.searchsorted(run, ascending, side="left")
            # Most hashes are not there: only the others need the second search.
            there = np.flatnonzero(run[np.minimum(left, len(run) - 1)] == ascending)
            right = np.searchsorted(run, ascending[there], side="right")
            total[there] += right - left[there]
        found[order] = total
        return found

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)
