"""What becomes of every row of every source: kept, or removed by a rule, with what stands for it.

Rows are numbered through the sources in order of name, so a fate is three numbers a row:
memory is thirteen bytes a row whatever the texts are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from xpoll_dagster.corpus.source_tables import Source

KEPT, EXACT, NEAR, DECONTAMINATED = range(4)
RULES = ("kept", "exact", "near", "decontaminated")


@dataclass
class Fates:
    """The fate of each row, by number.

    Attributes:
        rule: An index into `RULES`.
        kept: Number of the row that stands for a removed one; -1 for none.
        similarity: 1 for exact copies; of near ones that of the two texts; of
            decontaminated ones the share of the test that the row holds.
        tests: Name of the test that a row was removed for.
    """

    rule: np.ndarray
    kept: np.ndarray
    similarity: np.ndarray
    tests: dict[int, str] = field(default_factory=dict)

    @staticmethod
    def of(rows: int) -> Fates:
        """All rows kept."""
        return Fates(
            np.zeros(rows, np.uint8), np.full(rows, -1, np.int64), np.zeros(rows, np.float32)
        )

    @property
    def removed(self) -> np.ndarray:
        """Whether each row is removed."""
        return self.rule != KEPT

    def remove_for_tests(self, hits: pl.DataFrame) -> None:
        """Remove the rows of `hits` (`row`, `test`, `share`)."""
        rows = hits["row"].to_numpy()
        self.rule[rows] = DECONTAMINATED
        self.similarity[rows] = hits["share"].to_numpy()
        self.tests.update(zip(rows.tolist(), hits["test"].to_list(), strict=True))

    def remove_copies(self, copies: pl.DataFrame) -> None:
        """Remove exact copies (`row`, `kept`)."""
        rows = copies["row"].to_numpy()
        self.rule[rows] = EXACT
        self.kept[rows] = copies["kept"].to_numpy()
        self.similarity[rows] = 1.0

    def remove_near(self, near: pl.DataFrame) -> None:
        """Remove near-duplicates (`row`, `kept`, `similarity`), of rows that are kept so far.

        Copies of a removed row are from now on stood for by what stands for that row; their
        similarity is then that of the two.
        """
        rows = near["row"].to_numpy()
        self.rule[rows] = NEAR
        self.kept[rows] = near["kept"].to_numpy()
        self.similarity[rows] = near["similarity"].to_numpy()
        copies = np.flatnonzero(self.rule == EXACT)
        stands = self.kept[copies]
        moved = self.rule[stands] == NEAR
        copies, stands = copies[moved], stands[moved]
        self.rule[copies] = NEAR
        self.similarity[copies] = self.similarity[stands]
        self.kept[copies] = self.kept[stands]


def numbering(sources: Sequence[Source]) -> np.ndarray:
    """Number of the first row of each source, and the number of rows at the end."""
    return np.concatenate([[0], np.cumsum([s.report.rows for s in sources], dtype=np.int64)])
