"""The passages that take part in linking, in an order in which each domain is one run of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.linking.options import LinkingOptions

# A pattern that repeats more words grows too large.
MOST_REPEATED = 200


@dataclass(frozen=True, slots=True)
class Shelf:
    """Some books of one domain: the rows `start` to `stop` of the passages."""

    start: int
    stop: int
    books: tuple[str, ...]

    @property
    def rows(self) -> slice:
        """The rows of the shelf."""
        return slice(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class Passages:
    """Passages sorted by domain, shelf, book and place.

    `frame` has the columns of the chunks; `source` gives for each of its rows the row
    in the chunks handed in, so that vectors can be taken along. `starts` has one entry
    more than there are domains: domain i is the rows starts[i] to starts[i + 1].
    `shelves[i]` are the shelves of domain i: passages are compared shelf by shelf, so that
    a book that changes leaves the comparisons of all other shelves as they are. `place` is
    each row's place in the order of the ids.
    """

    frame: pl.DataFrame
    source: np.ndarray
    domains: tuple[str, ...]
    starts: tuple[int, ...]
    shelves: tuple[tuple[Shelf, ...], ...]
    place: np.ndarray

    @property
    def ids(self) -> pl.Series:
        """The `chunk_id` of every row."""
        return self.frame["chunk_id"]

    def __len__(self) -> int:
        """Number of passages."""
        return self.frame.height

    def rows(self, domain: int) -> slice:
        """The rows of one domain."""
        return slice(self.starts[domain], self.starts[domain + 1])

    def books(self, domain: int) -> tuple[str, ...]:
        """The books of one domain, in the order of their rows."""
        return tuple(book for shelf in self.shelves[domain] for book in shelf.books)

    def domain_pairs(self) -> Iterator[tuple[int, int]]:
        """Every pair of different domains, the first sorting first."""
        count = len(self.domains)
        return ((a, b) for a in range(count) for b in range(a + 1, count))


def shelf_number(book: str, shelves: int) -> int:
    """The shelf of a book: drawn from its name alone, so that no other book can move it."""
    digest = hashlib.sha256(book.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shelves


def eligible_passages(chunks: pl.DataFrame, options: LinkingOptions) -> Passages:
    """The chunks that can be linked: of the wanted kinds, with enough words.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`, in any order.
        options: `kinds` and `min_words` decide; `shelves` sets the order of books.

    Returns:
        The passages, in an order that does not depend on the order of `chunks`.

    Raises:
        ValueError: Two chunks share an id.
    """
    if chunks["chunk_id"].n_unique() != chunks.height:
        raise ValueError("Two chunks share an id, so links could not say which they mean.")
    books = chunks["book"].unique().sort()
    numbers = [shelf_number(book, options.shelves) for book in books]
    numbered = pl.DataFrame({"book": books, "shelf": pl.Series(numbers, dtype=pl.Int64)})
    frame = (
        chunks.with_row_index("source")
        .filter(pl.col("kind").is_in(options.kinds) & _enough_words(options.min_words))
        .join(numbered, on="book", how="left")
        .sort("domain", "shelf", "book", "ordinal", "chunk_id")
    )
    runs = (
        frame.with_row_index("row")
        .group_by("domain", "shelf", maintain_order=True)
        .agg(pl.col("row").first(), pl.len(), pl.col("book").unique(maintain_order=True))
    )
    shelves: dict[str, list[Shelf]] = {}
    for domain, _, row, size, held in runs.iter_rows():
        shelves.setdefault(domain, []).append(Shelf(row, row + size, tuple(held)))
    starts = [0, *(of_domain[-1].stop for of_domain in shelves.values())]
    return Passages(
        frame.drop("source", "shelf"),
        frame["source"].to_numpy().astype(np.int64),
        tuple(shelves),
        tuple(starts),
        tuple(tuple(of_domain) for of_domain in shelves.values()),
        np.argsort(frame["chunk_id"].arg_sort().to_numpy()),
    )


def _enough_words(least: int) -> pl.Expr:
    """Whether a passage has so many words; it is read no further than it takes to say."""
    passage = pl.col("passage").fill_null("")
    if least > MOST_REPEATED:
        return passage.str.count_matches(r"\S+") >= least
    return passage.str.contains(rf"^\s*(?:\S+\s+){{{least - 1}}}\S")
