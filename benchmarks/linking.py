"""Linking 20,000 × 20,000 passages by all three signals: `python -m benchmarks.linking`.

The passages are made up, but their words and concepts follow Zipf's law, topics recur on both
sides, and vectors lie in topics with noise as those of real books do. The baseline is what one
writes first: a Python loop that compares one row at a time with `cosine_similarity`, run on a
part of the rows and scaled up.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from xpoll_dagster.books.model import CHUNKS_SCHEMA, CONCEPTS_SCHEMA
from xpoll_dagster.linking.concepts import link_concepts
from xpoll_dagster.linking.lexical import link_lexical
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.selection import select_pairs
from xpoll_dagster.linking.semantic import link_semantic
from xpoll_dagster.linking.sparse import SparseRows
from xpoll_dagster.linking.stop_words import STOP_WORDS
from xpoll_dagster.linking.terms import weigh_terms

VOCABULARY = 60_000
STOP_KINDS = 180
CONCEPTS = 30_000
DIMENSIONS = 384
WORDS = 150
CONCEPTS_EACH = 10
BASELINE_ROWS = 40


def zipf(rng: np.random.Generator, count: int, kinds: int, offset: float) -> np.ndarray:
    """Numbers of kinds, the n-th as frequent as 1 / (n + offset)."""
    weight = 1.0 / (np.arange(kinds) + offset)
    return np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(count))


def make_library(size: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """Chunks, concepts and vectors of two domains of `size` passages each."""
    rng = np.random.default_rng(seed)
    total = 2 * size
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u")]
    first = rng.integers(len(syllables), size=(VOCABULARY, 4))
    content = ["".join(syllables[i] for i in row) for row in first]
    # The most frequent words of a language are stop words; they part what stands together.
    stop_words = sorted(STOP_WORDS)[:STOP_KINDS]
    vocabulary = pl.Series(stop_words + content[len(stop_words) :])
    topics = max(size // 20, 1)
    topic = rng.integers(topics, size=total)
    # A third of the words belong to the passage's topic, the others to the language.
    words = zipf(rng, total * WORDS, VOCABULARY, 2.7)
    own = rng.random(total * WORDS) < 1 / 3
    shift = np.repeat(topic * 97, WORDS)
    words = np.where(own, (200 + shift + words % 60) % VOCABULARY, words)
    ids = np.repeat(np.arange(total), WORDS)
    text = (
        pl.DataFrame({"row": ids, "word": vocabulary.gather(words)})
        .group_by("row", maintain_order=True)
        .agg(pl.col("word").str.join(" "))["word"]
    )
    row = np.arange(total)
    domain = pl.Series(np.where(row < size, "left", "right"))
    chunks = (
        pl.DataFrame(
            {
                "chunk_id": pl.Series([f"c{n:06d}" for n in row]),
                "book": "book of " + domain,
                "domain": domain,
                "ordinal": row,
                "text": text,
                "passage": text,
            }
        )
        .with_columns(
            section=pl.lit([], dtype=pl.List(pl.String)),
            page_start=pl.lit(1, dtype=pl.Int64),
            page_end=pl.lit(1, dtype=pl.Int64),
            kind=pl.lit("prose"),
            context=pl.lit(""),
            n_tokens=pl.lit(200, dtype=pl.Int64),
        )
        .select(CHUNKS_SCHEMA.names())
    )
    held = zipf(rng, total * CONCEPTS_EACH, CONCEPTS, 20.0)
    about = rng.random(len(held)) < 1 / 3
    topical = (np.repeat(topic * 31, CONCEPTS_EACH) + held % 12) % CONCEPTS
    names = pl.Series([f"{'grand ' if n % 3 == 0 else ''}concept{n}" for n in range(CONCEPTS)])
    name = names.gather(np.where(about, topical, held))
    concepts = (
        pl.DataFrame(
            {
                "chunk_id": chunks["chunk_id"].gather(np.repeat(row, CONCEPTS_EACH)),
                "concept": name,
                "surface": name,
            }
        )
        .unique(maintain_order=True)
        .with_columns(kind=pl.lit("TERM"), count=pl.lit(1, dtype=pl.Int64))
        .select(CONCEPTS_SCHEMA.names())
    )
    centres = rng.standard_normal((topics, DIMENSIONS), np.float32)
    vectors = centres[topic] + 1.3 * rng.standard_normal((total, DIMENSIONS), np.float32)
    vectors += 0.5  # all embedders share a direction
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return chunks, concepts, vectors


def word_matrix(chunks: pl.DataFrame, options: LinkingOptions) -> SparseRows:
    """The weighted words of all passages, over columns that both books share."""
    from scipy.sparse import csr_matrix, vstack

    books = [
        weigh_terms(book["passage"], options.lexical)
        for book in chunks.partition_by("domain", maintain_order=True)
    ]
    columns = np.unique(np.concatenate([book.hashes for book in books]))
    return vstack(
        [
            csr_matrix(
                (book.weights, np.searchsorted(columns, book.hashes)[book.columns], book.starts),
                shape=(len(book.starts) - 1, len(columns)),
            )
            for book in books
        ],
        format="csr",
    )


def timed(work: Callable[[], pl.DataFrame]) -> tuple[pl.DataFrame, float, float]:
    """The result, the seconds on the clock and the seconds of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def loop_seconds(rows: int, one: Callable[[int], object]) -> float:
    """Seconds that a loop over all rows would take, from a part of them."""
    part = min(BASELINE_ROWS, rows)
    wall = time.perf_counter()
    for row in range(part):
        one(row)
    return (time.perf_counter() - wall) / part * rows


