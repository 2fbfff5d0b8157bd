"""What two passages share, as lists of concepts or words with their weights."""

from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.features import StackedRows
from xpoll_dagster.linking.model import CONCEPT_STRUCT

BLOCK_LINKS = 100_000


def shared_features(
    left: StackedRows,
    right: StackedRows,
    left_rows: np.ndarray,
    right_rows: np.ndarray,
    limit: int = 8,
) -> pl.Series:
    """The features that the two rows of each link share, heaviest first.

    Args:
        left: Passages and their features.
        right: The same, over the same columns.
        left_rows: Row of `left` for each link.
        right_rows: Row of `right` for each link.
        limit: Features listed for a link.

    Returns:
        A series of `List(CONCEPT_STRUCT)`, one entry per link, with the names of the left
        side; the weight is the product of the two sides' weights.
    """
    import pyarrow as pa

    columns: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    for start in range(0, len(left_rows), BLOCK_LINKS):
        block = slice(start, start + BLOCK_LINKS)
        common = left.weights[left_rows[block]].multiply(right.weights[right_rows[block]]).tocsr()
        link = np.repeat(np.arange(common.shape[0]), np.diff(common.indptr))
        # Scaled weights are at most 1, so one key sorts by link and then by weight.
        scaled = common.data.astype(np.float64) / max(float(common.data.max(initial=0)), 1e-12)
        order = np.argsort(2.0 * link - scaled, kind="stable")
        place = np.arange(len(order)) - np.repeat(common.indptr[:-1], np.diff(common.indptr))
        order = order[place < limit]
        columns.append(common.indices[order])
        weights.append(common.data[order].astype(np.float64))
        counts.append(np.minimum(np.diff(common.indptr), limit))
    if not columns:
        return pl.Series([], dtype=pl.List(CONCEPT_STRUCT))
    names = left.name(np.concatenate(columns)).rechunk().to_arrow()
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    shared = pa.StructArray.from_arrays(
        [names, pa.array(np.concatenate(weights))], ["concept", "weight"]
    )
    listed = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), shared)
    return pl.Series(listed).cast(pl.List(CONCEPT_STRUCT))
