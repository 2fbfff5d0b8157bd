"""The merge: all sources to one corpus of unique rows, with the fate of every other row.

Keys first: what becomes of a row is decided on keys and signatures alone, a few bytes a row.
Then the rows: the shards of the corpus are the shards of the sources without the removed
rows. A shard that loses no row is the source's own file; one that has not changed since the
last merge is that merge's file; only the others are written. All three ways give the same
bytes, so a corpus is the same however it came about.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.corpus.decision import Report, decide
from xpoll_dagster.corpus.earlier import EarlierCorpus, shard_identity
from xpoll_dagster.corpus.export import export_jsonl
from xpoll_dagster.corpus.fates import RULES, Fates, numbering
from xpoll_dagster.corpus.ledger import LEDGER_FOLDER, Ledger
from xpoll_dagster.corpus.manifest import (
    Manifest,
    MergedShard,
    MergedSource,
    summed,
    write_manifest,
)
from xpoll_dagster.corpus.merge_options import MergeOptions
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.shards import link_shard, write_shard
from xpoll_dagster.corpus.source_tables import Source, open_sources
from xpoll_dagster.storage import replace_directory

ROWS_FOLDER = "rows"


def merge_sources(
    folders: Iterable[Path],
    destination: Path,
    options: MergeOptions | None = None,
    tests: pl.DataFrame | None = None,
    report: Report | None = None,
) -> Manifest:
    """Merge sources into `destination`; the corpus there stays until the new one is whole.

    Args:
        folders: Finished sources (`source_tables`).
        destination: The folder of the corpus, which is replaced.
        options: Settings of the merge.
        tests: Evaluation sets, `TESTS_SCHEMA` of `decontamination`; unset, none.
        report: Told in one sentence what is being done.

    Raises:
        SourceError: A source is not whole, or the disk is full.
    """
    with replace_directory(destination) as folder:
        return fill_corpus(folders, folder, options, tests, earlier=destination, report=report)


def fill_corpus(
    folders: Iterable[Path],
    folder: Path,
    options: MergeOptions | None = None,
    tests: pl.DataFrame | None = None,
    earlier: Path | None = None,
    report: Report | None = None,
) -> Manifest:
    """Merge sources into an empty folder, which the caller puts in place.

    Args:
        folders: Finished sources.
        folder: The empty folder.
        options: Settings of the merge.
        tests: Evaluation sets, as for `merge_sources`.
        earlier: The last corpus, if there is one: what has not changed is taken from it.
        report: Told in one sentence what is being done.

    Raises:
        SourceError: A source is not whole, or the disk is full.
    """
    options = options or MergeOptions()
    tell = report or (lambda _: None)
    sources = open_sources(folders)
    try:
        fates = decide(sources, options, tests, tell)
        last = EarlierCorpus.open(earlier)
        manifest = write_corpus(sources, fates, folder, options, tests, last, tell)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SourceError(
                f"The disk that holds {folder.parent} is full: free some space and merge "
                "again. The corpus that was there before still stands."
            ) from error
        raise
    return manifest


def write_corpus(
    sources: list[Source],
    fates: Fates,
    folder: Path,
    options: MergeOptions,
    tests: pl.DataFrame | None,
    earlier: EarlierCorpus,
    tell: Report,
) -> Manifest:
    """Write shards, ledger, manifest and the JSONL copy into an empty folder.

    Args:
        sources: In the order in which the fates number their rows.
        fates: What becomes of every row.
        folder: The empty folder.
        options: Settings of the merge.
        tests: Evaluation sets, for the manifest.
        earlier: Where files are that need not be made again.
        tell: Told in one sentence what is being done.
    """
    (folder / ROWS_FOLDER).mkdir()
    (folder / LEDGER_FOLDER).mkdir()
    starts = numbering(sources)
    ledger = Ledger(sources, starts)
    merged: list[MergedSource] = []
    with ThreadPoolExecutor(options.threads, thread_name_prefix="merge") as pool:
        for index, source in enumerate(sources):
            stays = ~fates.removed[starts[index] : starts[index + 1]]
            tell(f"{source.name}: {int(stays.sum())} of {len(stays)} rows stay.")
            shards = list(
                pool.map(
                    lambda number, source=source, stays=stays: _write_shard(
                        source, number, stays, folder, earlier
                    ),
                    range(len(source.report.shards)),
                )
            )
            merged.append(
                _merged_source(
                    source,
                    stays,
                    fates.rule[starts[index] : starts[index + 1]],
                    [shard for shard in shards if shard is not None],
                    _write_ledger(ledger, index, source.name, fates, folder, earlier),
                )
            )
    manifest = _manifest(merged, options, tests)
    if options.jsonl != "none":
        tell("Writing the corpus as JSONL.")
        parts = export_jsonl(
            folder, manifest, compressed=options.jsonl == "zstd", earlier=earlier.folder
        )
        manifest = manifest.model_copy(update={"jsonl": parts})
    write_manifest(manifest, folder)
    return manifest


def _write_shard(
    source: Source, number: int, stays: np.ndarray, folder: Path, earlier: EarlierCorpus
) -> MergedShard | None:
    low, high = source.starts[number], source.starts[number + 1]
    chosen = stays[low:high]
    count = int(chosen.sum())
    if not count:
        return None
    file = f"{ROWS_FOLDER}/{source.name}-{number:05d}.parquet"
    identity = shard_identity(source, number, chosen)
    if identity == source.report.shards[number].sha256:
        link_shard(source.shard_path(number), folder / file)
        return MergedShard(file=file, rows=count, sha256=identity, identity=identity)
    found = earlier.find(identity)
    if found is not None:
        link_shard(found[0], folder / file)
        return MergedShard(file=file, rows=count, sha256=found[1], identity=identity)
    frame = source.read_shard(number, chosen)
    sha256 = write_shard(frame, folder / file, source.report.compression)
    return MergedShard(file=file, rows=count, sha256=sha256, identity=identity)


def _write_ledger(
    ledger: Ledger, index: int, name: str, fates: Fates, folder: Path, earlier: EarlierCorpus
) -> MergedShard | None:
    count = ledger.removed(index, fates)
    if not count:
        return None
    file = f"{LEDGER_FOLDER}/{name}.parquet"
    identity = ledger.identity(index, fates)
    found = earlier.find(identity)
    if found is not None:
        link_shard(found[0], folder / file)
        sha256 = found[1]
    else:
        sha256 = write_shard(ledger.frame(index, fates), folder / file, "zstd")
    return MergedShard(file=file, rows=count, sha256=sha256, identity=identity)


def _merged_source(
    source: Source,
    stays: np.ndarray,
    rule: np.ndarray,
    shards: list[MergedShard],
    ledger: MergedShard | None,
) -> MergedSource:
    rules = np.bincount(rule, minlength=len(RULES)).tolist()
    kept = source.keys("_category", "_license").filter(pl.Series(stays))
    counts = {
        column: {str(name): count for name, count in kept[column].value_counts().iter_rows()}
        for column in ("_category", "_license")
    }
    return MergedSource(
        name=source.name,
        licence=source.report.licence,
        revision=source.report.revision,
        priority=source.report.priority,
        read=source.report.read,
        kept=rules[0],
        removed={name: n for name, n in zip(RULES[1:], rules[1:], strict=True) if n},
        rejected=source.report.rejected,
        categories=dict(sorted(counts["_category"].items())),
        licences=dict(sorted(counts["_license"].items())),
        shards=shards,
        ledger=ledger,
    )


def _manifest(
    merged: list[MergedSource], options: MergeOptions, tests: pl.DataFrame | None
) -> Manifest:
    removed = summed([source.removed for source in merged])
    rows = sum(source.kept for source in merged)
    usable = rows + sum(removed.values())
    sets = {} if tests is None else dict(tests["test_set"].value_counts(sort=True).iter_rows())
    return Manifest(
        rows=rows,
        read=sum(source.read for source in merged),
        removed=removed,
        rejected=sum(sum(source.rejected.values()) for source in merged),
        duplicate_rate=round(
            (removed.get("exact", 0) + removed.get("near", 0)) / max(usable, 1), 6
        ),
        categories=summed([source.categories for source in merged]),
        licences=summed([source.licences for source in merged]),
        settings=options.model_dump(exclude={"threads"}),
        tests=dict(sorted(sets.items())),
        sources=merged,
        jsonl=[],
    )
