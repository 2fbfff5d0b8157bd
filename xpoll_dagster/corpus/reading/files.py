"""Which reader a file gets."""

from __future__ import annotations

from pathlib import Path

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.reading.batches import Batches, ReadingOptions
from xpoll_dagster.corpus.reading.documents import read_json
from xpoll_dagster.corpus.reading.streams import bare_suffix
from xpoll_dagster.corpus.reading.tables import first_batches, read_csv, read_parquet, read_text

FORMATS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt", ".md")


def read_file(path: Path, options: ReadingOptions | None = None) -> Batches:
    """The records of a file, batch by batch.

    Args:
        path: A file of one of `FORMATS`, but for Parquet also packed (.gz, .zst, .bz2, .xz).
        options: Limits.

    Raises:
        SourceError: The file cannot be read, or has another format.
    """
    options = options or ReadingOptions()
    suffix = bare_suffix(path)
    if not path.is_file():
        raise SourceError(f"{path} is not there: download it, or correct `files`.")
    if suffix in {".jsonl", ".ndjson", ".json"}:
        batches = read_json(path, options, lines=suffix != ".json")
    elif suffix in {".csv", ".tsv"}:
        batches = read_csv(path, options, tabs=suffix == ".tsv")
    elif suffix == ".parquet":
        batches = read_parquet(path, options)
    elif suffix in {".txt", ".md"}:
        batches = read_text(path, options)
    else:
        raise SourceError(
            f"{path.name} has a format that is not read: use {', '.join(FORMATS)}, packed or not."
        )
    return first_batches(batches)
