"""Libraries made up from the sample books' sentences, at the level of stored tables.

A book is drawn from its own seed alone, so that it is the same whichever library it stands in.
Its passages are sentences of the sample books in which half of the content words are replaced:
by words of the passage's topic, of the book or of the domain. Topics recur in several domains;
so do some names. Vectors are sums of a direction that all share, of the domain, the book and the
topic, and of noise, in such parts that random passages have a cosine of .1 to .2 and the nearest
ones of .5 to .7, as those of real books have in MiniLM.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.books.model import (
    CHUNKS_SCHEMA,
    CONCEPTS_SCHEMA,
    EMBEDDING_DIMENSIONS,
    PAGES_SCHEMA,
    embeddings_schema,
)
from xpoll_dagster.linking.stop_words import STOP_WORDS
from xpoll_dagster.storage import ArtifactStore

SENTENCES = Path(__file__).parent.parent / "data" / "sample_sources"
VOCABULARY = 40_000
TOPICS = 400
TOPICS_EACH = 30
WORDS = 150


@dataclass(frozen=True, slots=True)
class MadeBook:
    """The tables of one book's chain, from `chunks` on."""

    key: str
    domain: str
    chunks: pl.DataFrame
    embeddings: pl.DataFrame
    concepts: pl.DataFrame


