"""One score out of three signals: how surely two passages would choose each other.

The evidence for a pair is the weighted sum of its semantic margin, its lexical margin and
its shared concepts. A softmax over all candidates of a passage turns evidence into the
probability that it would choose this partner; the score is the geometric mean of the two
passages' probabilities. So a pair that is one of many equally good ones scores less than a
pair that stands out for both. The weights in `FusionOptions` were chosen on planted pairs
(halves of one passage that must find each other) of three books and checked on others:
`python -m benchmarks.planted_pairs` prints both.

A passage's candidates are those of one other domain: a pair of domains is fused by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from xpoll_dagster.linking.arrays import ascending
from xpoll_dagster.linking.options import FusionOptions

PAIR = ["left_chunk", "right_chunk"]
DOMAINS = ["left_domain", "right_domain"]

# From the columns of links to those of candidates, by signal.
_MEASURES = {
    "concept": {"score": "concept_score", "rank": "concept_rank"},
    "lexical": {"score": "lexical_score", "margin": "lexical_margin", "rank": "lexical_rank"},
    "semantic": {"margin": "margin", "rank": "margin_rank"},
}


def fuse_links(
    links: Mapping[str, pl.DataFrame],
    left_ids: pl.Series,
    right_ids: pl.Series,
    options: FusionOptions,
) -> pl.DataFrame:
    """Score every pair of passages of two domains that some signal links.

    Args:
        links: Rows of `LINKS_SCHEMA` of these two domains, by signal (`concept`, `lexical`,
            `semantic`).
        left_ids: The `chunk_id` of every passage of the left domain.
        right_ids: The same of the right domain.
        options: Weights and temperature.

    Returns:
        One row per pair in the order of `left` and `right` (rows of the two series): the
        signals' scores, margins and ranks (null where the signal does not link the pair),
        `score` (0 to 1), and for each signal the row of its link (`concept_link`, …, -1
        for none).

    Raises:
        ValueError: A link names a passage that is not among the ids.
    """
    width = np.int64(max(len(right_ids), 1))
    keys = {
        name: _rows(table["left_chunk"], left_ids) * width + _rows(table["right_chunk"], right_ids)
        for name, table in links.items()
    }
    every = ascending(np.concatenate(list(keys.values())))
    columns: dict[str, np.ndarray] = {"left": every // width, "right": every % width}
    for name, measures in _MEASURES.items():
        place = np.searchsorted(every, keys[name])
        link = np.full(len(every), -1, np.int64)
        link[place] = np.arange(len(place))
        columns[f"{name}_link"] = link
        for measure, column in measures.items():
            values = np.full(len(every), np.nan)
            values[place] = links[name][measure].to_numpy()
            columns[column] = values
    columns["score"] = _score(columns, options)
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _rows(named: pl.Series, ids: pl.Series) -> np.ndarray:
    try:
        return named.cast(pl.Enum(ids)).to_physical().to_numpy().astype(np.int64)
    except pl.exceptions.InvalidOperationError as error:
        raise ValueError("Some links name chunks that are not among the passages given.") from error


def _score(columns: Mapping[str, np.ndarray], weights: FusionOptions) -> np.ndarray:
    margin = columns["margin"]
    # A pair that a signal does not link is worse than the worst that it does link.
    lowest = float(np.nanmin(margin)) if np.isfinite(margin).any() else 0.0
    evidence = (
        weights.margin * np.nan_to_num(margin, nan=lowest)
        + weights.lexical * np.nan_to_num(columns["lexical_margin"])
        + weights.concept * np.sqrt(np.nan_to_num(columns["concept_score"])) / 10.0
    ) / weights.temperature
    chosen = [_log_choice(columns[side], evidence) for side in ("left", "right")]
    return np.exp(sum(chosen) / 2.0)


def _log_choice(side: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Log of the softmax of the evidence among the same passage's candidates."""
    size = int(side.max(initial=-1)) + 1
    highest = np.full(size, -np.inf)
    np.maximum.at(highest, side, evidence)
    total = np.bincount(side, weights=np.exp(evidence - highest[side]), minlength=size)
    return evidence - highest[side] - np.log(total)[side]


def gathered(
    fused: pl.DataFrame,
    links: Mapping[str, pl.DataFrame],
    left_ids: pl.Series,
    right_ids: pl.Series,
) -> pl.DataFrame:
    """The fused rows with the ids of their passages and with what these share.

    Args:
        fused: Rows that `fuse_links` gave.
        links: What it was given.
        left_ids: What it was given.
        right_ids: What it was given.

    Returns:
        The rows with `left_chunk`, `right_chunk`, `concepts` and `words`.
    """

    def shared(signal: str) -> pl.Series:
        link = fused[f"{signal}_link"].to_numpy()
        listed = links[signal]["concepts"]
        # The last entry stands for pairs that the signal does not link.
        listed = pl.concat([listed, pl.Series([[]], dtype=listed.dtype)])
        return listed.gather(np.where(link >= 0, link, len(listed) - 1))

    return fused.with_columns(
        left_chunk=left_ids.gather(fused["left"]),
        right_chunk=right_ids.gather(fused["right"]),
        concepts=shared("concept"),
        words=shared("lexical"),
    )
