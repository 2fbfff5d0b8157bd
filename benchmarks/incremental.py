"""Fifty books in the library, one added: `python -m benchmarks.incremental`.

What is timed is the linking job as it runs in production, through Dagster: three signals, then
the pairs. Once for the whole library, once more after a book has been added; then a library that
holds all books from the start is linked at once, and the artifacts of both are compared byte by
byte. Books are made up at the level of stored tables (see `made_library`), for which no book
need be read. With `--library` real books are taken instead, and the last one's whole chain is
timed too.

The last line is JSON: `full_s`, `added_s` and `share` on the clock, the same of processor time,
`overhead_s` (the job where nothing is to be done, part of both), `chain_s` for real books, and
`equal`. Exit code 1 where the results differ.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from benchmarks.made_library import BookMaker, store_book
from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.building import build
from xpoll_dagster.defs.home import open_instance
from xpoll_dagster.defs.phases import BOOKS
from xpoll_dagster.settings import Settings, get_settings
from xpoll_dagster.storage import ArtifactStore, hash_file, hash_tree

SIGNALS = ("concept_links", "lexical_links", "semantic_links")
LINKING = (*SIGNALS, "cross_domain_pairs")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock and of processor time."""

    wall: float
    cpu: float


class Project:
    """A data folder, and the instance of Dagster that belongs to it."""

    def __init__(self, folder: Path) -> None:
        os.environ["XPOLL_DATA_DIR"] = str(folder)
        get_settings.cache_clear()
        self.settings: Settings = get_settings()
        self.store = ArtifactStore(self.settings.artifacts_dir)
        self.jobs = defs()
        self._opened: AbstractContextManager[dg.DagsterInstance] = open_instance(self.settings)
        self.instance = self._opened.__enter__()

    def close(self) -> None:
        """Let the instance go."""
        self._opened.__exit__(None, None, None)

    def run(self, assets: Sequence[str], books: Sequence[str] = ()) -> Took:
        """Build what is stale of some assets."""
        wall, cpu = time.perf_counter(), time.process_time()
        report = build(
            self.settings, self.jobs.resolve_job_def, self.instance, assets=assets, books=books
        )
        took = Took(time.perf_counter() - wall, time.process_time() - cpu)
        if report.failed:
            raise SystemExit(f"It could not be built: {report.failed}")
        return took

    def hashes(self) -> dict[str, str]:
        """Content hashes of what linking leaves, with what was left out and why."""
        root = self.settings.artifacts_dir
        pairs = [root / "cross_domain_pairs.parquet", root / "cross_domain_pairs.left_out.parquet"]
        return {asset: hash_tree(root / asset) for asset in SIGNALS} | {
            path.name: hash_file(path) for path in pairs
        }

    def work(self) -> dict[str, dict[str, int]]:
        """What each step says it had to do."""
        found = {}
        for asset in LINKING:
            suffix = ".parquet" if asset == LINKING[-1] else ""
            artifact = self.store.get(asset, suffix=suffix)
            found[asset] = dict(artifact.numbers) if artifact else {}
        return found


def main() -> None:
    """Link, add, link again, compare, print."""
    # Imports take seconds and are not linking: a book's chain has done them by then.
    for name in ("scipy.sparse", "torch", "matplotlib.figure", "polars_hash"):
        importlib.import_module(name)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--books", type=int, default=50, help="made-up books before the addition")
    parser.add_argument("--domains", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", type=Path, help="real books instead: a folder of them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xpoll-incremental-") as folder:
        result = (
            _made(Path(folder), arguments.books, arguments.domains, arguments.seed)
            if arguments.library is None
            else _real(Path(folder), arguments.library)
        )
    print(json.dumps(result))
    raise SystemExit(0 if result["equal"] else 1)


def _made(folder: Path, count: int, domains: int, seed: int) -> dict[str, object]:
    maker = BookMaker(domains, seed)
    books = [maker.make(number) for number in range(count + 1)]
    passages = sum(book.chunks.height for book in books)
    print(f"{count} + 1 books, {passages:,} chunks, {domains} domains")
    one = Project(folder / "one")
    for book in books[:-1]:
        store_book(book, one.settings.books_dir, one.store)
    full = one.run(LINKING)
    overhead = one.run(LINKING)
    store_book(books[-1], one.settings.books_dir, one.store)
    added = one.run(LINKING)
    one.close()
    other = Project(folder / "other")
    for book in reversed(books):
        store_book(book, other.settings.books_dir, other.store)
    again = other.run(LINKING)
    other.close()
    return _told(one, other, full, added, again, overhead)


def _real(folder: Path, library: Path) -> dict[str, object]:
    files = sorted(path for path in library.glob("*/*") if not path.name.startswith("."))
    one = Project(folder / "one")
    for file in files[:-1]:
        _copy(file, one.settings.books_dir)
    one.run(BOOKS.steps)
    full = one.run(LINKING)
    overhead = one.run(LINKING)
    _copy(files[-1], one.settings.books_dir)
    chain = one.run(BOOKS.steps)
    added = one.run(LINKING)
    print(f"{len(files) - 1} + 1 books; the chain of {files[-1].name}: {chain.wall:.1f} s")
    one.close()
    # The chains of the books are the same: only linking starts from nothing.
    other = Project(folder / "other")
    shutil.copytree(one.settings.books_dir, other.settings.books_dir, dirs_exist_ok=True)
    for asset in BOOKS.steps:
        shutil.copytree(one.store.root / asset, other.store.root / asset)
        for manifest in (one.store.root / ".manifests").glob(f"{asset}@*.json"):
            target = other.store.root / ".manifests" / manifest.name
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(manifest, target)
    again = other.run(LINKING)
    other.close()
    return _told(one, other, full, added, again, overhead) | {"chain_s": round(chain.wall, 2)}


def _copy(file: Path, books: Path) -> None:
    target = books / file.parent.name / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if file.is_dir() else shutil.copyfile)(file, target)


def _told(
    one: Project, other: Project, full: Took, added: Took, again: Took, overhead: Took
) -> dict[str, object]:
    print(f"{'':32}{'seconds':>10}{'cpu s':>10}")
    for name, took in (
        ("the library linked", full),
        ("a book added", added),
        ("all at once, for comparison", again),
        ("nothing to do", overhead),
    ):
        print(f"{name:32}{took.wall:10.2f}{took.cpu:10.2f}")
    for asset, numbers in one.work().items():
        print(f"{asset:20} {', '.join(f'{key} {value}' for key, value in numbers.items())}")
    left, right = one.hashes(), other.hashes()
    differ = [name for name in left if left[name] != right[name]]
    print(f"differing artifacts: {', '.join(differ) or 'none'}")
    return {
        "full_s": round(full.wall, 2),
        "added_s": round(added.wall, 2),
        "share": round(added.wall / full.wall, 4),
        "full_cpu_s": round(full.cpu, 2),
        "added_cpu_s": round(added.cpu, 2),
        "cpu_share": round(added.cpu / full.cpu, 4),
        "overhead_s": round(overhead.wall, 2),
        "equal": not differ,
    }


if __name__ == "__main__":
    main()
