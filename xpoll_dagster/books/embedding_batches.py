"""Chunks of many books to vectors, in batches that run wherever the compute runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl

from xpoll_dagster.books.embedding import (
    EmbedderError,
    embed_chunks,
    embedded_texts,
    load_embedder,
)
from xpoll_dagster.books.embedding_options import EmbedderOptions
from xpoll_dagster.compute.protocol import BatchError, Compute, Task

_PORTION = 512  # as in `embed_chunks`, whose portions these are
_COLUMNS = ("chunk_id", "passage", "text")


class EmbedderName(NamedTuple):
    """Which embedder it is, wherever it is."""

    model: str
    sha256: str


def embedder_on(compute: Compute, options: EmbedderOptions | None = None) -> EmbedderName:
    """The embedder that works on a compute, found out by one short text.

    Its precision may differ from that of this machine's.

    Raises:
        BatchError: It cannot be loaded.
        ComputeError: The cluster is gone.
    """
    columns = {name: ["Who are you?"] for name in _COLUMNS}
    [(_, found)] = embed_books([("", pl.DataFrame(columns))], compute, options)
    return EmbedderName(*found.row(0)[2:])


def embed_books(
    books: Iterable[tuple[str, pl.DataFrame]],
    compute: Compute,
    options: EmbedderOptions | None = None,
    *,
    on_failure: Callable[[str, BatchError], None] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """One vector per chunk, book by book, as `embed_chunks` makes them in one process.

    The very portions that `embed_chunks` would encode are encoded, so on processors of one
    kind the vectors are the same to the bit. Books are taken as there is room for them; a
    book is given as soon as all of it is there.

    Args:
        books: Names and chunks (`chunk_id`, `passage`, `text`).
        compute: Where.
        options: The embedder; the defaults if None.
        on_failure: Told once of a book of which a portion failed, while the others go on;
            without it the first failure ends the work.
        progress: Called after every portion with the book's name, its chunks done and its
            chunks in all.

    Yields:
        Name and frame (`embeddings_schema`), rows in the order of the chunks; a small book may
        come before a large one that was given earlier.

    Raises:
        EmbedderError: Nodes of several kinds made vectors that must not be mixed.
        BatchError: A portion failed as often as it was tried, and there is no `on_failure`.
        ComputeError: The cluster is gone.
    """
    options = options or EmbedderOptions()
    planned = _Portions(books, progress)

    def failed(error: BatchError) -> None:
        name = planned.failed(error.place)
        if name is not None and on_failure is not None:
            on_failure(name, error)

    for place, vectors in compute.map_batches(
        planned.batches(),
        partial(_embedder, options),
        model=True,
        on_failure=failed if on_failure else None,
    ):
        finished = planned.arrived(place, vectors)
        if finished is not None:
            yield finished
        yield from planned.without_chunks(partial(_embedder, options))
    yield from planned.without_chunks(partial(_embedder, options))


class _Portions:
    """Which portion belongs where, and what of each book is still under way."""

    def __init__(
        self,
        books: Iterable[tuple[str, pl.DataFrame]],
        progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self._books = books
        self._progress = progress
        self._places: list[tuple[int, np.ndarray]] = []
        self._names: list[str] = []
        self._heights: list[int] = []
        self._parts: dict[int, list[tuple[np.ndarray, pl.DataFrame]]] = {}  # of unfinished books
        self._empty: list[tuple[str, pl.DataFrame]] = []
        self._model: tuple[str, str] | None = None

    def batches(self) -> Iterator[pl.DataFrame]:
        """The portions of all books, as chunks."""
        for book, (name, whole) in enumerate(self._books):
            chunks = whole.select(_COLUMNS)
            self._names.append(name)
            self._heights.append(chunks.height)
            if chunks.is_empty():
                self._empty.append((name, chunks))
                continue
            self._parts[book] = []
            for portion in _portions(chunks):
                if book not in self._parts:
                    break  # a portion of it has failed
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
        parts = self._parts.get(book)
        if parts is None:
            return None
        parts.append((rows, vectors))
        name, height = self._names[book], self._heights[book]
        done = sum(len(rows) for rows, _ in parts)
        if self._progress is not None:
            self._progress(name, done, height)
        if done < height:
            return None
        del self._parts[book]
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        return name, pl.concat([part for _, part in parts])[order]

    def failed(self, place: int) -> str | None:
        """Give up the book that a portion belongs to; its name, unless it was given up before."""
        book, _ = self._places[place]
        return None if self._parts.pop(book, None) is None else self._names[book]

    def without_chunks(self, factory: partial[Task]) -> Iterator[tuple[str, pl.DataFrame]]:
        """The books that have no chunks."""
        while self._empty:
            name, chunks = self._empty.pop()
            yield name, factory()(chunks)


def _portions(chunks: pl.DataFrame) -> list[np.ndarray]:
    """Rows of each portion, ascending; of one portion `embed_chunks` makes the same order."""
    order = np.argsort(embedded_texts(chunks).str.len_bytes().to_numpy(), kind="stable")[::-1]
    return [np.sort(order[low : low + _PORTION]) for low in range(0, len(order), _PORTION)]


def _embedder(options: EmbedderOptions) -> Task:
    embedder = load_embedder(options)
    return lambda chunks: embed_chunks(chunks, embedder)
