"""One entry of the catalogue → one normalised source on disk.

Files are read, adapted, capped and written as a stream. What was made of large sources, and of
downloads, is kept in a journal in the work folder until the source is whole, so that a process
that was killed goes on where it stopped.

A cap keeps the rows of the least content hashes: which rows stay depends on the rows alone,
neither on the order of the files nor on where a row stands in them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.adapters.adapting import Adapted, Adapting
from xpoll_dagster.corpus.adapters.model import ROW_COLUMNS, UNIT
from xpoll_dagster.corpus.caps import CapLimit, cap_hashes, cap_limit
from xpoll_dagster.corpus.catalogue import Catalogue, Entry
from xpoll_dagster.corpus.journal import Journal, Piece
from xpoll_dagster.corpus.merge_options import SourceOptions
from xpoll_dagster.corpus.model import PREFERENCES_SCHEMA, REJECTED_SCHEMA, SourceError
from xpoll_dagster.corpus.reading import ReadingOptions, read_file
from xpoll_dagster.corpus.seen import SeenHashes
from xpoll_dagster.corpus.source_tables import SourceReport
from xpoll_dagster.corpus.source_writer import SourceWriter
from xpoll_dagster.storage import fingerprint, hash_file

NORMALISING_FILE = "normalising.json"
CAPPED = "beyond the cap"
"""Reason of rows that the cap leaves out; they are counted among the rejected ones."""

VERSION = 2
"""Raised when the same input would give other rows: journals of another version are no use."""


class NormalisingOptions(BaseModel):
    """How a source is read and written."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    reading: ReadingOptions = ReadingOptions()
    source: SourceOptions = SourceOptions()
    journal_bytes: int = Field(default=1 << 30, ge=0)
    """Sources of more bytes than this keep a journal, so that a restart goes on. Smaller ones
    are done again from the beginning in less time than their journal takes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: the file at hand, bytes of the files that are done, and rows read so far."""

    file: str
    bytes_done: int
    bytes_total: int
    units: int


