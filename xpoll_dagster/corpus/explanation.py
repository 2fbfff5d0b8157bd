"""Where a row of the corpus came from, or why it is gone and what stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from xpoll_dagster.corpus.ledger import LEDGER_FOLDER
from xpoll_dagster.corpus.manifest import MergedSource, read_manifest
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.source_tables import Source

_REASONS = {
    "exact": "is a copy of {kept}",
    "near": "says the same as {kept} (similarity {similarity:.3f})",
    "decontaminated": "gives away the test {detail} ({similarity:.0%} of it)",
}


@dataclass(frozen=True)
class Explanation:
    """What became of a row.

    Attributes:
        status: Whether the row is in the corpus.
        text: The answer as a sentence or two.
        source: What is known of the row's source.
        entry: The ledger's line of a removed row.
        row: The row itself; of a removed row None where its source is not at hand.
        kept: The row that stands for it.
    """

    status: Literal["kept", "removed"]
    text: str
    source: MergedSource
    entry: dict[str, Any] | None
    row: dict[str, Any] | None
    kept: dict[str, Any] | None


def explain(row_id: str, corpus: Path, sources: Iterable[Path] = ()) -> Explanation:
    """Explain a row by its `_id`.

    Args:
        row_id: The `_id`, of a row of the corpus or of a removed one.
        corpus: The merged corpus.
        sources: Folders of sources, where the texts of removed rows are.

    Raises:
        SourceError: No source of the corpus has, or had, such a row.
    """
    name = row_id.partition(":")[0]
    manifest = read_manifest(corpus)
    source = manifest.source(name)
    if source is None:
        known = ", ".join(part.name for part in manifest.sources[:20]) or "none"
        raise SourceError(f"{row_id!r} names no source of this corpus; its sources are: {known}.")
    origin = f"{name} (revision {source.revision or 'not recorded'}, licence {source.licence})"
    row = _find([corpus / shard.file for shard in source.shards], row_id)
    if row is not None:
        text = f"{row_id} is in the corpus; it comes from {origin}, category {row['_category']}."
        return Explanation("kept", text, source, None, row, None)
    entry = None
    if source.ledger is not None:
        entry = _find([corpus / LEDGER_FOLDER / f"{name}.parquet"], row_id, "removed_id")
    if entry is None:
        raise SourceError(f"{name} holds no row {row_id!r}, neither kept nor removed.")
    reason = _REASONS[entry["rule"]].format(kept=entry["kept_id"], **_plain(entry))
    text = f"{row_id} from {origin} was removed: it {reason}."
    kept = None
    if entry["kept_id"] is not None:
        stands = manifest.source(entry["kept_source"])
        files = [corpus / shard.file for shard in stands.shards] if stands else []
        kept = _find(files, entry["kept_id"])
    return Explanation("removed", text, source, entry, _original(row_id, name, sources), kept)


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    return {"similarity": entry["similarity"], "detail": entry["detail"]}


def _find(files: Iterable[Path], row_id: str, column: str = "_id") -> dict[str, Any] | None:
    for file in files:
        # Shards are small and ids have no order: the column is looked through file by file.
        ids = pl.read_parquet(file, columns=[column])[column]
        at = (ids == row_id).arg_true()
        if len(at):
            return pl.read_parquet(file).row(at[0], named=True)
    return None


def _original(row_id: str, name: str, sources: Iterable[Path]) -> dict[str, Any] | None:
    for folder in sources:
        try:
            source = Source.open(folder)
        except SourceError:
            continue
        if source.name == name:
            parts = [
                *source.folder.glob("repeats-*.parquet"),
                *source.folder.glob("rows-*.parquet"),
            ]
            return _find(sorted(parts), row_id)
    return None
