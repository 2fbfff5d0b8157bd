"""HTML tables: which are tables of data, and those as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpoll_dagster.books.readers.mathml import local_name

MAX_ROWS = 5_000
MAX_COLUMNS = 200
_PROSE_CELL = 800  # characters: a longer cell is text that a table merely places
_BLOCKS = frozenset({"table", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "section"})


def is_layout(table: Any) -> bool:
    """Whether a table only places its contents: they are read as running text then."""
    if (table.get("role") or "") in {"presentation", "none"}:
        return True
    columns = 0
    for element in table.iter():
        name = local_name(element)
        if name in _BLOCKS and element is not table:
            return True
        if name == "tr":
            columns = max(columns, sum(local_name(cell) in {"td", "th"} for cell in element))
        if name in {"td", "th"} and len("".join(element.itertext()).strip()) > _PROSE_CELL:
            return True
    return columns < 2


def to_markdown(table: Any, text_of: Callable[[Any], str]) -> tuple[str, str, bool]:
    """A table's Markdown, its caption, and whether it is complete.

    Cells that span several columns or rows stand in the first and leave the others empty.
    `text_of` gives a cell's text on one line.
    """
    rows: list[list[str]] = []
    spans: dict[int, int] = {}  # column: rows for which a cell from above still stands there
    caption = ""
    complete = True
    for element in table.iter():
        name = local_name(element)
        if name == "caption" and not caption:
            caption = text_of(element)
        if name != "tr":
            continue
        if len(rows) >= MAX_ROWS:
            complete = False
            break
        row: list[str] = []
        for cell in element:
            if local_name(cell) not in {"td", "th"}:
                continue
            _skip_spanned(row, spans)
            across = _span(cell.get("colspan"), MAX_COLUMNS)
            down = _span(cell.get("rowspan"), MAX_ROWS)
            if len(row) >= MAX_COLUMNS:
                complete = False
                break
            for offset in range(min(across, MAX_COLUMNS - len(row))):
                if down > 1:
                    spans[len(row)] = down - 1
                row.append(text_of(cell).replace("|", "\\|") if offset == 0 else "")
        _skip_spanned(row, spans)
        if any(row):
            rows.append(row)
    # A column without any text is there for looks.
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    used = [column for column in range(width) if any(row[column] for row in rows)]
    lines = ["| " + " | ".join(row[column] for column in used) + " |" for row in rows]
    if len(lines) > 1:
        lines.insert(1, "|" + " --- |" * len(used))
    return "\n".join(lines), caption, complete


def _skip_spanned(row: list[str], spans: dict[int, int]) -> None:
    while spans.get(len(row), 0) and len(row) < MAX_COLUMNS:
        spans[len(row)] -= 1
        row.append("")


def _span(value: str | None, most: int) -> int:
    try:
        return max(1, min(int(value or 1), most))
    except ValueError:
        return 1
