"""One small book in chunks of every sort, with vectors by a toy embedder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from xpoll_dagster.books.model import CHUNKS_SCHEMA, embeddings_schema
from xpoll_dagster.writing.model import BookInfo

BOOK = "engineering--mills"
BOOKS = {BOOK: BookInfo("Mills and Rivers", "engineering", ("A. Writer",), "CC0-1.0")}
PUMP = (
    "The pump of the mill at Harburg delivered 40 litres in the first hour, but its valve stuck "
    "when the river fell, and the engineer Anna Vogt had to open it by hand until the evening, "
    "when rain came and the wheel turned freely again."
)
WHEEL = (
    "A wheel with buckets is turned by the weight of water that fills them from above, so that "
    "it loses little of the fall. Smeaton measured in 1759 that such a wheel gives two thirds of "
    "the power of the stream, while a wheel that is pushed from below gives hardly one third."
)
CANAL = (
    "Boats climbed to the upper canal by a stair of locks, each closed by gates of oak that the "
    "keeper swung with a beam. When the chamber was filled, the gates opened of themselves, for "
    "the water stood as high on both sides, and nothing pressed on them any longer."
)
TABLE = "Tank 1 29.0 326.8 Tank 2 29.2 327.2 Totals 58.2 654.0 Consumed Tank 1 7.1 71.8 Left"
PASSAGES: list[tuple[str, str]] = [
    ("prose", PUMP),
    ("prose", WHEEL),
    ("table", ""),
    ("prose", "See below for more."),
    ("prose", CANAL),
    ("prose", WHEEL),
    ("prose", f"{TABLE} {TABLE} {TABLE}"),
]


def make_chunks() -> pl.DataFrame:
    """The chunks of the book: three of prose, one of them twice, and four unfit ones."""
    rows = [
        {
            "chunk_id": f"c{number}",
            "book": BOOK,
            "domain": "engineering",
            "ordinal": number,
            "section": ["Water"],
            "page_start": number + 1,
            "page_end": number + 1,
            "text": passage or TABLE,
            "passage": passage,
            "kind": kind,
            "context": "",
            "n_tokens": len(passage.split()),
        }
        for number, (kind, passage) in enumerate(PASSAGES)
    ]
    return pl.DataFrame(rows, schema=CHUNKS_SCHEMA, orient="row")


class WordEmbedder:
    """Texts as sums of random vectors of their words: alike where the words are."""

    model = "words"
    sha256 = "0" * 64
    dimensions = 384
    max_tokens = 512

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().replace(",", " ").replace(".", " ").split():
                if len(word) > 3:
                    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
                    vectors[row] += np.random.default_rng(seed).standard_normal(self.dimensions)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def make_embeddings(chunks: pl.DataFrame) -> pl.DataFrame:
    """The chunks' vectors; chunks without prose have none."""
    prose = chunks.filter(pl.col("passage") != "")
    embedder = WordEmbedder()
    vectors = embedder.encode(prose["passage"].to_list())
    return pl.DataFrame(
        {
            "chunk_id": prose["chunk_id"],
            "embedding": vectors,
            "model": [embedder.model] * prose.height,
            "model_sha256": [embedder.sha256] * prose.height,
        },
        schema=embeddings_schema(embedder.dimensions),
    )
