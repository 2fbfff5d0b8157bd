"""One normalised source as it lies on disk, and reading it.

A source is a folder:

- `rows-00000.parquet`, …: its rows (`ROWS_SCHEMA`), in the order of the source;
- `repeats-00000.parquet`, …: of the same stretch of the source, the rows that were seen
  before, in this source or in one that outranks it. The merge will most likely remove them;
  laid apart, they leave the other rows as a shard that can go into the corpus as it is;
- `keys.parquet`: for every row, in the order of the source, what identifies and ranks it, and
  whether it lies among the repeats;
- `rejected-00000.parquet`, …: rows that cannot be used, with the reason;
- `report.json`: counts, licence, priority, revision, and the hashes of the shards.

Where the repeats lie depends on which sources were there before; the rows, their keys and
their ids do not, and nothing but speed is decided by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from xpoll_dagster.corpus.keys import KEY_VERSION, KEYS_SCHEMA
from xpoll_dagster.corpus.licences import strictness
from xpoll_dagster.corpus.model import REJECTED_SCHEMA, ROWS_SCHEMA, SourceError
from xpoll_dagster.corpus.shards import Compression
from xpoll_dagster.storage import write_parquet

KEYS_FILE = "keys.parquet"
REPORT_FILE = "report.json"

SOURCE_KEYS_SCHEMA = pl.Schema(
    {
        **KEYS_SCHEMA,
        "occurrence": pl.UInt32,  # 1 for the first row of this very content, 2 for the next
        "_license": pl.Categorical(),
        "_category": pl.Categorical(),
        "repeat": pl.Boolean,  # lies in `repeats-…`, not in `rows-…`
    }
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def valid_name(name: str) -> str:
    """The name, if it can name files and stand before a colon in an id."""
    if not _NAME.fullmatch(name):
        raise SourceError(
            f"{name!r} cannot name a source: use letters, digits, dots, dashes and "
            "underscores, 100 at most, with a letter or digit first."
        )
    return name


def part_name(table: str, index: int) -> str:
    """Name of the file that holds one part of a table."""
    return f"{table}-{index:05d}.parquet"


class Shard(BaseModel):
    """One stretch of a source: how many rows and repeats, and the hashes of their files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    repeats: int
    sha256: str
    repeats_sha256: str


