"""The merge of sources to one corpus, its work done on a `Compute`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.compute.protocol import Compute, Task
from xpoll_dagster.corpus.decision import Finders, Report, decide
from xpoll_dagster.corpus.decontamination import contaminated_rows
from xpoll_dagster.corpus.distributed.copies import exact_copies_on
from xpoll_dagster.corpus.distributed.derived import find_tests_on, sign_sources_on
from xpoll_dagster.corpus.distributed.neighbours import near_duplicates_on
from xpoll_dagster.corpus.distributed.shard_rows import ShardRows, read_batch
from xpoll_dagster.corpus.earlier import EarlierCorpus, shard_identity
from xpoll_dagster.corpus.fates import Fates, numbering
from xpoll_dagster.corpus.manifest import Manifest
from xpoll_dagster.corpus.merge import write_corpus
from xpoll_dagster.corpus.merge_options import (
    DecontaminationOptions,
    MergeOptions,
    NearDuplicateOptions,
)
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.shards import write_shard
from xpoll_dagster.corpus.source_tables import Source, open_sources
from xpoll_dagster.storage import hash_file, replace_directory

_MADE = ".made"


def merge_sources_on(
    compute: Compute,
    folders: Iterable[Path],
    destination: Path,
    options: MergeOptions | None = None,
    tests: pl.DataFrame | None = None,
    report: Report | None = None,
) -> Manifest:
    """As `merge.merge_sources`, which it equals to the byte, on a cluster.

    Raises:
        SourceError: A source is not whole, or the disk is full.
        BatchError: A part of the work failed as often as it was tried.
        ComputeError: The cluster is gone.
    """
    with replace_directory(destination) as folder:
        return fill_corpus_on(compute, folders, folder, options, tests, destination, report)


def fill_corpus_on(
    compute: Compute,
    folders: Iterable[Path],
    folder: Path,
    options: MergeOptions | None = None,
    tests: pl.DataFrame | None = None,
    earlier: Path | None = None,
    report: Report | None = None,
) -> Manifest:
    """As `merge.fill_corpus`, on a cluster. Errors are those of `merge_sources_on`."""
    options = options or MergeOptions()
    tell = report or (lambda _: None)
    sources = open_sources(folders)
    fates = decide_on(compute, sources, options, tests, tell)
    last = EarlierCorpus.open(earlier)
    made = folder / _MADE
    made.mkdir()
    try:
        tell("Writing the shards that lose rows.")
        found = _write_shards(compute, sources, fates, made, last)
        return write_corpus(
            sources, fates, folder, options, tests, _Made(last.folder, last.files, found), tell
        )
    finally:
        shutil.rmtree(made, ignore_errors=True)


def decide_on(
    compute: Compute,
    sources: list[Source],
    options: MergeOptions,
    tests: pl.DataFrame | None = None,
    tell: Report | None = None,
) -> Fates:
    """As `decision.decide`, on a cluster: tests first, then copies, then near-duplicates."""

    def contaminated(
        sources: list[Source], tests: pl.DataFrame, options: DecontaminationOptions
    ) -> pl.DataFrame:
        find_tests_on(compute, sources, tests, options)
        return contaminated_rows(sources, tests, options)

    def near(
        sources: list[Source], removed: np.ndarray, options: NearDuplicateOptions
    ) -> pl.DataFrame:
        sign_sources_on(compute, sources, options)
        return near_duplicates_on(compute, sources, removed, options)

    finders = Finders(contaminated, partial(exact_copies_on, compute), near)
    return decide(sources, options, tests, tell, finders)


@dataclass(frozen=True)
class _Made(EarlierCorpus):
    """The last corpus, and the shards that were just made on the cluster."""

    made: dict[str, tuple[Path, str]]

    def find(self, identity: str) -> tuple[Path, str] | None:
        return self.made.get(identity) or super().find(identity)


@dataclass(frozen=True)
class _Wanted:
    rows: ShardRows
    identity: str
    compression: str


def _wanted(sources: list[Source], fates: Fates, last: EarlierCorpus) -> Iterator[_Wanted]:
    """Shards that are neither the source's own file nor one of the last corpus."""
    for start, source in zip(numbering(sources)[:-1], sources, strict=True):
        stays = ~fates.removed[start : start + source.report.rows]
        for number, shard in enumerate(source.report.shards):
            low, high = source.starts[number], source.starts[number + 1]
            chosen = stays[low:high]
            if not chosen.any():
                continue
            identity = shard_identity(source, number, chosen)
            if identity != shard.sha256 and last.find(identity) is None:
                rows = ShardRows(source, number, chosen)
                yield _Wanted(rows, identity, source.report.compression)


def _write_shards(
    compute: Compute, sources: list[Source], fates: Fates, folder: Path, last: EarlierCorpus
) -> dict[str, tuple[Path, str]]:
    """Write shards into a folder; returns the file and its hash by identity."""
    wanted = list(_wanted(sources, fates, last))
    shared = compute.shared_files
    batches = (
        shard.rows.batch(None, shared=shared).with_columns(
            to=pl.lit(shard.identity), compression=pl.lit(shard.compression)
        )
        for shard in wanted
    )
    found = {}
    target = folder.resolve() if shared else None
    for place, written in compute.map_batches(batches, partial(_writer, target)):
        identity = wanted[place].identity
        path = folder / identity
        data, sha256 = written.row(0)
        if data is not None:
            with path.open("wb") as file:
                file.write(data)
                os.fsync(file.fileno())
        # What a worker wrote itself is looked for here, and not read through a second time.
        whole = path.is_file() if data is None else hash_file(path) == sha256
        if not whole:
            raise SourceError(
                f"A shard of {wanted[place].rows.source.name} did not come back whole: check that "
                "XPOLL_RAY__SHARED_FILES is true only where all nodes see the same files, and "
                "merge again."
            )
        found[identity] = (path, sha256)
    return found


def _writer(folder: Path | None) -> Task:
    """Writes a shard into the shared folder, or gives back its bytes."""

    def write(batch: pl.DataFrame) -> pl.DataFrame:
        import tempfile

        identity, compression = batch.select("to", "compression").row(0)
        rows = read_batch(batch.drop("to", "compression"), None)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as own:
            path = Path(own) / "shard"
            sha256 = write_shard(rows, path, compression)
            data = path.read_bytes() if folder is None else None
            if folder is not None:
                # Another worker may be at the same shard, where a node was thought dead.
                os.replace(path, folder / identity)  # noqa: PTH105
        return pl.DataFrame(
            {"data": pl.Series([data], dtype=pl.Binary), "sha256": [sha256]},
        )

    return write
