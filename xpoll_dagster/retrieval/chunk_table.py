"""The one numbering of chunks that the bundle's index, documents and questions share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import polars as pl

from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.writing.attribution import plain_title
from xpoll_dagster.writing.model import BookInfo

CHUNK_TABLE_SCHEMA = pl.Schema(
    {
        "number": pl.Int64,  # place in `chunks.pkl`, from 0
        "chunk_id": pl.String,  # chunk_<number>
        "stable_id": pl.String,  # the chunk's id in the library
        "book": pl.String,
        "domain": pl.String,
        "title": pl.String,
        "section": pl.List(pl.String),
        "ordinal": pl.Int64,
        "page_start": pl.Int64,
        "page_end": pl.Int64,
        "citation": pl.String,  # title and page, or title and heading
        "kind": pl.String,
        "text": pl.String,  # without surrounding white space; never empty
        "duplicate_of": pl.String,  # the first chunk_id with the same words, null for that one
    }
)


def chunk_table(chunks: pl.DataFrame, books: Mapping[str, BookInfo]) -> pl.DataFrame:
    """Number the chunks of all books.

    Every chunk that holds text is in, tables and notes too: questions of people are asked about
    them as well. The numbers follow the books' keys and the chunks' order, whatever order the
    rows come in.

    Args:
        chunks: Rows of `books.model.CHUNKS_SCHEMA`, of any number of books.
        books: What is known of each book, by key.

    Returns:
        A frame of `CHUNK_TABLE_SCHEMA`, sorted by number.

    Raises:
        RetrievalError: No chunk holds text, or a chunk's id occurs twice.
    """
    rows = (
        chunks.with_columns(pl.col("text").str.strip_chars())
        .filter(pl.col("text") != "")
        .sort("book", "ordinal")
    )
    if rows.is_empty():
        raise RetrievalError(
            "No chunk of the library holds text: nothing can be searched. Look at what became of "
            "the books in book_pages."
        )
    if rows["chunk_id"].n_unique() != rows.height:
        twice = rows.filter(pl.col("chunk_id").is_duplicated())["chunk_id"][0]
        raise RetrievalError(f"The chunk {twice} occurs twice: rebuild the chunks of its book.")
    rows = rows.with_row_index("number").with_columns(
        number=pl.col("number").cast(pl.Int64),
        stable_id=pl.col("chunk_id"),
        chunk_id=pl.format("chunk_{}", "number"),
        citation=pl.Series(
            [
                _citation(row, books.get(row["book"]))
                for row in rows.select("book", "section", "page_start", "page_end").iter_rows(
                    named=True
                )
            ],
            dtype=pl.String,
        ),
        title=pl.col("book").replace_strict(
            {key: plain_title(book.title) for key, book in books.items()},
            default=pl.col("book"),
            return_dtype=pl.String,
        ),
    )
    first = pl.col("chunk_id").first().over(_words())
    return (
        rows.with_columns(duplicate_of=pl.when(first != pl.col("chunk_id")).then(first))
        .select(CHUNK_TABLE_SCHEMA.names())
        .cast(CHUNK_TABLE_SCHEMA)
    )


def _words() -> pl.Expr:
    return pl.col("text").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ")


def _citation(row: Mapping[str, Any], book: BookInfo | None) -> str:
    title = plain_title(book.title) if book is not None else row["book"]
    first, last = row["page_start"], row["page_end"]
    if book is None or book.paged:
        return f"{title}, p. {first}" if first >= last else f"{title}, pp. {first}–{last}"
    headings = [heading for heading in row["section"] or () if heading and heading.strip()]
    return f"{title}, “{' '.join(headings[-1].split())}”" if headings else title


def table_fingerprint(table: pl.DataFrame) -> str:
    """Short hash of which chunks bear which numbers and what they say."""
    digest = hashlib.sha256()
    for stable_id, text in table.select("stable_id", "text").iter_rows():
        digest.update(f"{stable_id}\x1f{len(text)}\x1f{text}\x1e".encode())
    return digest.hexdigest()[:16]


def searched_text(section: list[str] | None, text: str) -> str:
    """What BM25 counts: the headings above a chunk and its text."""
    return "\n".join([*(heading for heading in section or () if heading), text])
