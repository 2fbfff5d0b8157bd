"""Texts to rows of the dataset: each with its books, chunks, pages, licences and signals."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from xpoll_dagster.writing.model import MESSAGE_STRUCT, BookInfo

PAGES_STRUCT = pl.Struct(
    {
        "chunk_id": pl.String,
        "book": pl.String,
        "page_start": pl.Int64,
        "page_end": pl.Int64,
        "section": pl.List(pl.String),
    }
)

ROWS_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "format": pl.String,  # expository | qa | dialogue
        "cross_domain": pl.Boolean,
        "text": pl.String,
        "messages": pl.List(MESSAGE_STRUCT),
        "instruction": pl.String,
        "response": pl.String,
        "domains": pl.List(pl.String),
        "books": pl.List(pl.String),
        "titles": pl.List(pl.String),
        "chunk_ids": pl.List(pl.String),
        "pages": pl.List(PAGES_STRUCT),
        "licenses": pl.List(pl.String),
        "pair_id": pl.String,
        "signals": pl.List(pl.String),
        "concepts": pl.List(pl.String),
        "score": pl.Float64,
        "style": pl.String,
        "author": pl.String,
        "model": pl.String,
        "prompt_sha256": pl.String,
    }
)


def make_rows(
    texts: pl.DataFrame, pairs: pl.DataFrame, chunks: pl.DataFrame, books: Mapping[str, BookInfo]
) -> pl.DataFrame:
    """Join accepted texts with what is known of their passages; returns `ROWS_SCHEMA`.

    `texts` are rows of `PAIR_TEXTS_SCHEMA`: cross-domain ones name two chunks and a pair,
    standalone ones the left chunk alone. Raises `ValueError` where a text names a chunk, or
    a chunk a book, that is not there: a row without provenance is a defect.
    """
    accepted = texts.filter(pl.col("accepted"))
    info = pl.DataFrame(
        {
            "book": list(books),
            "title": [book.title for book in books.values()],
            "license": [book.licence or "unknown" for book in books.values()],
        },
        schema={"book": pl.String, "title": pl.String, "license": pl.String},
    )
    known = chunks.select("chunk_id", "book", "domain", "page_start", "page_end", "section").join(
        info, on="book", how="left"
    )
    named = (
        accepted.select("id", side=pl.concat_list("left_chunk", "right_chunk"))
        .with_columns(place=pl.int_ranges(0, 2))
        .explode("side", "place")
        .filter(pl.col("side").is_not_null())
        .join(known, left_on="side", right_on="chunk_id", how="left", maintain_order="left")
    )
    lost = named.filter(pl.col("title").is_null())
    if lost.height:
        raise ValueError(
            f"{lost.height} texts name a chunk or book that is not there, {lost['side'][0]} first"
        )
    sides = (
        named.sort("id", "place")
        .group_by("id", maintain_order=True)
        .agg(
            pl.col("domain").alias("domains"),
            pl.col("book").alias("books"),
            pl.col("title").alias("titles"),
            pl.col("side").alias("chunk_ids"),
            pl.struct(
                pl.col("side").alias("chunk_id"), "book", "page_start", "page_end", "section"
            ).alias("pages"),
            pl.col("license").unique(maintain_order=True).alias("licenses"),
        )
    )
    evidence = pairs.select("pair_id", "signals", "score")
    rows = (
        accepted.rename({"kind": "format"})
        .with_columns(cross_domain=pl.col("right_chunk").is_not_null())
        .join(sides, on="id", how="left", maintain_order="left")
        .join(evidence, on="pair_id", how="left", maintain_order="left")
        .with_columns(pl.col("signals").fill_null([]))
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in ROWS_SCHEMA.items())
