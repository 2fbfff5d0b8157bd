"""Books as weighted words and pairs of words (TF-IDF), ready to be compared.

Words are counted with Polars and numpy and not with scikit-learn's vectorizer, which
takes longer for 40,000 passages than all of linking may. Rarity is rarity in the passage's
own book: so what a passage weighs does not change when another book comes or goes, and
words are ranked as well by it as by rarity in the whole library (`python -m
benchmarks.planted_pairs`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import LinkCache
from xpoll_dagster.linking.options import LexicalOptions
from xpoll_dagster.linking.passages import Passages
from xpoll_dagster.linking.sparse import SparseRows
from xpoll_dagster.linking.stop_words import STOP_WORDS

WORD = r"\p{L}+(?:['’]\p{L}+)?"
MIN_LETTERS = 3
KIND = "terms"

TERMS_SCHEMA = pl.Schema(
    {
        "book": pl.String,  # address of the book's content
        "row": pl.UInt32,  # of the passage in its book
        "term": pl.String,
        "name": pl.String,  # the term as the book mostly writes it
        "weight": pl.Float32,
    }
)


@dataclass(frozen=True, slots=True)
class Terms:
    """`weights[i]` are passage i's words and word pairs.

    `names[d]` are the columns as domain d writes them, empty where it does not.
    """

    weights: SparseRows
    names: tuple[pl.Series, ...]


def weigh_terms(
    passages: Passages, options: LexicalOptions, *, cache: LinkCache | None = None, about: str = ""
) -> Terms:
    """Weigh the words of every passage.

    Args:
        passages: What to weigh.
        options: `idf_power`, `features`, `pair_weight`, `max_share` and `min_allowed`.
        cache: Keeps the terms of each book between runs; None keeps nothing.
        about: What else they depend on: options, in one text.

    Returns:
        One row per passage in the passages' order; words of one domain only are left out.
    """
    from scipy.sparse import csr_matrix

    names = [] if cache is None else [cache.key([], about, domain) for domain in passages.domains]
    parts = [
        _domain_terms(passages, domain, options, cache, about, names)
        for domain in range(len(passages.domains))
    ]
    if cache is not None:
        cache.keep_only(KIND, names)
    tables = pl.concat([TERMS_SCHEMA.to_frame().drop("book"), *parts])
    domain = np.repeat(np.arange(len(parts)), [part.height for part in parts])
    tables = tables.with_columns(
        pl.col("term").cast(pl.Categorical).to_physical().alias("code"), domain=pl.Series(domain)
    )
    # Columns in the order of the words: the sums of a product, to the last bit, then do not
    # depend on what other words the library holds.
    columns = (
        tables.group_by("code")
        .agg(pl.col("term").first(), pl.col("domain").min() != pl.col("domain").max())
        .filter("domain")
        .sort("term")
        .with_row_index("column")
    )
    held = tables.join(columns.select("code", "column"), on="code", how="inner").sort(
        "row", "column"
    )
    shape = (len(passages), columns.height)
    entries = (held["row"].to_numpy(), held["column"].to_numpy())
    shown = [
        columns.select("column")
        .join(
            held.filter(domain=number).unique("column", keep="first", maintain_order=True),
            on="column",
            how="left",
            maintain_order="left",
        )["name"]
        .fill_null("")
        for number in range(len(parts))
    ]
    return Terms(csr_matrix((held["weight"].to_numpy(), entries), shape=shape), tuple(shown))


def _domain_terms(
    passages: Passages,
    domain: int,
    options: LexicalOptions,
    cache: LinkCache | None,
    about: str,
    names: list[str],
) -> pl.DataFrame:
    """The terms of all books of a domain, rows counted over the whole library."""
    texts = passages.frame[passages.rows(domain)]
    start = passages.starts[domain]
    kept = cache.read(KIND, names[domain]) if cache is not None else None
    if kept is None or kept.schema != TERMS_SCHEMA:
        kept = TERMS_SCHEMA.to_frame()
    runs = kept.with_row_index().group_by("book").agg(pl.col("index").min(), pl.len())
    known = {key: (start, size) for key, start, size in runs.iter_rows()}
    tables: list[pl.DataFrame] = []
    rows: list[int] = []
    fresh = False
    for book in texts["book"].unique(maintain_order=True):
        key = cache.key([book], about) if cache is not None else book
        of_book = texts.filter(book=book)
        if key in known:
            table = kept.slice(*known[key])
        else:
            fresh = True
            table = _book_terms(of_book["passage"], options)
            table = table.select(pl.lit(key).alias("book"), *table.columns)
        tables.append(table)
        rows.append(start)
        start += of_book.height
    found = pl.concat(tables)
    if cache is not None and (fresh or found.height < kept.height):
        cache.write(KIND, names[domain], found)
    offset = np.repeat(np.array(rows), [table.height for table in tables])
    return found.select(
        (pl.col("row") + pl.Series(offset, dtype=pl.UInt32)).cast(pl.UInt32),
        "term",
        "name",
        "weight",
    )


def _book_terms(texts: pl.Series, options: LexicalOptions) -> pl.DataFrame:
    """The terms of one book.

    Weight is (1 + log count) · idf^`idf_power`. The words of a row are scaled to length 1
    and cut to the heaviest `features`. Stop words, words of fewer than three letters, and
    words too common in the book do not count; plurals count as their singular.
    """
    rows, words, vocabulary = _words(texts)
    size = len(vocabulary)
    together = (words[:-1] >= 0) & (words[1:] >= 0) & (rows[:-1] == rows[1:])
    first, second = words[:-1][together], words[1:][together]
    real = words >= 0
    counted = (
        pl.DataFrame(
            {
                "row": np.concatenate([rows[real], rows[:-1][together]]),
                # Numbers of words lie below those of pairs.
                "key": np.concatenate([words[real], (first + 1) * np.int64(size) + second]),
            }
        )
        .group_by("row", "key")
        .len("count")
    )
    frequency = pl.len().over("key")
    allowed = max(options.min_allowed, options.max_share * len(texts))
    idf = ((1.0 + len(texts)) / (1.0 + pl.col("frequency"))).log() + 1.0
    share = pl.when(pl.col("key") < size).then(1.0).otherwise(options.pair_weight)
    weighed = (
        counted.with_columns(frequency=frequency)
        .filter(pl.col("frequency") <= allowed)
        .with_columns(
            weight=(1.0 + pl.col("count").log()) * idf.pow(options.idf_power) * share,
            single=pl.col("key") < size,
        )
        .sort("row", "weight", "key", descending=[False, True, False])
    )
    length = pl.when("single").then(pl.col("weight") ** 2).otherwise(0.0).sum().over("row").sqrt()
    weighed = weighed.with_columns(
        weight=pl.col("weight") / pl.max_horizontal(length, pl.lit(1e-9)),
        place=pl.col("single").cum_sum().over("row"),
    ).filter(~pl.col("single") | (pl.col("place") <= options.features))
    key = weighed["key"].to_numpy()
    single = key < size
    second = vocabulary[np.where(single, key, key % max(size, 1))]
    first = vocabulary[np.where(single, key, key // max(size, 1) - 1)]
    columns = {
        name: pl.select(
            pl.when(pl.Series(single))
            .then(second[name])
            .otherwise(first[name] + " " + second[name])
        ).to_series()
        for name in ("term", "name")
    }
    return pl.DataFrame({"row": weighed["row"], **columns, "weight": weighed["weight"]}).cast(
        {"row": pl.UInt32, "weight": pl.Float32}
    )


def _words(texts: pl.Series) -> tuple[np.ndarray, np.ndarray, pl.DataFrame]:
    """Row and word number of every word in order (-1 for stop words), and the words.

    The words have the columns `term` and `name`.
    """
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
        shown.select("name", term="stem"),
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
