"""What two passages share, as lists of concepts or words with their weights."""

from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.model import CONCEPT_STRUCT
from xpoll_dagster.linking.neighbours import places_in_group
from xpoll_dagster.linking.sparse import SparseRows

BLOCK_LINKS = 100_000


def shared_features(
    left: SparseRows,
    right: SparseRows,
    left_rows: np.ndarray,
    right_rows: np.ndarray,
    names: pl.Series,
    limit: int = 8,
) -> pl.Series:
    """The features that the two rows of each link share, heaviest first.

    Args:
        left: Rows of weights.
        right: Rows of weights over the same columns.
        left_rows: Row of `left` for each link.
        right_rows: Row of `right` for each link.
        names: Name of each column.
        limit: Features listed for a link.

    Returns:
        A series of `List(CONCEPT_STRUCT)`, one entry per link; the weight is the
        product of the two sides' weights.
    """
    parts: list[pl.DataFrame] = []
    for start in range(0, len(left_rows), BLOCK_LINKS):
        block = slice(start, start + BLOCK_LINKS)
        common = left[left_rows[block]].multiply(right[right_rows[block]]).tocsr()
        link = np.repeat(np.arange(common.shape[0]) + start, np.diff(common.indptr))
        place = places_in_group(link, common.data)
        order = np.lexsort((place, link))
        order = order[place[order] < limit]
        parts.append(
            pl.DataFrame(
                {
                    "link": link[order],
                    "concept": names.gather(common.indices[order]),
                    "weight": common.data[order].astype(np.float64),
                }
            )
        )
    empty = pl.DataFrame(schema={"link": pl.Int64, "shared": pl.List(CONCEPT_STRUCT)})
    grouped = (
        pl.concat(parts)
        .group_by("link", maintain_order=True)
        .agg(pl.struct("concept", "weight").alias("shared"))
        if parts
        else empty
    )
    links = pl.DataFrame({"link": np.arange(len(left_rows), dtype=np.int64)})
    joined = links.join(grouped, on="link", how="left", maintain_order="left")
    return joined["shared"].fill_null([]).cast(pl.List(CONCEPT_STRUCT))
