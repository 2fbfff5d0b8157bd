"""Passages that say the same thing in the same words: copies, not links."""

from __future__ import annotations

import numpy as np
import polars as pl

RUN = 5


def run_overlap(texts: pl.Series, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Jaccard overlap of the five-word runs of pairs of texts.

    Args:
        texts: The texts.
        left: Row of each pair's first text.
        right: Row of each pair's second text.

    Returns:
        One share (0 to 1) per pair; 0 where a text has fewer than five words.
    """
    from scipy.sparse import csr_matrix

    words = (
        pl.DataFrame({"text": texts})
        .with_row_index("row")
        .select("row", pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}\d]+"))
        .explode("text", empty_as_null=False)
    )
    code = words["text"].rank("dense").to_numpy().astype(np.uint64)
    row = words["row"].to_numpy().astype(np.int64)
    size = max(len(code) - RUN + 1, 0)
    key = np.zeros(size, np.uint64)
    for step in range(RUN):
        # A polynomial over 2^64: runs that differ collide about never.
        key = key * np.uint64(0x9E3779B97F4A7C15) + code[step : step + size]
    inside = row[:size] == row[RUN - 1 : RUN - 1 + size] if size else np.zeros(0, bool)
    _, column = np.unique(key[inside], return_inverse=True)
    height, width = len(texts), int(column.max(initial=0)) + 1
    runs = csr_matrix((np.ones(len(column)), (row[:size][inside], column)), shape=(height, width))
    runs.sum_duplicates()
    runs.data[:] = 1.0
    counts = np.diff(runs.indptr)
    common = np.asarray(runs[left].multiply(runs[right]).sum(axis=1)).ravel()
    return common / np.maximum(counts[left] + counts[right] - common, 1)
