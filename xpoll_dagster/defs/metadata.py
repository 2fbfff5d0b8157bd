"""Metadata for people: sample tables, histograms and heat maps small enough for the UI.

Pictures are embedded as data URIs and kept under 50 kB, for Dagster stores every metadata
value several times in its event log.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import polars as pl

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_PICTURE_BYTES = 50_000
MAX_CELL = 300
MOST_NAMED = 8
"""Names up to which a heat map prints its numbers; with more, colours and a scale tell."""


def sample_table(frame: pl.DataFrame, n: int = 8, seed: int = 17) -> dg.TableMetadataValue:
    """A few rows drawn by seed, long texts cut, as a table in the UI."""
    rows = frame.sample(min(n, frame.height), seed=seed) if frame.height else frame
    records = [
        dg.TableRecord({name: _cell(value) for name, value in row.items()})
        for row in rows.iter_rows(named=True)
    ]
    schema = dg.TableSchema(
        [dg.TableColumn(name, str(kind)) for name, kind in frame.schema.items()]
    )
    return dg.MetadataValue.table(records=records, schema=schema)


def column_schema(
    schema: Mapping[str, pl.DataType], descriptions: Mapping[str, str] | None = None
) -> dg.TableSchemaMetadataValue:
    """The table's columns for the UI."""
    return dg.MetadataValue.table_schema(
        dg.TableSchema(
            [
                dg.TableColumn(name, str(kind), (descriptions or {}).get(name))
                for name, kind in schema.items()
            ]
        )
    )


def _cell(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]} …"


def histogram(
    values: Sequence[float] | np.ndarray, title: str, label: str
) -> dg.MarkdownMetadataValue:
    """A histogram of the values as a picture."""
    if not len(values):
        return dg.MetadataValue.md("Nothing to show.")
    from matplotlib.figure import Figure

    # Margins by hand: a layout that finds them itself draws everything twice.
    figure = Figure(figsize=(5, 2.4))
    axes = figure.subplots(gridspec_kw={"left": 0.12, "right": 0.97, "bottom": 0.2, "top": 0.88})
    bins = min(30, max(5, len(values) // 5))
    axes.hist(values, bins=bins, color="#4466aa", histtype="stepfilled")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(label, fontsize=8)
    axes.tick_params(labelsize=7)
    return _picture(figure, title)


def bar_chart(counts: Mapping[str, int], title: str) -> dg.MarkdownMetadataValue:
    """Counts per name as horizontal bars."""
    if not counts:
        return dg.MetadataValue.md("Nothing to show.")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 0.8 + 0.3 * len(counts)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(counts)[::-1], list(counts.values())[::-1], color="#4466aa")
    axes.bar_label(bars, fontsize=7)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    return _picture(figure, title)


def heat_map(counts: Mapping[tuple[str, str], float], title: str) -> dg.MarkdownMetadataValue:
    """Counts per pair of names (of domains, say) as a symmetric heat map."""
    if not counts:
        return dg.MetadataValue.md("Nothing to show.")
    from matplotlib.figure import Figure

    names = sorted({name for pair in counts for name in pair})
    matrix = np.zeros((len(names), len(names)))
    for (first, second), count in counts.items():
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = count
    cells = 0.5 + 0.45 * len(names)
    room = 0.2 + 0.07 * max(len(name) for name in names)  # inches for the longest name
    size = cells + room + 0.3
    figure = Figure(figsize=(size, size))
    low, high = room / size, (room + cells) / size
    axes = figure.subplots(gridspec_kw={"left": low, "bottom": low, "right": high, "top": high})
    image = axes.imshow(matrix, cmap="Blues")
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    if len(names) > MOST_NAMED:
        # Each number takes a millisecond to draw, and there are as many as squares.
        scale = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.02)
        scale.ax.tick_params(labelsize=7)
    else:
        _number_cells(axes, matrix)
    axes.set_title(title, fontsize=9)
    return _picture(figure, title)


def _number_cells(axes: Axes, matrix: np.ndarray) -> None:
    for i, j in np.argwhere(matrix):
        color = "white" if matrix[i, j] > matrix.max() / 2 else "black"
        number = f"{matrix[i, j]:g}"
        axes.text(j, i, number, ha="center", va="center", fontsize=7, color=color)


def _picture(figure: object, title: str) -> dg.MarkdownMetadataValue:
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure):
        raise TypeError("a matplotlib figure is needed")
    for dpi in (100, 70, 50, 35):
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=dpi)
        if stream.tell() <= MAX_PICTURE_BYTES:
            break
    data = base64.b64encode(stream.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{data})")


def table_facts(
    frame: pl.DataFrame, *, rows: int | None = None, partition: bool = False
) -> dict[str, Any]:
    """Columns and number of rows, as the UI knows them; `rows` where not all of them count."""
    counted = "dagster/partition_row_count" if partition else "dagster/row_count"
    return {
        "dagster/column_schema": column_schema(frame.schema),
        counted: frame.height if rows is None else rows,
    }


def card(folder: Path) -> dg.MarkdownMetadataValue:
    """The beginning of the card that lies in an artifact's folder."""
    return dg.MetadataValue.md((folder / "README.md").read_text(encoding="utf-8")[:6000])


def written_by(texts: pl.DataFrame) -> str:
    """The models, or the rules, that wrote the texts of a table."""
    return ", ".join(sorted(set(texts["model"].drop_nulls()))) or "nobody"


def text_numbers(texts: pl.DataFrame) -> dict[str, Any]:
    """Counts of written rows: all, accepted, rejected, and rejected by each gate."""
    accepted = int(texts["accepted"].sum())
    by_gate = (
        texts.select(pl.col("rejected_by").explode().drop_nulls().alias("gate"))
        .group_by("gate")
        .len()
        .sort("len", "gate", descending=[True, False])
    )
    return {
        "n_texts": texts.height,
        "n_accepted": accepted,
        "n_rejected": texts.height - accepted,
        "acceptance_rate": accepted / texts.height if texts.height else None,
        "rejected_by": dict(by_gate.iter_rows()),
    }


def plain_numbers(report: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a report, which the UI plots over time."""
    return {
        name: value
        for name, value in report.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
