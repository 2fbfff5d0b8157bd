"""What linking costs when one of fifty books comes: `python -m benchmarks.incremental`.

The library is made up at the level of the tables that linking reads. Its passages are woven
from those of real books (`--artifacts`, the artifacts folder of a library that is built) or of
the sample books, which are read and embedded first: half of the sentences of two passages of a
domain, some words drawn anew; the vector lies between theirs, with noise; concepts are drawn
from both. Linking is all that the library-wide assets of linking do: it reads the tables of all
books, links by three signals, selects pairs, and writes the four tables.

First the library without the book is linked, which fills the cache; then the book comes (or
changes, goes, moves to another domain) and the library is linked with the cache, and again from
nothing. Both must give the same rows and values, to the last bit.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.books.chunking import chunk_book
from xpoll_dagster.books.cleaning import CleaningOptions
from xpoll_dagster.books.concepts import extract_concepts
from xpoll_dagster.books.embedding import load_embedder, load_token_counter
from xpoll_dagster.books.library import Library
from xpoll_dagster.books.model import CHUNKS_SCHEMA, CONCEPTS_SCHEMA
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.reading import read_pages
from xpoll_dagster.compute.sandbox import Limits
from xpoll_dagster.linking import LinkCache, link_concepts, link_lexical, link_semantic
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.selection import select_pairs
from xpoll_dagster.storage import hash_file

SAMPLES = Path(__file__).parent.parent / "data" / "books"
EVENTS = ("add", "change", "remove", "move")
CHUNK_COLUMNS = ["chunk_id", "book", "domain", "ordinal", "passage", "kind"]
TABLES = ("concept_links", "lexical_links", "semantic_links", "cross_domain_pairs", "left_out")


@dataclass(frozen=True, slots=True)
class Source:
    """Passages to weave from: chunks, one vector each, and their concepts."""

    chunks: pl.DataFrame
    vectors: np.ndarray
    concepts: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds on the clock and of processor time."""

    wall: float
    cpu: float


def from_artifacts(folder: Path) -> Source:
    """The tables of a library that is built."""
    chunks = pl.read_parquet(folder / "chunks" / "*.parquet")
    vectors = pl.read_parquet(folder / "chunk_embeddings" / "*.parquet")
    joined = chunks.select("chunk_id").join(
        vectors, on="chunk_id", how="left", maintain_order="left"
    )
    concepts = pl.read_parquet(folder / "chunk_concepts" / "*.parquet")
    return _prose(chunks, joined["embedding"].to_numpy(), concepts)


def from_books(folder: Path) -> Source:
    """The tables of books that are read and embedded now."""
    tables = []
    for book in Library.discover(folder).books.values():
        pages = read_pages(book, ReadingOptions(), CleaningOptions(), Limits()).pages
        tables.append(chunk_book(pages, load_token_counter().count_tokens))
    chunks = pl.concat(tables)
    vectors = np.asarray(load_embedder().encode(chunks["passage"].to_list()), np.float32)
    concepts = pl.concat([extract_concepts(table) for table in tables])
    return _prose(chunks, vectors, concepts)


def _prose(chunks: pl.DataFrame, vectors: np.ndarray, concepts: pl.DataFrame) -> Source:
    enough = (pl.col("kind") == "prose") & (pl.col("passage").str.count_matches(r"\S+") >= 40)
    rows = chunks.select(pl.arg_where(enough)).to_series()
    return Source(chunks[rows], vectors[rows.to_numpy()], concepts)


