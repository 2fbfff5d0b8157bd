"""Chunks as an author is given them: prose with its neighbours', and why some are not asked of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.books.concepts.acronyms import find_acronyms
from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.storage import fingerprint
from xpoll_dagster.writing.attribution import passage_of
from xpoll_dagster.writing.gates.language import reads_as_prose
from xpoll_dagster.writing.gates.nearness import BookIndex
from xpoll_dagster.writing.gates.paraphrase import NOT_PROSE, SHORT_SOURCE, Background
from xpoll_dagster.writing.model import BookInfo, Mention, SourceChunk

_PROSE_KINDS = frozenset({"prose", "list", "exercises"})
_SMALL_WORD = re.compile(r"(?<![\w.-])[a-z]{2,}(?![\w.-])")
SAME_TEXT = "the same text as another chunk"


@dataclass(frozen=True, slots=True)
class BookSources:
    """One book's chunks in order.

    `unfit` says for each chunk why it is not asked of, "" where it is. `vectors` has a row
    for each chunk, zeros where it has no embedding.
    """

    book: str
    chunks: tuple[SourceChunk, ...]
    unfit: tuple[str, ...]
    common: frozenset[str]
    expansions: Mapping[str, str]
    vectors: np.ndarray | None

    def index(self) -> BookIndex:
        """The book's chunks, searchable."""
        return BookIndex([chunk.passage.text for chunk in self.chunks], self.vectors)

    def background(self, number: int) -> Background:
        """What may be said of a chunk besides its own text."""
        passage = self.chunks[number].passage
        return Background(
            " . ".join((passage.title, *passage.section)), self.common, self.expansions
        )


def iter_books(
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    min_words: int,
    embeddings: pl.DataFrame | None = None,
    concepts: pl.DataFrame | None = None,
) -> Iterator[BookSources]:
    """The chunks of each book with what is known around them, book by book.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`.
        books: What to say about each book, by key.
        min_words: Words of prose that a chunk needs.
        embeddings: Rows of `embeddings_schema`.
        concepts: Rows of `CONCEPTS_SCHEMA`.

    Raises:
        ValueError: A chunk's book is not among `books`.
    """
    for (book,), part in chunks.sort("book", "ordinal").group_by("book", maintain_order=True):
        key = str(book)
        if key not in books:
            raise ValueError(f"Nothing is known about the book {key}.")
        ids = part["chunk_id"]
        mentions: dict[str, list[Mention]] = {}
        if concepts is not None:
            own = concepts.filter(pl.col("chunk_id").is_in(ids.implode()))
            for row in own.sort("chunk_id", "concept", "surface").iter_rows(named=True):
                mentions.setdefault(row["chunk_id"], []).append(
                    Mention(row["concept"], row["surface"], row["kind"], row["count"])
                )
        rows = part.to_dicts()
        texts = [row["passage"] or "" for row in rows]
        sources = tuple(
            SourceChunk(
                passage_of(row, books[key], tuple(mentions.get(row["chunk_id"], ()))),
                texts[place - 1] if place else "",
                texts[place + 1] if place + 1 < len(texts) else "",
                row["n_tokens"] or 0,
            )
            for place, row in enumerate(rows)
        )
        seen: set[str] = set()
        unfit = []
        for row, text in zip(rows, texts, strict=True):
            mark = fingerprint(" ".join(text.lower().split()))
            unfit.append(_unfit(row["kind"], text, min_words, repeated=mark in seen))
            seen.add(mark)
        yield BookSources(
            key,
            sources,
            tuple(unfit),
            common_words(texts),
            find_acronyms(texts),
            _vectors(ids, embeddings),
        )


def _unfit(kind: str, text: str, min_words: int, *, repeated: bool) -> str:
    if not text.strip() or kind not in _PROSE_KINDS:
        return f"not prose ({kind})"
    if len(text.split()) < min_words:
        return SHORT_SOURCE
    if not reads_as_prose(text):
        return NOT_PROSE
    return SAME_TEXT if repeated else ""


def common_words(texts: list[str]) -> frozenset[str]:
    """Words that a book prints in small letters twice or more: in capitals they are no names."""
    counts = Counter(word for text in texts for word in _SMALL_WORD.findall(text))
    return frozenset(word for word, count in counts.items() if count > 1)


def _vectors(ids: pl.Series, embeddings: pl.DataFrame | None) -> np.ndarray | None:
    if embeddings is None:
        return None
    joined = (
        pl.DataFrame({"chunk_id": ids})
        .with_row_index("place")
        .join(embeddings.select("chunk_id", "embedding"), on="chunk_id", how="inner")
    )
    if joined.is_empty():
        return None
    found = joined["embedding"].to_numpy()
    vectors = np.zeros((len(ids), found.shape[1]), dtype=np.float32)
    vectors[joined["place"].to_numpy()] = found
    return vectors


def encode(embedder: Embedder | None, sources: BookSources, texts: list[str]) -> np.ndarray | None:
    """Vectors of texts, null where the book or the embedder is missing.

    Raises:
        ValueError: The embedder's vectors have another length than the book's.
    """
    if embedder is None or sources.vectors is None or not texts:
        return None
    vectors = np.asarray(embedder.encode(texts), dtype=np.float32)
    if vectors.shape[1] != sources.vectors.shape[1]:
        raise ValueError(
            f"The embeddings of {sources.book} have {sources.vectors.shape[1]} dimensions and "
            f"the embedder gives {vectors.shape[1]}: embed the chunks again with it."
        )
    return vectors
