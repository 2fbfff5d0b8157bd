"""Chunks of many books, embedded in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.books import embedding_batches
from xpoll_dagster.books.embedding import EmbedderError, embed_chunks, load_embedder
from xpoll_dagster.books.embedding_batches import embed_books
from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.protocol import Compute, Factory


class Backwards(LocalCompute):
    """Batches that are finished in the reverse order."""

    def map_batches(
        self, frames: Iterable[pl.DataFrame], factory: Factory, **options: Any
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        yield from reversed(list(super().map_batches(frames, factory, **options)))


def book(count: int) -> pl.DataFrame:
    # Many texts of one length, so that portions meet in the middle of them.
    texts = [f"Text {n % 900:03d} {'word ' * (n % 3)}" for n in range(count)]
    return pl.DataFrame(
        {"chunk_id": [str(n) for n in range(count)], "passage": [None] * count, "text": texts},
        schema={"chunk_id": pl.String, "passage": pl.String, "text": pl.String},
    )


@pytest.mark.slow
@pytest.mark.parametrize("compute", [LocalCompute(), Backwards()], ids=["forwards", "backwards"])
def test_the_vectors_are_those_of_one_process(compute: Compute):
    books = {"long": book(1100), "none": book(0), "short": book(3)}
    found = dict(embed_books(books.items(), compute))
    assert set(found) == set(books)
    for name, chunks in books.items():
        assert found[name].equals(embed_chunks(chunks, load_embedder()))


def test_a_library_without_chunks_is_embedded():
    assert dict(embed_books([("none", book(0))], LocalCompute()))["none"].is_empty()
    assert list(embed_books([], LocalCompute())) == []


def test_vectors_of_two_models_are_not_mixed(monkeypatch: pytest.MonkeyPatch):
    models = iter(["m@int8", "m@float32"])

    def embed(chunks: pl.DataFrame) -> pl.DataFrame:
        return chunks.select("chunk_id", "text", model=pl.lit(next(models)), sha=pl.lit("0"))

    monkeypatch.setattr(embedding_batches, "_embedder", lambda _: embed)
    with pytest.raises(EmbedderError, match="m@int8 and another with m@float32: set"):
        list(embed_books([("a", book(2)), ("b", book(2))], LocalCompute()))


@pytest.mark.parametrize("compute", [LocalCompute(), Backwards()], ids=["forwards", "backwards"])
def test_a_book_of_which_a_portion_fails_stops_no_other(
    compute: Compute, monkeypatch: pytest.MonkeyPatch
):
    def embed(chunks: pl.DataFrame) -> pl.DataFrame:
        if (chunks["text"] == "Poison").any():
            raise MemoryError("too much")
        return chunks.select("chunk_id", "text", model=pl.lit("m"), sha=pl.lit("0"))

    monkeypatch.setattr(embedding_batches, "_embedder", lambda _: embed)
    poisoned = pl.concat([book(1100), book(1).with_columns(text=pl.lit("Poison"))])
    failed: dict[str, str] = {}
    told: list[tuple[str, int, int]] = []
    found = embed_books(
        [("a", book(600)), ("bad", poisoned), ("b", book(2))],
        compute,
        on_failure=lambda name, error: failed.update({name: f"{error.kind}: {error}"}),
        progress=lambda *given: told.append(given),
    )
    assert {name: frame["chunk_id"].to_list() for name, frame in found} == {
        "a": book(600)["chunk_id"].to_list(),
        "b": ["0", "1"],
    }
    assert failed == {"bad": "MemoryError: too much"}
    assert {("a", 600, 600), ("b", 2, 2)} < set(told)
    assert ("bad", 1101, 1101) not in told
