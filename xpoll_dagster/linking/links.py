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
    """Name and rank the matched rows of two domains.

    Args:
        passages: The passages that the row numbers count.
        left: Row of each link in the domain that sorts first.
        right: Row of each link in the other domain.
        score: The signal's own measure.
        shared: What the two passages share, for links that have it.
        cosine: Cosine of the vectors, for semantic links.
        margin: Ratio margin, for semantic links.

    Returns:
        Rows of `LINKS_SCHEMA`, sorted by ids; `rank` is 1.0 for the best score.
    """
    # Sorted by numbers: sorting the ids themselves takes ten times as long.
    order = np.lexsort((passages.place[right], passages.place[left]))
    left, right, score = left[order], right[order], score[order]
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
            "rank": pl.Series(score.astype(np.float64)).rank("average") / max(count, 1),
            "concepts": nothing if shared is None else shared.gather(order),
            "cosine": pl.Series(empty if cosine is None else cosine[order]).fill_nan(None),
            "margin": pl.Series(empty if margin is None else margin[order]).fill_nan(None),
        },
        schema=LINKS_SCHEMA,
    )
