"""Tables of links: how matched rows become rows of `LINKS_SCHEMA`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from xpoll_dagster.linking.library import LinkedDomain
from xpoll_dagster.linking.model import LINKS_SCHEMA


def links_table(
    left_domain: LinkedDomain,
    right_domain: LinkedDomain,
    left: np.ndarray,
    right: np.ndarray,
    score: np.ndarray,
    shared: pl.Series | None = None,
    cosine: np.ndarray | None = None,
    margin: np.ndarray | None = None,
) -> pl.DataFrame:
    """Name the matched rows; `rank` stays empty until `rank_links`.

    Args:
        left_domain: The domain that sorts first.
        right_domain: The other one.
        left: Passage of each link in the left domain.
        right: Passage of each link in the right domain.
        score: The signal's own measure.
        shared: What the two passages share, for links that have it.
        cosine: Cosine of the vectors, for semantic links.
        margin: Ratio margin, for semantic links.

    Returns:
        Rows of `LINKS_SCHEMA` with empty ranks.
    """
    count = len(left)
    nothing = pl.Series([[]], dtype=LINKS_SCHEMA["concepts"]).new_from_index(0, count)
    empty = np.full(count, np.nan)
    return pl.DataFrame(
        {
            "left_chunk": left_domain.ids.gather(left),
            "right_chunk": right_domain.ids.gather(right),
            "left_domain": pl.Series([left_domain.name]).new_from_index(0, count),
            "right_domain": pl.Series([right_domain.name]).new_from_index(0, count),
            "score": score.astype(np.float64),
            "rank": pl.Series([None], dtype=pl.Float64).new_from_index(0, count),
            "concepts": nothing if shared is None else shared,
            "cosine": pl.Series(empty if cosine is None else cosine).fill_nan(None),
            "margin": pl.Series(empty if margin is None else margin).fill_nan(None),
        },
        schema=LINKS_SCHEMA,
    )


def rank_links(links: pl.DataFrame) -> pl.DataFrame:
    """Fill `rank` of the links of two domains: 1.0 for the best score."""
    return links.with_columns(rank=pl.col("score").rank("average") / pl.len())


def all_links(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The links of all pairs of domains as one table."""
    return pl.concat([LINKS_SCHEMA.to_frame(), *parts])
