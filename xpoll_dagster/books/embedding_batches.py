"""Chunks of many books to vectors, in batches that run wherever the compute runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import polars as pl

from xpoll_dagster.books.embedding import EmbedderError, embed_chunks, load_embedder
from xpoll_dagster.books.embedding_options import EmbedderOptions
from xpoll_dagster.compute.protocol import Compute, Task

_PORTION = 512  # as in `embed_chunks`, whose portions these are
_COLUMNS = ("chunk_id", "passage", "text")


def embed_books(
    books: Iterable[tuple[str, pl.DataFrame]],
    compute: Compute,
    options: EmbedderOptions | None = None,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """One vector per chunk, book by book, as `embed_chunks` makes them in one process.

    The very portions that `embed_chunks` would encode are encoded, so on processors of one
    kind the vectors are the same to the bit. Books are taken as there is room for them; a
    book is given as soon as all of it is there.

    Args:
        books: Names and chunks (`chunk_id`, `passage`, `text`).
        compute: Where.
        options: The embedder; the defaults if None.

    Yields:
        Name and frame (`embeddings_schema`), rows in the order of the chunks; a small book may
        come before a large one that was given earlier.

    Raises:
        EmbedderError: Nodes of several kinds made vectors that must not be mixed.
        BatchError: A portion failed as often as it was tried.
        ComputeError: The cluster is gone.
    """
    options = options or EmbedderOptions()
    planned = _Portions(books)
    for place, vectors in compute.map_batches(
        planned.batches(), partial(_embedder, options), model=True
    ):
        finished = planned.arrived(place, vectors)
        if finished is not None:
            yield finished
        yield from planned.without_chunks(partial(_embedder, options))
    yield from planned.without_chunks(partial(_embedder, options))


class _Portions:
    """Which portion belongs where, and what of each book is still under way."""

    def __init__(self, books: Iterable[tuple[str, pl.DataFrame]]) -> None:
        self._books = books
        self._places: list[tuple[int, np.ndarray]] = []
        self._names: list[str] = []
        self._waiting: dict[int, int] = {}
        self._parts: dict[int, list[tuple[np.ndarray, pl.DataFrame]]] = {}
        self._empty: list[tuple[str, pl.DataFrame]] = []
        self._model: tuple[str, str] | None = None

    def batches(self) -> Iterator[pl.DataFrame]:
        """The portions of all books, as chunks."""
        for book, (name, whole) in enumerate(self._books):
            chunks = whole.select(_COLUMNS)
            self._names.append(name)
            if chunks.is_empty():
                self._empty.append((name, chunks))
                continue
            rows = _portions(chunks)
            self._waiting[book] = len(rows)
            self._parts[book] = []
            for portion in rows:
                self._places.append((book, portion))
                yield chunks[portion]

    def arrived(self, place: int, vectors: pl.DataFrame) -> tuple[str, pl.DataFrame] | None:
        """Take a portion; the book, if that was the last one."""
        book, rows = self._places[place]
        model = vectors.row(0)[2:]
        if self._model is None:
            self._model = model
        elif model != self._model:
            raise EmbedderError(
                f"One node embeds with {self._model[0]} and another with {model[0]}: set the "
                "embedder's precision and device, so that all do the same."
            )
        self._parts[book].append((rows, vectors))
        self._waiting[book] -= 1
        if self._waiting[book]:
            return None
        parts = self._parts.pop(book)
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        return self._names[book], pl.concat([part for _, part in parts])[order]

    def without_chunks(self, factory: partial[Task]) -> Iterator[tuple[str, pl.DataFrame]]:
        """The books that have no chunks."""
        while self._empty:
            name, chunks = self._empty.pop()
            yield name, factory()(chunks)


def _portions(chunks: pl.DataFrame) -> list[np.ndarray]:
    """Rows of each portion, ascending; of one portion `embed_chunks` makes the same order."""
    passage = pl.col("passage").fill_null("").str.strip_chars()
    texts = chunks.select(
        pl.when(passage == "").then(pl.col("text").str.strip_chars()).otherwise(passage)
    ).to_series()
    order = np.argsort(texts.str.len_bytes().to_numpy(), kind="stable")[::-1]
    return [np.sort(order[low : low + _PORTION]) for low in range(0, len(order), _PORTION)]


def _embedder(options: EmbedderOptions) -> Task:
    embedder = load_embedder(options)
    return lambda chunks: embed_chunks(chunks, embedder)
