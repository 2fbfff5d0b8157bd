"""Vectors of chunks that have not changed: taken from the book's last ones, not made again."""

from __future__ import annotations

import hashlib

import polars as pl

from xpoll_dagster.books.embedding import Embedder, Progress, embed_chunks, embedded_texts

TEXTS_SCHEMA = pl.Schema({"chunk_id": pl.String, "text_sha256": pl.String})


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
    embedder: Embedder,
) -> pl.DataFrame | None:
    """Those of a book's last vectors that are still right, or None where none is.

    Args:
        chunks: The book's chunks now.
        vectors: Its last vectors (`embeddings_schema`), if any.
        texts: What they were made from (`embedded_text_hashes`), if that is known.
        embedder: Who would make new ones; vectors of another model or weights are of no use.
    """
    if vectors is None or texts is None:
        return None
    same = embedded_text_hashes(chunks).join(texts, on=["chunk_id", "text_sha256"], how="semi")
    known = vectors.filter(
        pl.col("model") == embedder.model, pl.col("model_sha256") == embedder.sha256
    ).join(same, on="chunk_id", how="semi")
    return None if known.is_empty() else known


def embed_changed(
    chunks: pl.DataFrame,
    known: pl.DataFrame | None,
    embedder: Embedder,
    progress: Progress | None = None,
) -> tuple[pl.DataFrame, int]:
    """As `embed_chunks`, but only for chunks whose vector is not `known`; how many those were.

    Raises:
        ValueError: A chunk's id stands twice, so that its vector could be another's.
    """
    if known is None:
        return embed_chunks(chunks, embedder, progress), chunks.height
    if chunks["chunk_id"].is_duplicated().any():
        raise ValueError("a chunk's id stands twice in the book")
    left = chunks.join(known, on="chunk_id", how="anti", maintain_order="left")
    made = embed_chunks(left, embedder, progress)
    vectors = chunks.select("chunk_id").join(
        pl.concat([known, made]), on="chunk_id", how="left", maintain_order="left"
    )
    return vectors, made.height
