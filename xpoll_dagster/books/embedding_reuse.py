"""Vectors of chunks that have not changed: taken from the book's last ones, not made again."""

from __future__ import annotations

import hashlib
from typing import Protocol

import polars as pl

from xpoll_dagster.books.embedding import embedded_texts

TEXTS_SCHEMA = pl.Schema({"chunk_id": pl.String, "text_sha256": pl.String})


class Maker(Protocol):
    """What makes vectors: an embedder, or one that works elsewhere."""

    @property
    def model(self) -> str:
        """Name and precision."""
        ...

    @property
    def sha256(self) -> str:
        """Of the weights."""
        ...


def embedded_text_hashes(chunks: pl.DataFrame) -> pl.DataFrame:
    """What of each chunk is embedded, as a hash (`TEXTS_SCHEMA`).

    A chunk's id covers its text but not its passage, which cleaning may choose differently.
    """
    hashes = [hashlib.sha256(text.encode("utf-8")).hexdigest() for text in embedded_texts(chunks)]
    return pl.DataFrame(
        {"chunk_id": chunks["chunk_id"], "text_sha256": hashes}, schema=TEXTS_SCHEMA
    )


def known_vectors(
    chunks: pl.DataFrame,
    vectors: pl.DataFrame | None,
    texts: pl.DataFrame | None,
    maker: Maker,
) -> pl.DataFrame | None:
    """Those of a book's last vectors that are still right, or None where none is.

    Args:
        chunks: The book's chunks now.
        vectors: Its last vectors (`embeddings_schema`), if any.
        texts: What they were made from (`embedded_text_hashes`), if that is known.
        maker: What would make new ones; vectors of another model or weights are of no use.
    """
    if vectors is None or texts is None:
        return None
    same = embedded_text_hashes(chunks).join(texts, on=["chunk_id", "text_sha256"], how="semi")
    known = vectors.filter(
        pl.col("model") == maker.model, pl.col("model_sha256") == maker.sha256
    ).join(same, on="chunk_id", how="semi")
    return None if known.is_empty() else known


def chunks_left(chunks: pl.DataFrame, known: pl.DataFrame | None) -> pl.DataFrame:
    """The chunks whose vectors are not `known`, in their order.

    Raises:
        ValueError: A chunk's id stands twice, so that its vector could be another's.
    """
    if known is None:
        return chunks
    if chunks["chunk_id"].is_duplicated().any():
        raise ValueError("a chunk's id stands twice in the book")
    return chunks.join(known, on="chunk_id", how="anti", maintain_order="left")


def with_known(
    chunks: pl.DataFrame, known: pl.DataFrame | None, made: pl.DataFrame
) -> pl.DataFrame:
    """The vectors of all chunks, in their order: the known ones and those `made` of the rest."""
    if known is None:
        return made
    return chunks.select("chunk_id").join(
        pl.concat([known, made]), on="chunk_id", how="left", maintain_order="left"
    )
