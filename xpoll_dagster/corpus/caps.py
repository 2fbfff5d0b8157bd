"""Which rows a cap keeps: those of the least hashes, wherever they stand in the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.corpus.journal import Piece
from xpoll_dagster.corpus.keys import row_keys


@dataclass(slots=True)
class CapLimit:
    """Rows with a smaller hash stay, and of those with this very hash the first few."""

    hash: int
    ties: int

    def keep(self, hashes: np.ndarray) -> np.ndarray:
        """Which of the next rows stay."""
        kept = hashes < self.hash
        for at in np.flatnonzero(hashes == self.hash)[: self.ties]:
            kept[at] = True
            self.ties -= 1
        return kept


def cap_hashes(rows: pl.DataFrame) -> np.ndarray:
    """The hash of each row by which a cap chooses."""
    keys = row_keys(rows.with_columns(pl.col("_license").fill_null("")))
    # The key, not the content as it stands: copies share it, and so does a row in other layout.
    return keys["key_a"].to_numpy()


def cap_limit(pieces: Iterable[Piece], cap: int) -> CapLimit | None:
    """The limit that leaves `cap` rows; None where there are no more than that."""
    parts = [cap_hashes(piece.rows) for piece in pieces if piece.rows.height]
    hashes = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
    if len(hashes) <= cap:
        return None
    last = hashes[cap - 1]
    return CapLimit(int(last), cap - int(np.searchsorted(hashes, last, side="left")))
