"""Passages that say the same thing in the same words: copies, not links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.linking.features import hash_names

RUN = 5


@dataclass(frozen=True, slots=True)
class WordRuns:
    """The five-word runs of texts: text i has the hashes `starts[i]` to `starts[i + 1]`."""

    starts: np.ndarray
    hashes: np.ndarray


def word_runs(texts: pl.Series) -> WordRuns:
    """The different five-word runs of each text, as hashes, ascending."""
    words = (
        pl.DataFrame({"text": texts})
        .with_row_index("row")
        .select("row", pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}\d]+"))
        .explode("text", empty_as_null=False)
    )
    code = words.select(hash_names("text")).to_series().to_numpy()
    row = words["row"].to_numpy().astype(np.int64)
    size = max(len(code) - RUN + 1, 0)
    key = np.zeros(size, np.uint64)
    for step in range(RUN):
        # A polynomial over 2^64: runs that differ collide about never.
        key = key * np.uint64(0x9E3779B97F4A7C15) + code[step : step + size]
    inside = row[:size] == row[RUN - 1 : RUN - 1 + size] if size else np.zeros(0, bool)
    # Column numbers of a sparse matrix are signed.
    runs = pl.DataFrame({"row": row[:size][inside], "run": key[inside] >> np.uint64(2)}).unique()
    runs = runs.sort("row", "run")
    counts = np.bincount(runs["row"].to_numpy(), minlength=len(texts))
    return WordRuns(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        runs["run"].to_numpy().astype(np.int64),
    )


def stack_runs(parts: Sequence[WordRuns]) -> WordRuns:
    """The runs of several lots of texts, one after the other."""
    ends = np.cumsum([0, *(len(part.hashes) for part in parts)])
    starts = [part.starts[1:] + end for part, end in zip(parts, ends, strict=False)]
    return WordRuns(
        np.concatenate([np.zeros(1, np.int64), *starts]),
        np.concatenate([np.zeros(0, np.int64), *(part.hashes for part in parts)]),
    )


def run_overlap(
    left: WordRuns, right: WordRuns, left_rows: np.ndarray, right_rows: np.ndarray
) -> np.ndarray:
    """Jaccard overlap of the five-word runs of pairs of texts.

    Args:
        left: Runs of the first texts.
        right: Runs of the second texts.
        left_rows: Each pair's first text.
        right_rows: Each pair's second text.

    Returns:
        One share (0 to 1) per pair; 0 where a text has fewer than five words.
    """
    from scipy.sparse import csr_matrix

    def matrix(runs: WordRuns) -> csr_matrix:
        shape = (len(runs.starts) - 1, 2**62)
        return csr_matrix((np.ones(len(runs.hashes)), runs.hashes, runs.starts), shape=shape)

    common = matrix(left)[left_rows].multiply(matrix(right)[right_rows])
    common = np.asarray(common.sum(axis=1)).ravel()
    sizes = np.diff(left.starts)[left_rows] + np.diff(right.starts)[right_rows]
    return common / np.maximum(sizes - common, 1)
