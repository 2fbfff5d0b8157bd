"""The books that are linked: their tables, and of each book the passages that take part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import PieceCache, pack_texts, unpack_texts
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.passages import Passages, eligible_passages
from xpoll_dagster.linking.vectors import unit_length
from xpoll_dagster.storage import fingerprint

Table = Literal["chunks", "chunk_embeddings", "chunk_concepts"]

CODE = 1
"""Raised by hand when the same tables would give other pieces."""


@dataclass(frozen=True, slots=True)
class BookTables:
    """Where the tables of one book come from, and the content hash of each."""

    key: str
    read: Callable[[Table], pl.DataFrame]
    hashes: Mapping[Table, str] = field(default_factory=dict)

    def made_of(self, *tables: Table) -> str:
        """What the given tables hold, in one short text."""
        return fingerprint([self.key, *(self.hashes.get(table, "") for table in tables)])


@dataclass(frozen=True, slots=True)
class LinkedBook:
    """The passages of a book.

    `book` and `domain` are what its chunks say; `ids` are in the order of the book, `rows` their
    places among its chunks.
    """

    tables: BookTables
    book: str
    domain: str
    ids: pl.Series
    rows: np.ndarray
    cache: PieceCache

    @property
    def key(self) -> str:
        """The book's key."""
        return self.tables.key

    def passages(self) -> pl.Series:
        """The texts, read anew."""
        return self.tables.read("chunks")["passage"].gather(self.rows)

    def vectors(self) -> np.ndarray:
        """The passages' vectors, of length 1, float32, [n, d].

        Raises:
            ValueError: A passage has no vector, or one that is not finite.
        """
        made_of = self.tables.made_of("chunks", "chunk_embeddings")
        key = fingerprint([CODE, made_of, self.rows.tolist()])
        return self.cache.arrays("vectors", self.key, key, self._read_vectors)["vectors"]

    def _read_vectors(self) -> Mapping[str, np.ndarray]:
        table = self.tables.read("chunk_embeddings").select("chunk_id", "embedding")
        mine = pl.DataFrame({"chunk_id": self.ids})
        joined = mine.join(table, on="chunk_id", how="left", maintain_order="left")["embedding"]
        if joined.has_nulls():
            raise ValueError(f"Some chunks of {self.key} have no vector.")
        return {"vectors": unit_length(joined.to_numpy().astype(np.float32))}


@dataclass(frozen=True, slots=True)
class LinkedDomain:
    """The books of one domain that have passages, in the order of their keys."""

    name: str
    books: tuple[LinkedBook, ...]

    @property
    def ids(self) -> pl.Series:
        """The `chunk_id` of every passage, book after book."""
        return pl.concat([book.ids for book in self.books], rechunk=True)

    @property
    def starts(self) -> np.ndarray:
        """First passage of each book, and the number of passages."""
        return np.cumsum([0, *(len(book.ids) for book in self.books)])

    def vectors(self) -> np.ndarray:
        """The vectors of all passages, book after book."""
        return np.concatenate([book.vectors() for book in self.books])

    def made_of(self, *tables: Table) -> list[str]:
        """What each book is made of."""
        return [book.tables.made_of(*tables) for book in self.books]


def open_library(
    books: Sequence[BookTables], options: LinkingOptions, cache: PieceCache | None = None
) -> list[LinkedDomain]:
    """Find the passages of every book, in an order that does not depend on that of `books`.

    Args:
        books: The books.
        options: `kinds` and `min_words`.
        cache: Where the passages of books that have not changed are remembered.

    Returns:
        The domains by name; books without passages are left out.

    Raises:
        ValueError: Two chunks share an id.
    """
    opened = [_open(book, options, cache or PieceCache()) for book in books]
    ids = [name for book in opened for name in book.ids]
    if len(set(ids)) != len(ids):
        raise ValueError("Two chunks share an id, so links could not say which they mean.")
    domains: dict[str, list[LinkedBook]] = {}
    for book in sorted(opened, key=lambda book: book.key):
        if len(book.ids):
            domains.setdefault(book.domain, []).append(book)
    return [LinkedDomain(name, tuple(domains[name])) for name in sorted(domains)]


def _open(book: BookTables, options: LinkingOptions, cache: PieceCache) -> LinkedBook:
    def find() -> Mapping[str, np.ndarray]:
        chunks = book.read("chunks")
        passages: Passages = eligible_passages(chunks, options)
        named = chunks.select("book", "domain").head(1).rows() or [("", "")]
        return {
            "rows": passages.source,
            "ids": pack_texts(passages.ids.to_list()),
            "named": pack_texts(named[0]),
        }

    key = fingerprint([CODE, book.made_of("chunks"), options.min_words, options.kinds])
    found = cache.arrays("passages", book.key, key, find)
    ids = pl.Series(unpack_texts(found["ids"], len(found["rows"])), dtype=pl.String)
    name, domain = unpack_texts(found["named"], 2)
    return LinkedBook(book, name, domain, ids, found["rows"], cache)


def split_books(
    chunks: pl.DataFrame, embeddings: np.ndarray | None, concepts: pl.DataFrame | None
) -> list[BookTables]:
    """The books of tables in memory.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA` of any books.
        embeddings: One vector per row of `chunks`, where they are needed.
        concepts: Rows of `CONCEPTS_SCHEMA`, where they are needed.

    Raises:
        ValueError: The vectors are not one per chunk, or a book lies in two domains.
    """
    if chunks["chunk_id"].n_unique() != chunks.height:
        raise ValueError("Two chunks share an id, so links could not say which they mean.")
    if embeddings is not None and (embeddings.ndim != 2 or len(embeddings) != chunks.height):
        raise ValueError(
            f"There are {chunks.height} chunks but vectors of shape {embeddings.shape}."
        )
    books = []
    for (name, domain), mine in chunks.with_row_index("at").group_by("book", "domain"):
        rows = mine["at"].to_numpy()
        tables: dict[Table, pl.DataFrame] = {"chunks": mine.drop("at")}
        if embeddings is not None:
            tables["chunk_embeddings"] = pl.DataFrame(
                {"chunk_id": mine["chunk_id"], "embedding": embeddings[rows]}
            )
        if concepts is not None:
            tables["chunk_concepts"] = concepts.join(mine, on="chunk_id", how="semi")
        books.append(BookTables(f"{domain}--{name}", tables.__getitem__))
    return books
