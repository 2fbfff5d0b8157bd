"""Small sources for the tests of the merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from xpoll_dagster.corpus.merge_options import SourceOptions
from xpoll_dagster.corpus.model import MESSAGE
from xpoll_dagster.corpus.reading_turns import ReadingTurns
from xpoll_dagster.corpus.source_writer import SourceWriter

SMALL = SourceOptions(shard_rows=4)


def frame(rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Rows as an adapter gives them; what is not said is empty."""
    empty = {"instruction": "", "input": "", "output": "", "system": "", "messages": None}
    schema = {
        "instruction": pl.String,
        "input": pl.String,
        "output": pl.String,
        "system": pl.String,
        "messages": pl.List(MESSAGE),
        "_category": pl.String,
        "_license": pl.String,
    }
    full = [{**empty, "_category": "instruction", "_license": None, **row} for row in rows]
    return pl.DataFrame(full, schema=schema)


def write_source(
    root: Path,
    name: str,
    rows: Sequence[Mapping[str, object]],
    *,
    licence: str = "MIT",
    priority: int = 0,
    others: Iterable[Path] = (),
    options: SourceOptions = SMALL,
    batch: int = 3,
) -> Path:
    """Write a source of these rows in batches; returns its folder."""
    folder = root / name
    folder.mkdir(parents=True)
    with (
        ReadingTurns().turn(name, others, licence=licence, priority=priority) as turn,
        SourceWriter(
            folder,
            name,
            licence=licence,
            priority=priority,
            expected=turn.expected,
            options=options,
        ) as writer,
    ):
        table = frame(rows)
        for part in table.iter_slices(batch):
            writer.write(part)
        writer.finish(read=len(rows))
    return folder


def rows_in(corpus: Path) -> pl.DataFrame:
    """All rows of a merged corpus."""
    return pl.read_parquet(sorted((corpus / "rows").glob("*.parquet")))
