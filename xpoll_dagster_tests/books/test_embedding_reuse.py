"""Only what has changed is embedded: counted, and equal to embedding all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.books.embedding import embed_chunks, load_embedder
from xpoll_dagster.books.embedding_reuse import (
    chunks_left,
    embedded_text_hashes,
    known_vectors,
    with_known,
)


class CountingEmbedder:
    """A vector of a text's letters; remembers what it was asked for."""

    model = "letters@float32"
    sha256 = "0" * 64
    dimensions = 26
    max_tokens = 256

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        counts = [[text.count(chr(97 + n)) + 1.0 for n in range(26)] for text in texts]
        vectors = np.array(counts, dtype=np.float32).reshape((len(texts), 26))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]


def _chunks(texts: Sequence[str]) -> pl.DataFrame:
    names = [f"b-{text}-{texts[:place].count(text)}" for place, text in enumerate(texts)]
    columns = {"chunk_id": names, "passage": list(texts), "text": [f"{t}\n" for t in texts]}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def embed_changed(
    chunks: pl.DataFrame, known: pl.DataFrame | None, embedder: CountingEmbedder
) -> tuple[pl.DataFrame, int]:
    made = embed_chunks(chunks_left(chunks, known), embedder)
    return with_known(chunks, known, made), made.height


WORDS = st.lists(st.text("abc", max_size=3), max_size=12)


@pytest.mark.slow
@given(before=WORDS, now=WORDS)
def test_new_chunks_alone_are_embedded_and_the_result_is_that_of_all(
    before: list[str], now: list[str]
) -> None:
    old, new = _chunks(before), _chunks(now)
    vectors = embed_chunks(old, CountingEmbedder())
    embedder = CountingEmbedder()
    known = known_vectors(new, vectors, embedded_text_hashes(old), embedder)
    result, made = embed_changed(new, known, embedder)
    assert result.equals(embed_chunks(new, CountingEmbedder()))
    assert made == len(embedder.texts) == len(set(new["chunk_id"]) - set(old["chunk_id"]))


def test_a_chunk_with_another_passage_is_embedded_again() -> None:
    """Its id covers the text; what is embedded is the passage."""
    old = _chunks(["one", "two"])
    vectors = embed_chunks(old, CountingEmbedder())
    new = old.with_columns(passage=pl.Series(["one", "two without its formula"]))
    embedder = CountingEmbedder()
    known = known_vectors(new, vectors, embedded_text_hashes(old), embedder)
    _, made = embed_changed(new, known, embedder)
    assert made == 1
    assert embedder.texts == ["two without its formula"]


@pytest.mark.parametrize("other", ["model", "sha256"])
def test_vectors_of_another_model_are_not_taken(other: str) -> None:
    chunks = _chunks(["one", "two"])
    vectors = embed_chunks(chunks, CountingEmbedder())
    embedder = CountingEmbedder()
    setattr(embedder, other, "another")
    assert known_vectors(chunks, vectors, embedded_text_hashes(chunks), embedder) is None


def test_vectors_whose_texts_are_not_known_are_not_taken() -> None:
    chunks = _chunks(["one"])
    vectors = embed_chunks(chunks, CountingEmbedder())
    assert known_vectors(chunks, vectors, None, CountingEmbedder()) is None


def test_a_vector_does_not_depend_on_what_it_is_made_with() -> None:
    """Else taking some over would give a book other vectors than embedding all of it."""
    embedder = load_embedder()
    texts = [f"Chapter {n} tells of the tides and of {n * 7} ships. " * (n + 1) for n in range(12)]
    together = embedder.encode(texts)
    alone = np.concatenate([embedder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-6)
