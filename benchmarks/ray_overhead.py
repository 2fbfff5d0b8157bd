"""What Ray costs: `python -m benchmarks.ray_overhead`.

The same work is done in one process and on a Ray cluster of two nodes, both on this machine, so
that whatever Ray takes longer is its overhead and none of its gain:

- embedding the chunks of several made-up books;
- merging made-up sources of which a fifth are copies, and with `--near` near-duplicates too.

Each is done twice on Ray: `first` starts the workers and loads the model in them, `again` finds
them running. Results are compared; where they differ, the run fails.
`--address` takes a cluster that runs already. The last line is JSON: seconds of each, and the
overhead of Ray's second run over one process, as a share of one process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.instruct_corpus import sentence_pool
from xpoll_dagster.books.embedding import embed_chunks, load_embedder
from xpoll_dagster.books.embedding_batches import embed_books
from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.corpus.distributed import merge_sources_on
from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions, SourceOptions
from xpoll_dagster.corpus.source_writer import SourceWriter
from xpoll_dagster.storage import hash_tree
from xpoll_dagster_tests.compute.ray_nodes import two_nodes


def make_books(books: int, chunks: int) -> dict[str, pl.DataFrame]:
    """Books of made-up chunks of about a thousand characters."""
    pool = sentence_pool(1)
    rng = np.random.default_rng(1)
    made = {}
    for number in range(books):
        texts = [" ".join(pool.gather(rng.integers(0, len(pool), 12))) for _ in range(chunks)]
        made[f"book-{number}"] = pl.DataFrame(
            {
                "chunk_id": [f"{number}-{place}" for place in range(chunks)],
                "passage": texts,
                "text": texts,
            }
        )
    return made


def make_sources(root: Path, sources: int, rows: int) -> list[Path]:
    """Sources of which a fifth of the rows stand in another one too."""
    pool = sentence_pool(2)
    rng = np.random.default_rng(2)
    texts = pl.DataFrame(
        {
            name: pool.gather(rng.integers(0, len(pool), rows * sources * count))
            .reshape((rows * sources, count))
            .arr.to_list()
            .list.join(" ")
            for name, count in (("instruction", 2), ("output", 14))
        }
    )
    folders = []
    for number in range(sources):
        own = np.arange(number * rows, (number + 1) * rows)
        copied = rng.random(rows) < 0.2
        own[copied] = rng.integers(0, rows * sources, int(copied.sum()))
        folder = root / f"source-{number}"
        folder.mkdir(parents=True)
        options = SourceOptions(shard_rows=max(rows // 4, 1))
        with SourceWriter(folder, folder.name, licence="MIT", options=options) as writer:
            writer.write(
                texts[own].select(
                    "instruction",
                    "output",
                    input=pl.lit(""),
                    system=pl.lit(""),
                    messages=pl.lit(None, _MESSAGES),
                    _category=pl.lit("instruction"),
                    _license=pl.lit(None, pl.String),
                )
            )
            writer.finish(read=rows)
        folders.append(folder)
    return folders


_MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


def timed(work: Callable[[], object]) -> tuple[object, float]:
    """What the work gave, and its seconds."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def forget(folders: list[Path]) -> None:
    """Delete what a merge keeps beside the sources, so that the next one starts cold."""
    for folder in folders:
        for path in folder.glob(".*.parquet"):
            path.unlink()


@contextlib.contextmanager
def cluster(address: str) -> Iterator[ComputeOptions]:
    """Options for the cluster at an address, or for two nodes that are started here."""
    if address:
        yield ComputeOptions(kind="ray", address=address)
        return
    with two_nodes() as nodes:
        yield nodes.options(actors=2, partitions=8)


def compare(name: str, here: Callable[[], object], there: Callable[[], object]) -> dict[str, float]:
    """Seconds in one process, of the first and of the second run on Ray."""
    expected, local = timed(here)
    seconds = {"local_s": local}
    for run in ("first_s", "again_s"):
        found, seconds[run] = timed(there)
        if found != expected:
            raise SystemExit(f"{name}: Ray's result differs from that of one process.")
    overhead = seconds["again_s"] / local - 1
    told = "  ".join(f"{key} {value:8.2f}" for key, value in seconds.items())
    print(f"{name:10s} {told}  overhead {overhead:+.0%}", flush=True)
    return {key: round(value, 3) for key, value in (seconds | {"overhead": overhead}).items()}


def main() -> None:
    """Run both, print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--books", type=int, default=6)
    parser.add_argument("--chunks", type=int, default=500, help="of a book")
    parser.add_argument("--sources", type=int, default=4)
    parser.add_argument("--rows", type=int, default=50_000, help="of a source")
    parser.add_argument("--near", action="store_true", help="near-duplicates too")
    parser.add_argument("--address", default="", help="host:port of a running cluster")
    given = parser.parse_args()
    result: dict[str, object] = {"chunks": given.books * given.chunks}
    result["rows"] = given.sources * given.rows
    with (
        tempfile.TemporaryDirectory(prefix="ray-overhead-") as folder,
        cluster(given.address) as options,
    ):
        root = Path(folder)
        books = make_books(given.books, given.chunks)
        sources = make_sources(root / "sources", given.sources, given.rows)
        merging = MergeOptions(near_duplicates=given.near, jsonl="none")
        embedder = load_embedder()
        embedder.encode(["The model is loaded before the clock starts."])

        def merged_here() -> str:
            forget(sources)
            merge_sources(sources, root / "one", merging)
            return hash_tree(root / "one")

        began = time.perf_counter()
        with open_compute(options) as compute:
            result["connect_s"] = round(time.perf_counter() - began, 3)

            def merged_there() -> str:
                forget(sources)
                # Without the last corpus, whose shards would be taken as they are.
                target = root / f"many-{time.monotonic_ns()}"
                merge_sources_on(compute, sources, target, merging)
                return hash_tree(target)

            result["embedding"] = compare(
                "embedding",
                lambda: {
                    name: embed_chunks(chunks, embedder).hash_rows().sum()
                    for name, chunks in books.items()
                },
                lambda: {
                    name: vectors.hash_rows().sum()
                    for name, vectors in embed_books(books.items(), compute)
                },
            )
            result["merging"] = compare("merging", merged_here, merged_there)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps(result | {"peak_mb": peak}))


if __name__ == "__main__":
    main()
