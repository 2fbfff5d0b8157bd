"""How surprising a row's output is: measured three ways, each freed of the output's length."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

MEASURES = ("compressed_bits", "word_bits", "distinct_words")
_WINDOW = 4_000  # characters that are measured: enough to tell, and bounded for any row
_MIN_BIN = 200
_COMMON = 200_000


class WordFrequencies:
    """How often each word stands in the outputs of a mix, learnt from a stream."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._total = 0

    def add(self, outputs: pl.Series) -> None:
        """Count the words of some outputs."""
        counted = _words(outputs).explode().drop_nulls().value_counts()
        words, counts = counted.get_columns()
        self._total += int(counts.sum())
        self._counts.update(dict(zip(words.to_list(), counts.to_list(), strict=True)))
        if len(self._counts) > 4 * _COMMON:
            # What is rare so far is dropped: its surprise is that of an unknown word anyway.
            self._counts = Counter(dict(self._counts.most_common(_COMMON)))

    def bits(self, outputs: pl.Series) -> np.ndarray:
        """Mean surprise of the words of each output, in bits a word (0 without words)."""
        whole = self._total + len(self._counts) + 1
        unknown = float(-np.log2(1 / whole))
        table = pl.DataFrame(
            {"word": list(self._counts), "bits": [
                float(-np.log2((count + 1) / whole)) for count in self._counts.values()
            ]},
            schema={"word": pl.String, "bits": pl.Float64},
        )  # fmt: skip
        said = pl.DataFrame({"word": _words(outputs)}).with_row_index("row").explode("word")
        found = (
            said.drop_nulls("word")
            .join(table, on="word", how="left")
            .group_by("row")
            .agg(pl.col("bits").fill_null(unknown).mean())
        )
        bits = np.zeros(len(outputs))
        bits[found["row"].to_numpy()] = found["bits"].to_numpy()
        return bits


def _words(outputs: pl.Series) -> pl.Series:
    return outputs.str.slice(0, _WINDOW).str.to_lowercase().str.extract_all(r"\w+(?:['’]\w+)?")


def measure_outputs(outputs: pl.Series, frequencies: WordFrequencies) -> pl.DataFrame:
    """Length and raw entropy of each output, on its first 4,000 characters.

    Returns:
        `length` in characters (of the whole output); `compressed_bits`: bits a character that
        zlib makes of it; `word_bits`: mean surprise of its words by their frequency in the
        mix; `distinct_words`: share of its words that are new in it (type-token ratio).
    """
    words = _words(outputs)
    counts = words.list.len()
    return pl.DataFrame(
        {
            "length": outputs.str.len_chars().cast(pl.Int64),
            "compressed_bits": pl.Series(
                _compressed(outputs.str.slice(0, _WINDOW)), dtype=pl.Float64
            ),
            "word_bits": pl.Series(frequencies.bits(outputs)),
            "distinct_words": (words.list.n_unique() / counts.clip(1)).cast(pl.Float64),
        }
    )


def _compressed(texts: Iterable[str]) -> list[float]:
    return [8 * len(zlib.compress(text.encode(), 6)) / max(1, len(text)) for text in texts]


def without_length(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each value's rank among rows of about its length, from 0 to 1.

    Rows are ranked within stretches of equal number by length (200 rows or more), so that
    what remains says nothing of length but what varies inside a stretch.
    """
    n = len(values)
    ranks = np.zeros(n)
    bins = max(1, min(100, n // _MIN_BIN))
    for rows in np.array_split(np.argsort(lengths, kind="stable"), bins):
        ranks[rows] = percentiles(values[rows])
    return ranks


def percentiles(values: np.ndarray) -> np.ndarray:
    """Rank of each value from 0 to 1; equal values share their mean rank."""
    from scipy.stats import rankdata

    return (rankdata(values) - 0.5) / len(values) if len(values) else np.zeros(0)


def correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Spearman's correlation, None where one of the two does not vary."""
    from scipy.stats import spearmanr

    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    rho: Any = spearmanr(one, other)[0]
    return round(float(rho), 4)


def mean_rank(measures: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of several rankings, ranked again from 0 to 1."""
    return percentiles(np.mean(np.stack(list(measures)), axis=0))