def weave_book(
    source: Source, domain: str, name: str, passages: int, seed: int, into: Path
) -> Path:
    """Write a book's three tables into a folder of its own below `into`.

    Args:
        source: Real passages; those of `domain` are woven from.
        domain: A domain of the source.
        name: The book's name.
        passages: How many passages.
        seed: Draws them.
        into: Where to write.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(seed)
    of_domain = np.flatnonzero((source.chunks["domain"] == domain).to_numpy())
    held = source.concepts.group_by("chunk_id").agg("concept", "surface", "kind", "count")
    by_chunk = {row[0]: row[1:] for row in held.iter_rows()}
    words = " ".join(source.chunks["passage"].gather(of_domain[:200])).split()
    texts, ids, concept_rows = [], [], []
    first, second = (rng.choice(of_domain, passages) for _ in range(2))
    for number, (p, q) in enumerate(zip(first, second, strict=True)):
        sentences = [source.chunks["passage"][int(row)].split(". ") for row in (p, q)]
        text = ". ".join([*sentences[0][::2], *sentences[1][1::2]]).split()
        for place in rng.integers(len(text), size=len(text) // 10):
            text[place] = words[rng.integers(len(words))]
        texts.append(" ".join(text) if len(text) >= 40 else " ".join(text * 40))
        ids.append(f"{name}-{number:05d}-{seed}")
        for row in (p, q):
            columns = by_chunk.get(source.chunks["chunk_id"][int(row)], ((), (), (), ()))
            concept_rows += [
                (ids[-1], *each) for each in zip(*columns, strict=True) if rng.random() < 0.5
            ]
    noise = rng.standard_normal((passages, source.vectors.shape[1]), np.float32)
    noise *= 0.4 / np.sqrt(noise.shape[1])
    vectors = 0.6 * source.vectors[first] + 0.4 * source.vectors[second] + noise
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = source.chunks[first].with_columns(
        chunk_id=pl.Series(ids),
        book=pl.lit(name),
        domain=pl.lit(domain),
        ordinal=pl.Series(np.arange(passages)),
        text=pl.Series(texts),
        passage=pl.Series(texts),
    )
    concepts = pl.DataFrame(concept_rows, schema=CONCEPTS_SCHEMA, orient="row")
    folder = into / f"{name}-{seed}"
    folder.mkdir()
    chunks.cast(CHUNKS_SCHEMA).write_parquet(folder / "chunks.parquet", compression="zstd")
    pl.DataFrame({"chunk_id": ids, "embedding": vectors}).write_parquet(
        folder / "vectors.parquet", compression="zstd"
    )
    concepts.unique(["chunk_id", "concept"], maintain_order=True).write_parquet(
        folder / "concepts.parquet", compression="zstd"
    )
    return folder


def link_library(
    books: dict[str, Path], cache_folder: Path | None, out: Path
) -> tuple[dict[str, Timing], Timing]:
    """Link a library as the assets do: each reads its tables and writes its own.

    Args:
        books: The folder of each book's tables, by name.
        cache_folder: Where the cache lies, or None for none.
        out: Where the tables are written.

    Returns:
        The time of each step and of all.
    """
    options = LinkingOptions()
    out.mkdir(parents=True, exist_ok=True)
    paths = [books[name] for name in sorted(books)]

    def cache(*read: str) -> LinkCache | None:
        if cache_folder is None:
            return None
        versions = {
            name: "".join(hash_file(folder / f"{table}.parquet") for table in read)
            for name, folder in books.items()
        }
        return LinkCache(cache_folder, versions)

    def read(table: str) -> pl.DataFrame:
        columns = CHUNK_COLUMNS if table == "chunks" else None
        return pl.read_parquet([folder / f"{table}.parquet" for folder in paths], columns=columns)

    def library() -> tuple[pl.DataFrame, np.ndarray]:
        chunks = read("chunks")
        joined = chunks.select("chunk_id").join(
            read("vectors"), on="chunk_id", how="left", maintain_order="left"
        )
        return chunks, joined["embedding"].to_numpy()

    def write(name: str, table: pl.DataFrame) -> None:
        table.write_parquet(out / f"{name}.parquet", compression="zstd")

    def concepts() -> None:
        kept = cache("chunks", "vectors", "concepts")
        write("concept_links", link_concepts(*_insert(library(), read("concepts")), options, kept))

    def words() -> None:
        write("lexical_links", link_lexical(read("chunks"), options, cache("chunks")))

    def meaning() -> None:
        kept = cache("chunks", "vectors")
        write("semantic_links", link_semantic(*library(), options, kept))

    def pairs() -> None:
        links = [pl.read_parquet(out / f"{name}.parquet") for name in TABLES[:3]]
        kept = cache("chunks")
        selection = select_pairs(links[0], links[1], links[2], *library(), options, kept)
        write("cross_domain_pairs", selection.pairs)
        write("left_out", selection.refused)

    steps = {}
    for step in (concepts, words, meaning, pairs):
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        steps[step.__name__] = Timing(time.perf_counter() - wall, time.process_time() - cpu)
    return steps, Timing(sum(t.wall for t in steps.values()), sum(t.cpu for t in steps.values()))


def _insert(
    library: tuple[pl.DataFrame, np.ndarray], concepts: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    return library[0], concepts, library[1]


def show(label: str, steps: dict[str, Timing], total: Timing) -> None:
    """Print one line of the table."""
    each = "".join(f"{t.wall:9.2f}{t.cpu:8.2f}" for t in [*steps.values(), total])
    print(f"{label:22}{each}", flush=True)


def main() -> None:
    """Weave, link, let the event happen, link again, compare, print."""
    # Imports take seconds and are not linking: they are done before the clock starts.
    for name in ("scipy.sparse", "torch"):
        importlib.import_module(name)
    parser = argparse.ArgumentParser(description="Time the linking of one new book.")
    parser.add_argument("--artifacts", type=Path, help="artifacts of a built library")
    parser.add_argument("--library", type=Path, default=SAMPLES, help="or a folder of books")
    parser.add_argument("--books", type=int, default=50)
    parser.add_argument("--passages", type=int, default=640, help="passages of each book")
    parser.add_argument("--events", nargs="+", choices=EVENTS, default=["add"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    made = arguments.artifacts
    source = from_artifacts(made) if made else from_books(arguments.library)
    domains = sorted(source.chunks["domain"].unique())
    print(
        f"{source.chunks.height:,} real passages of {len(domains)} domains; "
        f"{arguments.books} books of {arguments.passages} passages woven from them"
    )
    with tempfile.TemporaryDirectory(prefix="xpoll-incremental-") as folder:
        figures = measure(source, domains, Path(folder), arguments)
    print(json.dumps(figures))


def measure(
    source: Source, domains: list[str], folder: Path, arguments: argparse.Namespace
) -> dict[str, object]:
    """Link with and without the cache for each event; the figures of all."""
    tables = folder / "tables"
    tables.mkdir()

    def book(number: int, domain: str, version: int = 0) -> tuple[str, Path]:
        name = f"{domain}--book-{number:03d}"
        seed = arguments.seed + 1000 * version + number
        return name, weave_book(source, domain, name, arguments.passages, seed, tables)

    numbers = range(arguments.books)
    library = dict(book(number, domains[number % len(domains)]) for number in numbers)
    *rest, last = library
    without = {name: library[name] for name in rest}
    other = domains[arguments.books % len(domains)]
    events = {
        "add": (without, library),
        "change": (library, without | dict([book(arguments.books - 1, last.split("--")[0], 1)])),
        "remove": (library, without),
        "move": (library, without | dict([book(arguments.books - 1, other)])),
    }
    print(
        f"{'seconds (clock, cpu)':22}"
        + "".join(f"{step:>17}" for step in ("concepts", "words", "meaning", "pairs", "all"))
    )
    figures: dict[str, object] = {"books": arguments.books, "passages": arguments.passages}
    for event in arguments.events:
        before, after = events[event]
        cache = folder / f"cache-{event}"
        show(f"{event}: before", *link_library(before, cache, folder / "before"))
        steps, part = link_library(after, cache, folder / "incremental")
        show(f"{event}: incremental", steps, part)
        kept = sum(path.stat().st_size for path in cache.rglob("*.parquet")) / 2**20
        steps, full = link_library(after, None, folder / "full")
        show(f"{event}: full", steps, full)
        differing = [
            name
            for name in TABLES
            if not pl.read_parquet(folder / "incremental" / f"{name}.parquet").equals(
                pl.read_parquet(folder / "full" / f"{name}.parquet")
            )
        ]
        equal = not differing
        pairs = pl.read_parquet(folder / "full" / "cross_domain_pairs.parquet").height
        print(
            f"{event}: {part.wall / full.wall:.1%} of the clock, {part.cpu / full.cpu:.1%} of the "
            f"processor time; {'equal' if equal else 'NOT EQUAL'}, {pairs:,} pairs; "
            f"cache {kept:,.0f} MiB"
        )
        figures |= {
            f"{event}_s": round(part.wall, 2),
            f"{event}_cpu_s": round(part.cpu, 2),
            f"{event}_full_s": round(full.wall, 2),
            f"{event}_full_cpu_s": round(full.cpu, 2),
            f"{event}_ratio": round(part.wall / full.wall, 4),
            f"{event}_cpu_ratio": round(part.cpu / full.cpu, 4),
            f"{event}_equal": equal,
            f"{event}_cache_mib": round(kept),
        }
        if not equal:
            named = ", ".join(differing)
            raise SystemExit(f"After {event} these tables differ from a full linking's: {named}.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures | {"peak_mib": round(peak)}


if __name__ == "__main__":
    main()
