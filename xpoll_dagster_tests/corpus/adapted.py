"""Reading and adapting small files in tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters import AdapterOptions
from xpoll_dagster.corpus.adapters.adapting import Adapted, Adapting
from xpoll_dagster.corpus.reading import ReadingOptions, read_file


@dataclass
class Result:
    rows: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    preferences: list[dict[str, Any]]
    units: int
    adapters: dict[str, int]

    @property
    def reasons(self) -> list[str]:
        return [row["reason"] for row in self.rejected]


def gather(parts: Iterable[Adapted]) -> Result:
    done = list(parts)

    def of(name: str) -> list[dict[str, Any]]:
        frames: list[pl.DataFrame] = [frame for part in done for frame in getattr(part, name)]
        return pl.concat(frames).to_dicts() if frames else []

    adapters: dict[str, int] = {}
    for part in done:
        for name, count in part.adapters.items():
            adapters[name] = adapters.get(name, 0) + count
    result = Result(
        of("rows"), of("rejected"), of("preferences"), sum(p.units for p in done), adapters
    )
    assert result.units == len(result.rows) + len(result.rejected)
    return result


def adapt_file(
    path: Path,
    adapter: str = "auto",
    *,
    category: str | None = None,
    reading: ReadingOptions | None = None,
    **options: Any,
) -> Result:
    adapting = Adapting(path.name, adapter, AdapterOptions(**options), category)
    return gather(adapting.adapt(read_file(path, reading)))


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
