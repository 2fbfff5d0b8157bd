"""What a mix measures beside a random one of the same size: spread, lengths, diversity."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

_NGRAMS = (1, 2, 3)
_WORDS = 200  # of each output whose runs are compared


def entropy(counts: Mapping[str, int]) -> float:
    """Shannon entropy of a distribution, in bits: 0 where one name has all."""
    values = np.array([count for count in counts.values() if count > 0], float)
    if not len(values):
        return 0.0
    shares = values / values.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def text_measures(rows: pl.DataFrame) -> dict[str, Any]:
    """Lengths and diversity of a sample of rows (`instruction`, `input`, `output`).

    Returns:
        `rows`; `output_words` with the 10th, 50th and 90th percentile; `distinct_1`,
        `distinct_2`, `distinct_3`: share of the outputs' runs of words that stand once (Li
        et al. 2016), on the first 200 words of each; `compression`: bytes of instructions and
        outputs for each byte that zlib makes of them (Shaib et al. 2024; more = more alike).
        The last four depend on the sample's size: compare samples of one size.
    """
    if rows.is_empty():
        return {"rows": 0}
    words = rows["output"].str.split(" ").list.eval(pl.element().filter(pl.element() != ""))
    lengths = words.list.len()
    found: dict[str, Any] = {
        "rows": rows.height,
        "output_words": {
            f"p{int(q * 100)}": float(lengths.quantile(q, "nearest") or 0) for q in (0.1, 0.5, 0.9)
        },
    }
    said = words.list.head(_WORDS).list.eval(pl.element().str.to_lowercase())
    for n, share in _distinct(said).items():
        found[f"distinct_{n}"] = share
    texts = rows["instruction"] + "\n" + rows["output"]
    raw = "\n".join(texts.to_list()).encode()
    packed = len(zlib.compress(raw, 6))
    found["compression"] = round(len(raw) / packed, 4) if packed else 0.0
    return found


def _distinct(said: pl.Series) -> dict[int, float]:
    """Share of the runs of n words that are distinct, for each n; words as numbers."""
    lengths = said.list.len().to_numpy()
    row = np.repeat(np.arange(len(lengths)), lengths)
    words = said.explode().drop_nulls()
    numbers = words.rank("dense").to_numpy().astype(np.int64)
    base = int(numbers.max(initial=0)) + 1  # runs are numbers to this base: 10^6 words fit
    found: dict[int, float] = {}
    for n in _NGRAMS:
        size = max(0, len(numbers) - n + 1)
        runs = np.zeros(size, np.int64)
        for place in range(n):
            runs = runs * base + numbers[place : place + size]
        within = row[:size] == row[n - 1 : n - 1 + size]
        runs = runs[within]
        found[n] = round(len(np.unique(runs)) / len(runs), 4) if len(runs) else 0.0
    return found


def comparison(
    mix: Mapping[str, Mapping[str, int]],
    random: Mapping[str, Mapping[str, int]],
    mix_sample: pl.DataFrame,
    random_sample: pl.DataFrame,
) -> dict[str, dict[str, Any]]:
    """The mix and a random mix side by side.

    Args:
        mix: Counts of the mix by category, source and licence.
        random: The same of a random mix of the same size from the whole corpus.
        mix_sample: Rows of the mix.
        random_sample: As many rows of the random mix.
    """
    size = min(mix_sample.height, random_sample.height)
    return {
        name: {
            "rows": sum(counts["category"].values()),
            "categories": dict(counts["category"]),
            "category_entropy_bits": round(entropy(counts["category"]), 4),
            "source_entropy_bits": round(entropy(counts["source"]), 4),
            "largest_source_share": round(
                max(counts["source"].values(), default=0) / max(1, sum(counts["source"].values())),
                4,
            ),
            "texts": text_measures(sample.head(size)),
        }
        for name, counts, sample in (
            ("mix", mix, mix_sample),
            ("random", random, random_sample),
        )
    }
