"""The ledger: every removed row, what stands for it, by which rule and how alike they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.corpus.fates import RULES, Fates
from xpoll_dagster.corpus.keys import row_ids
from xpoll_dagster.corpus.model import LEDGER_SCHEMA
from xpoll_dagster.corpus.source_tables import Source

LEDGER_FOLDER = "ledger"


class Ledger:
    """Makes the ledger, one part a source, and tells which parts have not changed.

    Args:
        sources: The sources, in the order in which rows are numbered.
        starts: Number of the first row of each source (`fates.numbering`).
    """

    def __init__(self, sources: Sequence[Source], starts: np.ndarray) -> None:
        self._names = [source.name for source in sources]
        self._starts = starts
        columns = [source.keys("content", "occurrence") for source in sources]
        empty = pl.DataFrame(schema={"content": pl.UInt64, "occurrence": pl.UInt32})
        keys = pl.concat([empty, *columns])
        self._content = keys["content"].to_numpy()
        self._occurrence = keys["occurrence"].to_numpy()

    def identity(self, index: int, fates: Fates) -> str:
        """A hash of everything that the source's part of the ledger is made from."""
        rows, kept = self._removed(index, fates)
        stands = kept >= 0
        source = np.where(stands, self._source_of(kept), -1)
        others = [self._names[number] for number in np.unique(source[stands])]
        digest = hashlib.sha256("\n".join([self._names[index], *others]).encode())
        named = np.unique(source, return_inverse=True)[1]
        for column in (
            self._content[rows],
            self._occurrence[rows],
            named.astype(np.int32),
            stands,
            self._content[kept[stands]],
            self._occurrence[kept[stands]],
            fates.rule[rows],
            fates.similarity[rows],
        ):
            digest.update(np.ascontiguousarray(column).data)
        for row in rows[~stands].tolist():
            digest.update(fates.tests.get(row, "").encode() + b"\n")
        return digest.hexdigest()

    def frame(self, index: int, fates: Fates) -> pl.DataFrame:
        """The removed rows of one source (`LEDGER_SCHEMA`), in the source's order."""
        rows, kept = self._removed(index, fates)
        name = self._names[index]
        source = self._source_of(kept)
        ids = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
        names = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
        for other in np.unique(source[kept >= 0]).tolist():
            at = np.flatnonzero((source == other) & (kept >= 0))
            stands = row_ids(
                self._names[other], self._content[kept[at]], self._occurrence[kept[at]]
            )
            ids = ids.scatter(at, stands)
            names = names.scatter(at, self._names[other])
        tests = [fates.tests.get(row, "") for row in rows.tolist()] if fates.tests else ""
        return pl.DataFrame(
            {
                "removed_id": row_ids(name, self._content[rows], self._occurrence[rows]),
                "removed_source": pl.repeat(name, len(rows), dtype=pl.String, eager=True),
                "kept_id": ids,
                "kept_source": names,
                "rule": pl.Series(RULES, dtype=pl.String).gather(fates.rule[rows]),
                "similarity": pl.Series(fates.similarity[rows]).cast(pl.Float64).round(6),
            }
        ).with_columns(detail=pl.Series(tests) if isinstance(tests, list) else pl.lit(tests))[
            LEDGER_SCHEMA.names()
        ]

    def removed(self, index: int, fates: Fates) -> int:
        """How many rows of the source are removed."""
        return len(self._removed(index, fates)[0])

    def _removed(self, index: int, fates: Fates) -> tuple[np.ndarray, np.ndarray]:
        start, end = self._starts[index], self._starts[index + 1]
        rows = start + np.flatnonzero(fates.rule[start:end])
        return rows, fates.kept[rows]

    def _source_of(self, rows: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._starts, rows, side="right") - 1


def read_ledger(corpus: Path) -> pl.DataFrame:
    """The whole ledger of a merged corpus (`LEDGER_SCHEMA`)."""
    return scan_ledger(corpus).collect()


def scan_ledger(corpus: Path) -> pl.LazyFrame:
    """The ledger as a lazy frame, which need not fit into memory."""
    parts = sorted((corpus / LEDGER_FOLDER).glob("*.parquet"))
    return pl.scan_parquet(parts) if parts else pl.LazyFrame(schema=LEDGER_SCHEMA)
