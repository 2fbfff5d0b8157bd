"""The books of a run as one stream of batches to the embedder, wherever that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import dagster as dg
import polars as pl

from xpoll_dagster.books.embedding_batches import EmbedderName, embed_books, embedder_on
from xpoll_dagster.books.embedding_reuse import (
    chunks_left,
    embedded_text_hashes,
    known_vectors,
    with_known,
)
from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.compute.protocol import Compute
from xpoll_dagster.defs.materialization import Built, is_forced
from xpoll_dagster.defs.progress import told_by_tenths
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.several_partitions import BuildMany


def embedding(context: dg.AssetExecutionContext, project: Project) -> BuildMany:
    """Builds `chunk_embeddings` of the partitions that it is given; reports as it goes.

    Of a book that has changed only those chunks are embedded that it did not have before.
    """

    def build(keys: Iterator[str]) -> Iterator[tuple[str, Built | Exception]]:
        first = next(keys, None)
        if first is None:
            return  # nothing to do, so no cluster is asked for
        with open_compute(project.settings.compute_options) as compute:
            yield from _Stream(context, project, compute).embed(chain([first], keys))

    return build


@dataclass(slots=True)
class _Stream:
    context: dg.AssetExecutionContext
    project: Project
    compute: Compute
    _books: dict[str, tuple[pl.DataFrame, pl.DataFrame | None]] = field(default_factory=dict)
    _ready: list[tuple[str, Built | Exception]] = field(default_factory=list)
    _reports: dict[str, Callable[[int, int], None]] = field(default_factory=dict)
    _name: EmbedderName | None = None

    def embed(self, keys: Iterator[str]) -> Iterator[tuple[str, Built | Exception]]:
        for key, made in embed_books(
            self._to_embed(keys),
            self.compute,
            self.project.settings.embedder,
            on_failure=lambda key, error: self._ready.append((key, error)),
            progress=lambda key, done, total: self._reports[key](done, total),
        ):
            yield key, self._built(key, made)
            while self._ready:
                yield self._ready.pop()
        yield from self._ready

    def _to_embed(self, keys: Iterator[str]) -> Iterator[tuple[str, pl.DataFrame]]:
        """The chunks of each book whose vectors are not known."""
        for key in keys:
            try:
                chunks = self.project.store.read("chunks", key)
                known = self._known(key, chunks)
                left = chunks_left(chunks, known)
            except Exception as error:  # noqa: BLE001 - of this book alone
                self._ready.append((key, error))
                continue
            self._books[key] = (chunks, known)
            if known is not None and left.is_empty():
                self._ready.append((key, self._built(key, known.clear())))
                continue
            self._reports[key] = told_by_tenths(self.context, f"chunks of {key} embedded")
            yield key, left

    def _known(self, key: str, chunks: pl.DataFrame) -> pl.DataFrame | None:
        store = self.project.store
        if is_forced(self.context) or store.get("chunk_embeddings", key) is None:
            return None
        before = store.read("chunk_embeddings", key)
        texts = store.read_beside("chunk_embeddings", key, "texts")
        return known_vectors(chunks, before, texts, self._embedder())

    def _built(self, key: str, made: pl.DataFrame) -> Built:
        chunks, known = self._books.pop(key)
        vectors = with_known(chunks, known, made)
        model = vectors["model"].first() or self._embedder().model
        return Built(
            vectors,
            {"n_vectors": vectors.height, "n_embedded": made.height, "model": model},
            beside={"texts": embedded_text_hashes(chunks)},
        )

    def _embedder(self) -> EmbedderName:
        if self._name is None:
            self._name = embedder_on(self.compute, self.project.settings.embedder)
        return self._name
