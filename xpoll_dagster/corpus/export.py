"""The merged corpus as one JSONL file, plain or as zstd frames, written as a stream.

Sources follow each other by name, each in its own stretch of the file (in zstd: in frames of
its own, which every decoder reads as one). A stretch that has not changed since the last
corpus is copied by the kernel, without decoding it; where the file system can share blocks
the copy takes no space either.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import polars as pl

from xpoll_dagster.corpus.manifest import JsonlPart, Manifest, MergedSource, read_manifest
from xpoll_dagster.corpus.model import SourceError

JSONL_FILE = "merged_global_corpus.jsonl"
_FRAME_ROWS = 10_000


def export_jsonl(
    folder: Path, manifest: Manifest, *, compressed: bool, earlier: Path | None = None
) -> list[JsonlPart]:
    """Write `merged_global_corpus.jsonl` (or `.jsonl.zst`) from the shards of a corpus.

    Args:
        folder: The corpus, with its shards written.
        manifest: What it holds.
        compressed: Whether to write zstd.
        earlier: The last corpus, whose unchanged stretches are copied.

    Returns:
        Where in the file each source stands.
    """
    name = jsonl_name(compressed=compressed)
    known: dict[str, JsonlPart] = {}
    old_path = earlier / name if earlier else None
    if earlier is not None and old_path is not None and old_path.is_file():
        try:
            known = {part.identity: part for part in read_manifest(earlier).jsonl}
        except SourceError:
            known = {}
    parts: list[JsonlPart] = []
    with (folder / name).open("wb") as out:
        for source in manifest.sources:
            if not source.shards:
                continue
            identity = _identity(source, name)
            start = out.tell()
            part = known.get(identity)
            if part is not None and old_path is not None:
                _copy(old_path, part, out)
            else:
                _write_source(folder, source, out, compressed=compressed)
            parts.append(
                JsonlPart(
                    source=source.name, identity=identity, start=start, bytes=out.tell() - start
                )
            )
    return parts


def jsonl_name(*, compressed: bool) -> str:
    """Name of the exported file."""
    return f"{JSONL_FILE}.zst" if compressed else JSONL_FILE


def _identity(source: MergedSource, name: str) -> str:
    hashes = "\n".join([name, *(shard.sha256 for shard in source.shards)])
    return hashlib.sha256(hashes.encode()).hexdigest()


def _write_source(folder: Path, source: MergedSource, out: BinaryIO, *, compressed: bool) -> None:
    for shard in source.shards:
        rows = pl.read_parquet(folder / shard.file)
        for batch in rows.iter_slices(_FRAME_ROWS):
            if compressed:
                import io

                text = io.BytesIO()
                batch.lazy().sink_ndjson(text, compression="zstd", compression_level=3)
                out.write(text.getvalue())
            else:
                batch.write_ndjson(out)


def _copy(path: Path, part: JsonlPart, out: BinaryIO) -> None:
    out.flush()
    with path.open("rb") as old:
        left, position = part.bytes, part.start
        while left:
            done = os.copy_file_range(old.fileno(), out.fileno(), left, position)
            if not done:
                raise SourceError(f"{path} is shorter than its manifest says: merge anew.")
            left -= done
            position += done
    out.seek(0, os.SEEK_END)
