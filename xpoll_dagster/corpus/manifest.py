"""The manifest of the merged corpus: what it was made from, and what every file of it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from xpoll_dagster.corpus.model import SourceError

MANIFEST_FILE = "merged_corpus_manifest.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MergedShard(_Frozen):
    """A file of the corpus; `identity` says what it was made from."""

    file: str
    rows: int
    sha256: str
    identity: str


class MergedSource(_Frozen):
    """What came of one source: `read` = `kept` + the sum of `removed` + the sum of `rejected`."""

    name: str
    licence: str
    revision: str
    priority: int
    read: int
    kept: int
    removed: dict[str, int]
    rejected: dict[str, int]
    categories: dict[str, int]
    licences: dict[str, int]
    shards: list[MergedShard]
    ledger: MergedShard | None


class JsonlPart(_Frozen):
    """The stretch of the JSONL file that holds one source's rows."""

    source: str
    identity: str
    start: int
    bytes: int


class Manifest(_Frozen):
    """The whole corpus."""

    rows: int
    read: int
    removed: dict[str, int]
    rejected: int
    duplicate_rate: float
    categories: dict[str, int]
    licences: dict[str, int]
    settings: dict[str, Any]
    tests: dict[str, int]
    sources: list[MergedSource]
    jsonl: list[JsonlPart]

    def source(self, name: str) -> MergedSource | None:
        """What came of the source of that name."""
        return next((source for source in self.sources if source.name == name), None)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a merged corpus.

    Raises:
        SourceError: The folder holds no (whole) merged corpus.
    """
    try:
        text = (folder / MANIFEST_FILE).read_text(encoding="utf-8")
        return Manifest.model_validate_json(text)
    except (OSError, ValidationError) as error:
        raise SourceError(f"{folder} holds no merged corpus: merge the sources first.") from error


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the manifest; it holds no date and no path, so equal corpora have equal ones."""
    text = json.dumps(manifest.model_dump(), indent=1, ensure_ascii=False)
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def summed(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """The sums of several tables of counts, by name."""
    total: dict[str, int] = {}
    for table in counts:
        for name, count in table.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items()))
