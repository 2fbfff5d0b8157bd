"""A book's passages as weighted words and pairs of words (TF-IDF), ready to be compared.

Words are counted with Polars and numpy and not with scikit-learn's vectorizer, which
takes longer for 40,000 passages than all of linking may.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.arrays import ascending
from xpoll_dagster.linking.features import FeatureRows, feature_rows
from xpoll_dagster.linking.options import LexicalOptions
from xpoll_dagster.linking.sparse import SparseRows
from xpoll_dagster.linking.stop_words import STOP_WORDS

WORD = r"\p{L}+(?:['’]\p{L}+)?"
MIN_LETTERS = 3


def weigh_terms(texts: pl.Series, options: LexicalOptions) -> FeatureRows:
    """Weigh the words of every passage of a book.

    Weight is (1 + log count) · idf^`idf_power` with frequencies in this book, rows scaled to
    length 1, then cut to the heaviest `features`. Stop words, words of fewer than three
    letters, and words too common in the book do not count; plurals count as their singular.

    Args:
        texts: The passages of one book.
        options: `idf_power`, `features`, `max_share` and `min_allowed`.

    Returns:
        One row per passage, in order.
    """
    rows, words, stems = _words(texts)
    single = _counts(rows, words, len(texts), stems.height)
    pairs, pair_names, pair_stems = _word_pairs(rows, words, len(texts), stems)
    weights = _weights(single, pairs, options)
    identities = pl.concat([stems["stem"], pair_stems])
    return feature_rows(weights, identities, pl.concat([stems["name"], pair_names]))


def _words(texts: pl.Series) -> tuple[np.ndarray, np.ndarray, pl.DataFrame]:
    """Row and stem number of every word in order (-1 for stop words), and stems with names."""
    tokens = (
        pl.DataFrame({"text": texts})
        .with_row_index("row")
        .select("row", pl.col("text").str.to_lowercase().str.extract_all(WORD).alias("word"))
        .explode("word", empty_as_null=False)
    )
    # Numbers stand for the words from here on: each is hashed as text once.
    tokens = tokens.with_columns(pl.col("word").cast(pl.Categorical).to_physical().alias("code"))
    surfaces = (
        tokens.group_by("code").agg(pl.len().alias("count"), pl.col("word").first()).sort("word")
    )
    bare = pl.col("word").str.replace(r"['’]\p{L}+$", "")
    surfaces = surfaces.with_columns(
        pl.when((bare.str.len_chars() >= MIN_LETTERS) & ~bare.is_in(STOP_WORDS))
        .then(singular(bare))
        .alias("stem")
    )
    # A stem is shown by its most frequent surface form.
    shown = (
        surfaces.drop_nulls("stem")
        .sort("stem", "count", "word", descending=[False, True, False])
        .group_by("stem", maintain_order=True)
        .agg(pl.col("word").first().str.replace(r"['’]\p{L}+$", "").alias("name"))
        .with_row_index("number")
    )
    numbered = surfaces.join(shown.select("stem", "number"), on="stem", how="left")
    tokens = tokens.join(
        numbered.select("code", "number"), on="code", how="left", maintain_order="left"
    )
    return (
        tokens["row"].to_numpy().astype(np.int64),
        tokens["number"].cast(pl.Int64).fill_null(-1).to_numpy(),
        shown.select("stem", "name"),
    )


def singular(word: pl.Expr) -> pl.Expr:
    """English plurals without their ending (Harman's S stemmer, 1991)."""
    return (
        pl.when(word.str.contains(r"[^ae]ies$"))
        .then(word.str.replace(r"ies$", "y"))
        .when(word.str.contains(r"[^aeo]es$") & ~word.str.contains(r"(?:ss|x|ch|sh|z)es$"))
        .then(word.str.replace(r"s$", ""))
        .when(word.str.contains(r"(?:ss|x|ch|sh|z)es$"))
        .then(word.str.replace(r"es$", ""))
        .when(word.str.contains(r"[^us]s$"))
        .then(word.str.replace(r"s$", ""))
        .otherwise(word)
    )


def _counts(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> SparseRows:
    from scipy.sparse import csr_matrix

    real = columns >= 0
    ones = np.ones(int(real.sum()), np.float32)
    counts = csr_matrix((ones, (rows[real], columns[real])), shape=(height, width))
    counts.sum_duplicates()
    return counts


def _word_pairs(
    rows: np.ndarray, words: np.ndarray, height: int, stems: pl.DataFrame
) -> tuple[SparseRows, pl.Series, pl.Series]:
    """Counts of neighbouring words, neither a stop word; what they are shown as and are."""
    together = (words[:-1] >= 0) & (words[1:] >= 0) & (rows[:-1] == rows[1:])
    key = words[:-1][together] * np.int64(stems.height) + words[1:][together]
    keys = ascending(key)
    number = np.searchsorted(keys, key)
    counts = _counts(rows[:-1][together], number, height, len(keys))
    first, second = keys // max(stems.height, 1), keys % max(stems.height, 1)
    names, bare = (
        stems[column].gather(first) + " " + stems[column].gather(second)
        for column in ("name", "stem")
    )
    return counts, names, bare


def _weights(single: SparseRows, pairs: SparseRows, options: LexicalOptions) -> SparseRows:
    from scipy.sparse import hstack

    counts: SparseRows = hstack([single, pairs], format="csr", dtype=np.float32)
    height, width = counts.shape
    row_of = np.repeat(np.arange(height), np.diff(counts.indptr))
    frequency = np.bincount(counts.indices, minlength=width)
    idf = np.log((1.0 + height) / (1.0 + frequency)) + 1.0
    idf[frequency > max(options.min_allowed, options.max_share * height)] = 0.0
    counts.data = ((1.0 + np.log(counts.data)) * (idf**options.idf_power)[counts.indices]).astype(
        np.float32
    )
    length = np.sqrt(
        np.bincount(row_of, weights=counts.data.astype(np.float64) ** 2, minlength=height)
    )
    counts.data /= np.maximum(length, 1e-9)[row_of].astype(np.float32)
    _cut_to_heaviest(counts, row_of, options.features)
    counts.eliminate_zeros()
    return counts


def _cut_to_heaviest(weights: SparseRows, row_of: np.ndarray, features: int) -> None:
    """Set all but the heaviest entries of every row to zero."""
    # Weights are at most 1, so one key sorts by row and then by weight.
    order = np.argsort(2.0 * row_of - weights.data, kind="stable")
    place = np.arange(len(order)) - np.repeat(weights.indptr[:-1], np.diff(weights.indptr))
    weights.data[order[place >= features]] = 0.0