class SourceReport(BaseModel):
    """What a source is and holds; `read` = `rows` + the sum of `rejected`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    licence: str
    priority: int
    revision: str
    key_version: int
    compression: Compression
    rows: int
    rejected: dict[str, int]
    categories: dict[str, int]
    licences: dict[str, int]
    beside: dict[str, int]
    shards: list[Shard]

    @property
    def read(self) -> int:
        """Rows that the source held, usable or not."""
        return self.rows + sum(self.rejected.values())


Standing = tuple[int, int, str]
"""Sorts sources by rank, the best first."""


def standing_of(name: str, licence: str, priority: int) -> Standing:
    """Of copies in several sources the one stays whose source has the least standing."""
    return (-priority, strictness(licence), name)


@dataclass(frozen=True)
class Source:
    """A finished source; its tables are read when they are asked for."""

    folder: Path
    report: SourceReport

    @staticmethod
    def open(folder: Path) -> Source:
        """The source in a folder.

        Raises:
            SourceError: There is none, it is not whole, or its keys are of another version.
        """
        try:
            text = (folder / REPORT_FILE).read_text(encoding="utf-8")
            report = SourceReport.model_validate_json(text)
        except (OSError, ValidationError) as error:
            raise SourceError(f"{folder} holds no finished source: build it again.") from error
        if report.key_version != KEY_VERSION:
            raise SourceError(f"{report.name} was built by another version: build it again.")
        missing = [path for path in _files(folder, report) if not path.is_file()]
        if missing:
            raise SourceError(f"{missing[0]} is missing: build {report.name} again.")
        return Source(folder, report)

    @property
    def name(self) -> str:
        """Name of the catalogue's entry."""
        return self.report.name

    def keys(self, *columns: str) -> pl.DataFrame:
        """Columns of the keys of all rows (`SOURCE_KEYS_SCHEMA`), in order of position."""
        return pl.read_parquet(self.folder / KEYS_FILE, columns=list(columns) or None)

    @cached_property
    def repeat(self) -> np.ndarray:
        """Whether each row lies among the repeats, by position."""
        return self.keys("repeat")["repeat"].to_numpy()

    @cached_property
    def starts(self) -> np.ndarray:
        """Position of the first row of each shard, and the number of rows at the end."""
        sizes = [shard.rows + shard.repeats for shard in self.report.shards]
        return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)

    def shard_path(self, index: int, *, repeats: bool = False) -> Path:
        """The file of a shard's rows or repeats; it exists where there are any."""
        return self.folder / part_name("repeats" if repeats else "rows", index)

    def read_shard(
        self,
        index: int,
        chosen: np.ndarray | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of one shard, in the order of the source.

        Args:
            index: Which shard.
            chosen: A truth value for each row of the shard; unset, all rows are wanted.
            columns: Columns of `ROWS_SCHEMA`; unset, all of them.
        """
        shard = self.report.shards[index]
        repeat = self.repeat[self.starts[index] : self.starts[index + 1]]
        wanted = np.ones(len(repeat), bool) if chosen is None else chosen
        names = list(columns or ROWS_SCHEMA.names())
        parts, positions = [], []
        for kind, size in ((False, shard.rows), (True, shard.repeats)):
            rows = np.flatnonzero(repeat == kind)
            mask = wanted[rows]
            if not size or not mask.any():
                continue
            part = pl.read_parquet(self.shard_path(index, repeats=kind), columns=names)
            parts.append(part.filter(pl.Series(mask)) if not mask.all() else part)
            positions.append(rows[mask])
        if not parts:
            return pl.DataFrame(schema={name: ROWS_SCHEMA[name] for name in names})
        frame = pl.concat(parts).select(names)
        order = np.argsort(np.concatenate(positions), kind="stable")
        return frame if len(parts) == 1 else frame[order]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """All rows, shard by shard, in the order of the source."""
        for index in range(len(self.report.shards)):
            yield self.read_shard(index, columns=columns)

    def rejected(self) -> pl.DataFrame:
        """The rejected rows (`REJECTED_SCHEMA`)."""
        return self.beside("rejected", REJECTED_SCHEMA)

    def beside(self, table: str, schema: pl.Schema) -> pl.DataFrame:
        """A further table of the source, empty where it has none."""
        parts = sorted(self.folder.glob(f"{table}-*.parquet"))
        return pl.read_parquet(parts) if parts else pl.DataFrame(schema=schema)

    def derived(
        self, name: str, make: Callable[[], pl.DataFrame], columns: Sequence[str]
    ) -> pl.DataFrame:
        """Columns of a table that is made from the rows, once, and kept in a hidden file."""
        path = self.folder / name
        if not path.is_file():
            write_parquet(make(), path)
        return pl.read_parquet(path, columns=list(columns))

    def standing(self) -> Standing:
        """Its place among the sources by rank."""
        return standing_of(self.name, self.report.licence, self.report.priority)


def _files(folder: Path, report: SourceReport) -> Iterator[Path]:
    yield folder / KEYS_FILE
    for index, shard in enumerate(report.shards):
        if shard.rows:
            yield folder / part_name("rows", index)
        if shard.repeats:
            yield folder / part_name("repeats", index)


def open_sources(folders: Iterable[Path]) -> list[Source]:
    """The sources of several folders, by name.

    Raises:
        SourceError: One is not whole, or two have one name.
    """
    sources = sorted((Source.open(folder) for folder in folders), key=lambda source: source.name)
    for first, second in pairwise(sources):
        if first.name == second.name:
            raise SourceError(f"Two sources are named {first.name}: rename one.")
    return sources


def read_report(folder: Path) -> dict[str, object]:
    """The report as plain values, for metadata."""
    return json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