class NormalisingReport(BaseModel):
    """What normalising did; `read` = `rows` + `rejected` + `capped`.

    `lengths` are percentiles of the characters of instruction with input, and of output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    revision: str
    files: dict[str, str]
    bytes: int
    read: int
    rows: int
    rejected: dict[str, int]
    capped: int
    preferences: int
    categories: dict[str, int]
    licences: dict[str, int]
    adapters: dict[str, int]
    notes: dict[str, int]
    lengths: dict[str, dict[str, int]]


def normalise_source(
    entry: Entry,
    folder: Path,
    files: Sequence[Path],
    *,
    revision: str = "",
    work: Path | None = None,
    expected: SeenHashes | None = None,
    options: NormalisingOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_read: Callable[[np.ndarray], None] | None = None,
) -> NormalisingReport:
    """Normalise the files of an entry.

    Args:
        entry: The catalogue's entry.
        folder: An empty folder, which the caller puts in place whole.
        files: Its files, local or downloaded.
        revision: What was downloaded; unset, a hash of the files.
        work: Folder in which the journal lies, the same at every attempt; unset, none is kept.
        expected: Keys of sources that outrank this one (`reading_turns`).
        options: Limits and sizes.
        on_progress: Told after each batch.
        on_read: Given the keys (`key_a`) of all rows when the last is hashed; what is left then
            is to write them.

    Returns:
        The report, which also lies in the folder as `normalising.json`.

    Raises:
        SourceError: A file cannot be read, or gives nothing but other columns than it should.
    """
    options = options or NormalisingOptions()
    if not files:
        raise SourceError(f"{entry.name} has no files: nothing can be read.")
    shown = shown_names(files)
    total = sum(file.stat().st_size for file in files)
    kept = work is not None and (total > options.journal_bytes or entry.cap is not None)
    # Files are hashed while they are read; a journal must know first whether it is theirs.
    hashing = ThreadPoolExecutor(1, thread_name_prefix="files")
    hashed = [hashing.submit(hash_file, file) for file in files]
    hashing.shutdown(wait=False)
    if work is not None and kept:
        hashes = _hashes(hashed, files, shown)
        journal = Journal(work / "journal", _identity(entry, options.reading, hashes))
    else:
        journal = Journal(None, "")
    make = _Pieces(entry, files, shown, options.reading, total, on_progress)
    if entry.cap is not None and work is None:
        # Which rows stay is known only when all have been seen: they are made twice.
        limit = cap_limit(make.pieces(journal), entry.cap)
        make = _Pieces(entry, files, shown, options.reading, total, on_progress)
        pieces: Iterable[Piece] = make.pieces(journal)
    elif entry.cap is not None:
        for _ in make.pieces(journal):
            pass
        limit = cap_limit(journal.pieces(), entry.cap)
        pieces = journal.pieces()
    else:
        limit = None
        pieces = make.pieces(journal)
    counts = _Counts()
    with (
        ExitStack() as ended,
        SourceWriter(
            folder,
            entry.name,
            licence=entry.licence,
            priority=entry.priority,
            expected=expected,
            options=options.source,
        ) as writer,
    ):
        for one in hashed:
            ended.callback(one.cancel)  # files of a source that failed need no hash any more
        for piece in pieces:
            _write(piece, writer, counts, limit, entry)
        if on_read is not None:
            on_read(writer.settle())
        hashes = _hashes(hashed, files, shown)
        revision = revision or fingerprint(hashes)
        report = writer.finish(read=counts.read, revision=revision)
    done = _report(entry, report, counts, hashes, total, revision)
    (folder / NORMALISING_FILE).write_text(
        json.dumps(done.model_dump(), indent=1, ensure_ascii=False), encoding="utf-8"
    )
    journal.clear()
    return done


def _hashes(
    hashed: list[Future[str]], files: Sequence[Path], shown: dict[Path, str]
) -> dict[str, str]:
    return {shown[file]: one.result() for file, one in zip(files, hashed, strict=True)}


def _identity(entry: Entry, reading: ReadingOptions, hashes: dict[str, str]) -> str:
    return fingerprint(
        {
            "entry": entry.model_dump(mode="json", include={"adapter", "category", "evaluation"}),
            "options": entry.options.model_dump(),
            "reading": reading.model_dump(),
            "files": hashes,
            "version": VERSION,
        }
    )


def read_normalising_report(folder: Path) -> NormalisingReport:
    """The report in a source's folder.

    Raises:
        SourceError: There is none.
    """
    try:
        text = (folder / NORMALISING_FILE).read_text(encoding="utf-8")
        return NormalisingReport.model_validate_json(text)
    except (OSError, ValueError) as error:
        raise SourceError(f"{folder} holds no normalised source: build it again.") from error


def shown_names(files: Sequence[Path]) -> dict[Path, str]:
    """Short names of files that differ: the name, with as many folders before it as needed."""
    depth = 1
    while True:
        names = ["/".join(file.parts[-depth:]) for file in files]
        if len(set(names)) == len(set(files)) or depth > 20:
            return dict(zip(files, names, strict=True))
        depth += 1


# -- pieces ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Pieces:
    entry: Entry
    files: Sequence[Path]
    shown: dict[Path, str]
    reading: ReadingOptions
    total: int
    on_progress: Callable[[Progress], None] | None
    units: int = 0

    def pieces(self, journal: Journal) -> Iterator[Piece]:
        """What became of each batch, from the journal as far as that reaches."""
        done_bytes = 0
        for number, file in enumerate(self.files):
            size = file.stat().st_size
            before = 0
            for piece in journal.finished(number):
                before += 1
                self.units += piece.units
                yield piece
            if not journal.whole(number):
                for piece in self._adapt(file, number, journal, before):
                    self.units += piece.units
                    yield piece
                    self._tell(file, done_bytes)
                journal.finish(number)
            done_bytes += size
            self._tell(file, done_bytes)

    def _adapt(self, file: Path, number: int, journal: Journal, skip: int) -> Iterator[Piece]:
        adapting = Adapting(
            self.shown[file], self.entry.adapter, self.entry.adapter_options, self.entry.category
        )
        adapted_batches = adapting.adapt(read_file(file, self.reading), skip)
        for index, adapted in enumerate(adapted_batches):
            if index >= skip:
                piece = _piece(adapted, self.entry.name)
                journal.add(number, piece)
                yield piece

    def _tell(self, file: Path, done: int) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(self.shown[file], done, self.total, self.units))


def _piece(adapted: Adapted, name: str) -> Piece:
    rows = _joined(adapted.rows, ROW_COLUMNS)
    rejected = _joined(
        [part.with_columns(_source=pl.lit(name)) for part in adapted.rejected], REJECTED_SCHEMA
    )
    preferences = _joined(
        adapted.preferences,
        pl.Schema(
            {UNIT: pl.Int64, **{n: PREFERENCES_SCHEMA[n] for n in ("prompt", "chosen", "rejected")}}
        ),
    )
    if rows.height + rejected.height != adapted.units:
        raise SourceError(
            f"{name}: of {adapted.units} rows {rows.height} were kept and {rejected.height} "
            "rejected. This is a fault of the program."
        )
    return Piece(rows, rejected, preferences, dict(adapted.adapters), dict(adapted.notes))


def _joined(parts: list[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    if not parts:
        return pl.DataFrame(schema=schema)
    return pl.concat([part.select(schema.names()) for part in parts]).cast(schema)


# -- writing -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Counts:
    read: int = 0
    capped: int = 0
    preferences: int = 0
    adapters: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    prompts: list[np.ndarray] = field(default_factory=list)
    outputs: list[np.ndarray] = field(default_factory=list)


def _write(
    piece: Piece, writer: SourceWriter, counts: _Counts, limit: CapLimit | None, entry: Entry
) -> None:
    counts.read += piece.units
    counts.adapters.update(piece.adapters)
    counts.notes.update(piece.notes)
    rows = piece.rows
    if limit is not None and rows.height:
        kept = limit.keep(cap_hashes(rows))
        capped = int((~kept).sum())
        counts.capped += capped
        if capped:
            writer.reject(_beyond(capped, entry.name))
        rows = rows.filter(pl.Series(kept))
    if piece.rejected.height:
        writer.reject(piece.rejected)
    if not rows.height:
        return
    lengths = rows.select(
        prompt=pl.col("instruction").str.len_chars() + pl.col("input").str.len_chars(),
        output=pl.col("output").str.len_chars(),
    )
    counts.prompts.append(lengths["prompt"].to_numpy())
    counts.outputs.append(lengths["output"].to_numpy())
    if not piece.preferences.height:
        writer.add(rows.drop(UNIT))
    else:
        ids = writer.write(rows.drop(UNIT))
        known = rows.select(UNIT, "_category", pl.col("_license").fill_null(entry.licence), _id=ids)
        preferences = piece.preferences.join(known, on=UNIT, maintain_order="left")
        counts.preferences += preferences.height
        preferences = preferences.with_columns(_source=pl.lit(entry.name))
        writer.write_beside("preferences", preferences.select(PREFERENCES_SCHEMA.names()))


def _beyond(count: int, name: str) -> pl.DataFrame:
    # A row each, so that counts conserve; the rows themselves are fit for use and are not kept.
    return pl.DataFrame(
        {"_source": [name], "file": [""], "position": [-1], "reason": [CAPPED], "excerpt": [""]},
        schema=REJECTED_SCHEMA,
    ).select(pl.all().repeat_by(count).explode(empty_as_null=False))


def _report(
    entry: Entry,
    report: SourceReport,
    counts: _Counts,
    hashes: dict[str, str],
    size: int,
    revision: str,
) -> NormalisingReport:
    rejected = {reason: n for reason, n in report.rejected.items() if reason != CAPPED}
    return NormalisingReport(
        name=entry.name,
        revision=revision,
        files=hashes,
        bytes=size,
        read=counts.read,
        rows=report.rows,
        rejected=rejected,
        capped=counts.capped,
        preferences=counts.preferences,
        categories=report.categories,
        licences=report.licences,
        adapters=dict(sorted(counts.adapters.items())),
        notes=dict(sorted(counts.notes.items())),
        lengths={"prompt": _percentiles(counts.prompts), "output": _percentiles(counts.outputs)},
    )


def _percentiles(parts: list[np.ndarray]) -> dict[str, int]:
    if not parts:
        return {}
    values = np.concatenate(parts)
    at = (1, 5, 25, 50, 75, 95, 99)
    found = np.percentile(values, at, method="lower")
    return {
        **{f"p{p}": int(value) for p, value in zip(at, found, strict=True)},
        "max": int(values.max()),
        "mean": int(values.mean()),
    }


def normalise_local(
    catalogue: Catalogue, name: str, folder: Path, *, artifacts: Path | None = None, **keywords: Any
) -> NormalisingReport:
    """`normalise_source` for an entry whose files are local or the project's own."""
    entry = catalogue.entry(name)
    return normalise_source(entry, folder, catalogue.local_files(entry, artifacts), **keywords)
