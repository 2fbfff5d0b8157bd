"""Tables of links: how matched rows become rows of `LINKS_SCHEMA`."""

from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster.linking.passages import Passages


def links_table(
    passages: Passages,
    left: np.ndarray,
    right: np.ndarray,
    score: np.ndarray,
    shared: pl.Series | None = None,
    cosine: np.ndarray | None = None,
    margin: np.ndarray | None = None,
) -> pl.DataFrame:
    """Name the matched rows; `rank` stays empty until `rank_links`.

    Args:
        passages: The passages that the row numbers count.
        left: Row of each link in the domain that sorts first.
        right: Row of each link in the other domain.
        score: The signal's own measure.
        shared: What the two passages share, for links that have it.
        cosine: Cosine of the vectors, for semantic links.
        margin: Ratio margin, for semantic links.

    Returns:
        Rows of `LINKS_SCHEMA` with empty ranks.
    """
    ids, domain = passages.ids, passages.frame["domain"]
    count = len(left)
    nothing = pl.Series([[]], dtype=LINKS_SCHEMA["concepts"]).new_from_index(0, count)
    empty = np.full(count, np.nan)
    return pl.DataFrame(
        {
            "left_chunk": ids.gather(left),
            "right_chunk": ids.gather(right),
            "left_domain": domain.gather(left),
            "right_domain": domain.gather(right),
            "score": score.astype(np.float64),
            "rank": pl.Series([None], dtype=pl.Float64).new_from_index(0, count),
            "concepts": nothing if shared is None else shared,
            "cosine": pl.Series(empty if cosine is None else cosine).fill_nan(None),
            "margin": pl.Series(empty if margin is None else margin).fill_nan(None),
        },
        schema=LINKS_SCHEMA,
    )


def rank_links(links: pl.DataFrame) -> pl.DataFrame:
    """Fill `rank`: 1.0 for the best score among the links of the same pair of domains."""
    domains = ["left_domain", "right_domain"]
    rank = pl.col("score").rank("average") / pl.len()
    return links.with_columns(rank.over(domains).alias("rank")).sort(
        *domains, "left_chunk", "right_chunk"
    )
