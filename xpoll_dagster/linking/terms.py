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

BOOKS_SCHEMA = pl.Schema(
    {
        "book": pl.String,  # address of the book's content
        "row": pl.Binary,  # uint32: of the passage in its book
        "term": pl.Binary,  # uint64: hash of the term; ascending for each row
        "weight": pl.Binary,  # float32
        "names": pl.List(pl.String),  # the book's terms as it mostly writes them …
        "named": pl.Binary,  # uint64: … and their hashes
    }
)


@dataclass(frozen=True, slots=True)
class BookTerms:
    """The weighted terms of one book as parallel arrays, and the names of its terms."""

    row: np.ndarray
    term: np.ndarray
    weight: np.ndarray
    named: np.ndarray
    names: pl.Series


@dataclass(frozen=True, slots=True)
class Terms:
    """`weights[i]` are passage i's words and word pairs.

    `columns` are the hashes of the terms in ascending order, `books[d]` the terms of the
    books of domain d.
    """

    weights: SparseRows
    columns: pl.Series
    books: tuple[list[BookTerms], ...]

    def names(self, domain: int) -> pl.Series:
        """Each column as the first book of a domain that has it writes it; else empty."""
        books = self.books[domain]
        named = pl.DataFrame(
            {
                "term": np.concatenate([book.named for book in books]),
                "name": pl.concat([book.names for book in books]),
            }
        ).unique("term", keep="first", maintain_order=True)
        columns = pl.DataFrame({"term": self.columns})
        joined = columns.join(named, on="term", how="left", maintain_order="left")
        return joined["name"].fill_null("")


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

    files = [] if cache is None else [cache.key([], about, domain) for domain in passages.domains]
    books = tuple(
        _domain_terms(passages, domain, options, cache, about, files)
        for domain in range(len(passages.domains))
    )
    if cache is not None:
        cache.keep_only(KIND, files)
    # Columns in an order of their own: the sums of a product, to the last bit, then do not
    # depend on what other words the library holds.
    of_domains = [
        pl.DataFrame({"term": np.concatenate([book.named for book in held])}).unique()
        for held in books
    ]
    columns = (
        pl.concat([pl.DataFrame(schema={"term": pl.UInt64}), *of_domains])
        .group_by("term")
        .len()
        .filter(pl.col("len") > 1)
        .select(pl.col("term").sort())
        .with_row_index("column")
    )
    every = [book for of_domain in books for book in of_domain]
    held = pl.DataFrame(
        {
            "row": _rows(passages, books),
            "term": np.concatenate([np.zeros(0, np.uint64), *(book.term for book in every)]),
            "weight": np.concatenate([np.zeros(0, np.float32), *(book.weight for book in every)]),
        },
        schema={"row": pl.UInt32, "term": pl.UInt64, "weight": pl.Float32},
    ).join(columns, on="term", how="inner", maintain_order="left")
    counts = np.bincount(held["row"].to_numpy(), minlength=len(passages))
    entries = (
        held["weight"].to_numpy(),
        held["column"].to_numpy().astype(np.int32),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
    )
    shape = (len(passages), columns.height)
    return Terms(csr_matrix(entries, shape=shape), columns["term"], books)


def _rows(passages: Passages, books: tuple[list[BookTerms], ...]) -> np.ndarray:
    """The row of every entry of all books, counted over the whole library."""
    sizes = passages.frame["book"].rle().struct.field("len").to_numpy()
    starts = np.cumsum(sizes) - sizes
    held = [book.row for of_domain in books for book in of_domain]
    offset = np.repeat(starts, [len(rows) for rows in held])
    return (np.concatenate([np.zeros(0, np.uint32), *held]) + offset).astype(np.uint32)


def _domain_terms(
    passages: Passages,
    domain: int,
    options: LexicalOptions,
    cache: LinkCache | None,
    about: str,
    files: list[str],
) -> list[BookTerms]:
    """The terms of each book of a domain, in the order of its rows."""
    texts = passages.frame[passages.rows(domain)]
    kept = cache.read(KIND, files[domain]) if cache is not None else None
    if kept is None or kept.schema != BOOKS_SCHEMA:
        kept = BOOKS_SCHEMA.to_frame()
    places = {key: place for place, key in enumerate(kept["book"])}
    found: dict[str, BookTerms] = {}
    fresh = False
    for book, passages_of_book in texts.group_by("book", maintain_order=True):
        key = cache.key([str(book[0])], about) if cache is not None else str(book[0])
        known = _unpack(kept, places[key]) if key in places else None
        fresh = fresh or known is None
        found[key] = known or _book_terms(passages_of_book["passage"], options)
    if cache is not None and (fresh or len(found) < kept.height):
        cache.write(KIND, files[domain], _pack(found))
    return list(found.values())


def _pack(found: dict[str, BookTerms]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "book": list(found),
            "row": [terms.row.tobytes() for terms in found.values()],
            "term": [terms.term.tobytes() for terms in found.values()],
            "weight": [terms.weight.tobytes() for terms in found.values()],
            "names": pl.concat([terms.names.implode() for terms in found.values()]),
            "named": [terms.named.tobytes() for terms in found.values()],
        },
        schema=BOOKS_SCHEMA,
    )


def _unpack(kept: pl.DataFrame, place: int) -> BookTerms | None:
    """The terms of a book as they were kept; None where their lengths disagree."""
    row, term, weight, named = (kept[name][place] for name in ("row", "term", "weight", "named"))
    names = kept["names"][place]
    if not len(row) == len(weight) == len(term) / 2 or len(named) != 8 * len(names):
        return None
    return BookTerms(
        np.frombuffer(row, np.uint32),
        np.frombuffer(term, np.uint64),
        np.frombuffer(weight, np.float32),
        np.frombuffer(named, np.uint64),
        names,
    )


def _book_terms(texts: pl.Series, options: LexicalOptions) -> BookTerms:
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
    )
    # Only words are cut and measured; pairs of words, the most of the terms, are not sorted.
    singles = weighed.filter("single").sort("row", "weight", "key", descending=[False, True, False])
    row, weight = singles["row"].to_numpy(), singles["weight"].to_numpy()
    length = np.sqrt(np.bincount(row, weights=weight**2, minlength=len(texts)))
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = singles.filter(pl.Series(place < options.features))
    weighed = pl.concat([kept, weighed.filter(~pl.col("single"))])
    scale = pl.Series(1.0 / np.maximum(length, 1e-9)).gather(weighed["row"])
    weighed = weighed.with_columns(weight=pl.col("weight") * scale)
    keys = weighed["key"].unique().sort()
    key = keys.to_numpy()
    single = pl.Series(key < size)
    # A pair's number is made of those of its words; a word's stands for itself.
    second = vocabulary[key % max(size, 1)]
    first = vocabulary[np.maximum(key // max(size, 1) - 1, 0)]
    term, name = (
        pl.select(
            pl.when(single).then(second[column]).otherwise(first[column] + " " + second[column])
        ).to_series()
        for column in ("term", "name")
    )
    named = term.hash()
    weighed = weighed.with_columns(term=named.gather(keys.search_sorted(weighed["key"]))).sort(
        "row", "term"
    )
    return BookTerms(
        weighed["row"].to_numpy().astype(np.uint32),
        weighed["term"].to_numpy(),
        weighed["weight"].to_numpy().astype(np.float32),
        named.to_numpy(),
        name.alias("names"),
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