def main() -> None:
    """Link, time, compare, print."""
    # Imports take seconds and are not linking: they are done before the clock starts.
    for name in ("scipy.sparse", "torch", "polars_hash", "pyarrow"):
        importlib.import_module(name)
    from sklearn.metrics.pairwise import cosine_similarity

    parser = argparse.ArgumentParser(description="Time linking on a made-up library.")
    parser.add_argument("--size", type=int, default=20_000, help="passages on each side")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    size = arguments.size
    chunks, concepts, vectors = make_library(size, arguments.seed)
    options = LinkingOptions()
    prepared = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    links: dict[str, pl.DataFrame] = {}
    figures: dict[str, float] = {}
    print(f"{size:,} x {size:,} passages\n{'signal':12}{'links':>10}{'seconds':>10}{'cpu s':>10}")
    works: dict[str, Callable[[], pl.DataFrame]] = {
        "concepts": lambda: link_concepts(chunks, concepts, vectors, options),
        "words": lambda: link_lexical(chunks, options),
        "meaning": lambda: link_semantic(chunks, vectors, options),
    }
    for name, work in works.items():
        links[name], wall, cpu = timed(work)
        figures[f"{name}_s"], figures[f"{name}_cpu_s"] = round(wall, 2), round(cpu, 2)
        print(f"{name:12}{links[name].height:10,}{wall:10.2f}{cpu:10.2f}")
    total = sum(figures[f"{name}_s"] for name in works)
    print(
        f"{'all three':12}{sum(x.height for x in links.values()):10,}{total:10.2f}"
        f"{sum(figures[f'{name}_cpu_s'] for name in works):10.2f}"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MiB, of which {prepared:,.0f} MiB to make the library")

    began = time.perf_counter()
    selection = select_pairs(
        links["concepts"], links["words"], links["meaning"], chunks, vectors, options
    )
    select = time.perf_counter() - began
    print(
        f"fusion and selection {select:.2f} s: {selection.pairs.height:,} pairs of "
        f"{selection.pairs.height + selection.refused.height:,} supported candidates"
    )

    left, right = vectors[:size], vectors[size:]
    weights = word_matrix(chunks, options)
    baseline = loop_seconds(size, lambda row: cosine_similarity(left[row : row + 1], right))
    baseline_words = loop_seconds(
        size, lambda row: cosine_similarity(weights[row : row + 1], weights[size:])
    )
    held = concepts.group_by("chunk_id", maintain_order=True).agg("concept")["concept"]
    sets = [set(names) for names in held.to_list()]
    baseline_concepts = loop_seconds(
        len(sets) // 2, lambda row: [len(sets[row] & other) for other in sets[len(sets) // 2 :]]
    )
    loops = baseline + baseline_words + baseline_concepts
    print(
        f"a Python loop, one row at a time ({BASELINE_ROWS} rows, scaled up): meaning "
        f"{baseline:.0f} s, words {baseline_words:.0f} s, concepts {baseline_concepts:.0f} s; "
        f"{loops / total:.0f} times as long"
    )
    print(
        json.dumps(
            {
                "size": size,
                "total_s": round(total, 2),
                **figures,
                "select_s": round(select, 2),
                "pairs": selection.pairs.height,
                "peak_mib": round(peak),
                "baseline_meaning_s": round(baseline, 1),
                "baseline_words_s": round(baseline_words, 1),
                "baseline_concepts_s": round(baseline_concepts, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
