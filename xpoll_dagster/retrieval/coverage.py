"""How much of a query stands together in one window of a text.

BM25 counts a chunk's words wherever they stand; a question is answered where most of its telling
words stand side by side, within a sentence or two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xpoll_dagster.retrieval.terms import split_terms


class WindowTerms:
    """Which terms stand in which window."""

    def __init__(self, windows: Sequence[str], weight: Callable[[str], float]) -> None:
        """Index windows.

        Args:
            windows: Their texts.
            weight: How telling a term is.
        """
        from scipy.sparse import csr_array

        self._weight = weight
        self._places: dict[str, int] = {}
        rows: list[int] = []
        columns: list[int] = []
        for place, window in enumerate(windows):
            for term in set(split_terms(window)):
                rows.append(self._places.setdefault(term, len(self._places)))
                columns.append(place)
        # By term, so that a query's rows are the windows that hold it.
        self._by_term = csr_array(
            (np.ones(len(rows), dtype=np.float32), (rows, columns)),
            shape=(len(self._places), len(windows)),
        )

    def covered(self, queries: Sequence[str]) -> np.ndarray:
        """The weight of each query's terms that a window holds, float32 [windows, queries]."""
        from scipy.sparse import csr_array

        rows, columns, values = [], [], []
        for row, query in enumerate(queries):
            for term in set(split_terms(query)):
                place = self._places.get(term)
                if place is not None:
                    rows.append(row)
                    columns.append(place)
                    values.append(self._weight(term))
        asked = csr_array(
            (np.asarray(values, dtype=np.float32), (rows, columns)),
            shape=(len(queries), len(self._places)),
        )
        found: Any = asked @ self._by_term
        # The transpose of rows of queries is, without a copy, columns of them.
        return found.T.toarray(order="C").astype(np.float32, copy=False)
