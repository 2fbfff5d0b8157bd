"""Files of the last corpus, found by what they were made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xpoll_dagster.corpus.manifest import MergedShard, read_manifest
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.source_tables import Source


@dataclass(frozen=True)
class EarlierCorpus:
    """The shards and ledgers of a corpus by their identity; empty where there is no corpus."""

    folder: Path | None
    files: dict[str, MergedShard]

    @staticmethod
    def open(folder: Path | None) -> EarlierCorpus:
        """The corpus in a folder, if it is whole."""
        if folder is None:
            return EarlierCorpus(None, {})
        try:
            manifest = read_manifest(folder)
        except SourceError:
            return EarlierCorpus(None, {})
        shards = [shard for source in manifest.sources for shard in source.shards]
        ledgers = [source.ledger for source in manifest.sources if source.ledger]
        return EarlierCorpus(folder, {shard.identity: shard for shard in (*shards, *ledgers)})

    def find(self, identity: str) -> tuple[Path, str] | None:
        """The file made from the same, and its hash."""
        shard = self.files.get(identity)
        if shard is None or self.folder is None:
            return None
        path = self.folder / shard.file
        return (path, shard.sha256) if path.is_file() else None


def shard_identity(source: Source, number: int, chosen: np.ndarray) -> str:
    """What a shard of the corpus is made from, as a hash.

    Args:
        source: The source.
        number: Which of its shards.
        chosen: A truth value for each row of that shard: whether it stays.

    Returns:
        The hash of the source's own file, where exactly its rows stay and no repeat.
    """
    shard = source.report.shards[number]
    if np.array_equal(chosen, ~source.repeat[source.starts[number] : source.starts[number + 1]]):
        return shard.sha256
    made_from = f"{shard.sha256}{shard.repeats_sha256}".encode()
    return hashlib.sha256(made_from + np.packbits(chosen).tobytes()).hexdigest()
