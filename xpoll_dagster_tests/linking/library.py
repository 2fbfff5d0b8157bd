"""Small hand-made libraries for the tests of linking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from xpoll_dagster.books.model import CHUNKS_SCHEMA, CONCEPTS_SCHEMA
from xpoll_dagster.linking.options import LinkingOptions

OPTIONS = LinkingOptions(min_words=1, random_pairs=100)


def make_chunks(passages: Mapping[str, str], kind: str = "prose") -> pl.DataFrame:
    """Chunks from `{"domain/book/n": passage}`; the key is the chunk's id."""
    rows = []
    for ordinal, (chunk_id, passage) in enumerate(passages.items()):
        domain, book, _ = chunk_id.split("/")
        rows.append(
            {
                "chunk_id": chunk_id,
                "book": f"{domain}--{book}",
                "domain": domain,
                "ordinal": ordinal,
                "section": [],
                "page_start": 1,
                "page_end": 1,
                "text": passage,
                "passage": passage,
                "kind": kind,
                "context": "",
                "n_tokens": len(passage.split()),
            }
        )
    return pl.DataFrame(rows, schema=CHUNKS_SCHEMA)


def make_concepts(held: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Concepts from `{chunk id: [concept, …]}`."""
    rows = [(c, name, name.title(), "TERM", 1) for c, names in held.items() for name in names]
    return pl.DataFrame(rows, schema=CONCEPTS_SCHEMA, orient="row")


def pairs_of(links: pl.DataFrame) -> set[tuple[str, str]]:
    """The linked ids."""
    return set(links.select("left_chunk", "right_chunk").rows())


def random_library(
    domains: int = 3, each: int = 30, seed: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """Chunks, concepts and vectors in which topic t recurs in every domain."""
    rng = np.random.default_rng(seed)
    topics = each // 2
    passages: dict[str, str] = {}
    held: dict[str, list[str]] = {}
    vectors = []
    centres = rng.standard_normal((topics, 32))
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(rng.choice(letters, 7)) for _ in range(topics * 4 + 300)]
    for domain in range(domains):
        for n in range(each):
            topic = n % topics
            own = words[300 + 4 * topic : 304 + 4 * topic]
            chunk_id = f"d{domain}/book/{n:03d}"
            passages[chunk_id] = " ".join([*rng.choice(words[:300], 20), *own])
            held[chunk_id] = [f"{own[0]} {own[1]}", own[2], str(rng.choice(words[:300]))]
            vectors.append(centres[topic] + 0.4 * rng.standard_normal(32))
    stacked = np.array(vectors, np.float32)
    stacked /= np.linalg.norm(stacked, axis=1, keepdims=True)
    return make_chunks(passages), make_concepts(held), stacked