class BookMaker:
    """Makes books by number; book n is of domain n modulo `domains`."""

    def __init__(self, domains: int, seed: int, dimensions: int = EMBEDDING_DIMENSIONS) -> None:
        self.domains = domains
        self.seed = seed
        rng = np.random.default_rng(seed)
        syllables = np.array([a + b for a in "bcdfghklmnprstvw" for b in "aeiou"])
        first = rng.integers(len(syllables), size=(VOCABULARY, 4))
        self.vocabulary = np.array(["".join(row) for row in syllables[first]], dtype=object)
        self.topic_centres = rng.standard_normal((TOPICS, dimensions), np.float32)
        self.domain_centres = rng.standard_normal((domains, dimensions), np.float32)
        self.shared = rng.standard_normal(dimensions).astype(np.float32)

    @cached_property
    def sentences(self) -> list[np.ndarray]:
        """The sample books' sentences as words."""
        found = []
        for file in sorted(SENTENCES.rglob("*.md")):
            for line in file.read_text(encoding="utf-8").splitlines():
                if re.match(r"[A-Z]", line) and len(line) > 200:
                    sentences = re.split(r"(?<=[.?!])\s+", line)
                    found += [np.array(words.split(), dtype=object) for words in sentences]
        return [words for words in found if 5 <= len(words) <= 60]

    @cached_property
    def _content(self) -> list[np.ndarray]:
        """For each sentence, which of its words may be replaced."""
        stop = set(STOP_WORDS)
        return [
            np.array([word.isalpha() and len(word) > 3 and word.lower() not in stop for word in s])
            for s in self.sentences
        ]

    def make(self, number: int) -> MadeBook:
        """Book `number`, of 200 to 400 passages."""
        rng = np.random.default_rng([self.seed, number])
        domain = number % self.domains
        name = f"domain{domain:02d}"
        key = f"{name}--book{number:03d}"
        size = int(rng.integers(200, 401))
        # Chapters: a topic goes on for some passages before the next begins.
        own = rng.choice(TOPICS, TOPICS_EACH, replace=False)
        topic = own[np.sort(rng.integers(TOPICS_EACH, size=size))]
        texts = [self._text(rng, domain, number, int(t)) for t in topic]
        ids = [f"{key}:{rng.integers(2**62):016x}" for _ in range(size)]
        chunks = pl.DataFrame(
            {
                "chunk_id": ids,
                "book": [key] * size,
                "domain": [name] * size,
                "ordinal": np.arange(size),
                "section": [["Chapter", f"Topic {t}"] for t in topic],
                "page_start": np.arange(size) // 2 + 1,
                "page_end": np.arange(size) // 2 + 1,
                "text": texts,
                "passage": texts,
                "kind": np.where(rng.random(size) < 0.93, "prose", "exercises"),
                "context": [""] * size,
                "n_tokens": [len(text) // 5 for text in texts],
            },
            schema=CHUNKS_SCHEMA,
        )
        return MadeBook(
            key,
            name,
            chunks,
            self._embeddings(rng, ids, domain, topic),
            self._concepts(rng, ids, domain, number, topic),
        )

    def _text(self, rng: np.random.Generator, domain: int, number: int, topic: int) -> str:
        parts, count = [], 0
        while count < WORDS:
            which = int(rng.integers(len(self.sentences)))
            words = self.sentences[which].copy()
            places = np.flatnonzero(self._content[which] & (rng.random(len(words)) < 0.5))
            kind = rng.random(len(places))
            rank = rng.zipf(1.3, len(places))
            # Of a topic's 60 words, a book's 800, a domain's 3,000; starts spread by a prime.
            start = np.where(kind < 0.35, topic * 97, np.where(kind < 0.7, number * 541, 0))
            start = np.where(kind >= 0.7, 20_000 + domain * 2_003, start)
            width = np.where(kind < 0.35, 60, np.where(kind < 0.7, 800, 3_000))
            words[places] = self.vocabulary[(start + rank % width) % VOCABULARY]
            parts.extend(words)
            count += len(words)
        return " ".join(parts)

    def _embeddings(
        self, rng: np.random.Generator, ids: list[str], domain: int, topic: np.ndarray
    ) -> pl.DataFrame:
        dimensions = len(self.shared)
        book = rng.standard_normal(dimensions).astype(np.float32)
        noise = rng.standard_normal((len(ids), dimensions), np.float32)
        vectors = 0.45 * self.shared + 0.35 * self.domain_centres[domain] + 0.3 * book
        vectors = vectors + 0.75 * self.topic_centres[topic] + 0.8 * noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return pl.DataFrame(
            {
                "chunk_id": ids,
                "embedding": vectors,
                "model": ["made up"] * len(ids),
                "model_sha256": ["0" * 64] * len(ids),
            },
            schema=embeddings_schema(dimensions),
        )

    def _concepts(
        self,
        rng: np.random.Generator,
        ids: list[str],
        domain: int,
        number: int,
        topic: np.ndarray,
    ) -> pl.DataFrame:
        rows: set[tuple[str, str]] = set()
        for chunk, about in zip(ids, topic, strict=True):
            for _ in range(int(rng.poisson(9))):
                kind, rank = rng.random(), int(rng.zipf(1.4))
                if kind < 0.15:
                    name = f"generic name {rank % 12}"
                elif kind < 0.4:
                    grand = "grand " if rank % 3 == 0 else ""
                    name = f"{grand}topic{about}x{rank % 25}"
                elif kind < 0.75:
                    name = f"person {number} {rank % 200}"
                else:
                    name = f"term{(domain * 7 + rank) % 900}"
                rows.add((chunk, name))
        ordered = sorted(rows)
        return pl.DataFrame(
            [(c, name, name.title(), "TERM", 1) for c, name in ordered],
            schema=CONCEPTS_SCHEMA,
            orient="row",
        )


def store_book(book: MadeBook, books: Path, store: ArtifactStore) -> None:
    """Put a made-up book where the pipeline finds it: a file, and its chain as if built."""
    file = books / book.domain / f"{book.key.split('--')[1]}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(book.key, encoding="utf-8")
    pages = store.write_table(
        "book_pages",
        book.key,
        pl.DataFrame(schema=PAGES_SCHEMA),
        version="made up",
        inputs={"book": book.key},
    )
    chunks = store.write_table(
        "chunks",
        book.key,
        book.chunks,
        version="made up",
        inputs={"book_pages": pages.content_hash},
    )
    for asset, table in (("chunk_embeddings", book.embeddings), ("chunk_concepts", book.concepts)):
        store.write_table(
            asset, book.key, table, version="made up", inputs={"chunks": chunks.content_hash}
        )
