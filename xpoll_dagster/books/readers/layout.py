"""The careful route: a layout model says what stands where on a page.

The model that comes with PyMuPDF boxes a page's parts and names their kinds. Its boxes give
the order, the tables and the headings; the lines themselves stay those of the text layer, so
that cleaning (hyphens, running heads) works alike on both routes. Nothing is downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from xpoll_dagster.books.model import Block, Line, RawPage

_HEADING_LEVELS = {"title": 1, "section-header": 2}
_SLACK = 2.0  # points by which a line's centre may lie outside its box


@dataclass(frozen=True, slots=True)
class _Box:
    kind: str
    x0: float
    y0: float
    x1: float
    y1: float
    table: str | None

    def holds(self, line: Line) -> bool:
        x, y = (line.x0 + line.x1) / 2, (line.y0 + line.y1) / 2
        return (
            self.x0 - _SLACK <= x <= self.x1 + _SLACK and self.y0 - _SLACK <= y <= self.y1 + _SLACK
        )


class LayoutModel:
    """The layout model applied to one open PDF, page by page (0.1 to 0.8 s a page)."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def arrange(self, index: int, page: RawPage) -> RawPage:
        """Put the lines of a page (0-based `index` in the document) in the model's order.

        A table becomes one block of kind `table` with Markdown text, a heading one of kind
        `heading` (level 1 for a title, else 2), everything else stays `lines`; all keep their
        lines. Lines in none of the boxes stay where they stood, behind the block before them.
        """
        boxes = self._boxes(index)
        if not boxes:
            warning = f"Page {page.page}: the layout model found nothing; its plain order was kept."
            return replace(page, warnings=(*page.warnings, warning))
        return replace(page, blocks=_assign(page.blocks, boxes))

    def _boxes(self, index: int) -> list[_Box]:
        import pymupdf4llm

        printed = pymupdf4llm.to_json(
            self.document, pages=[index], use_ocr=False, show_progress=False
        )
        pages = json.loads(printed)["pages"]
        return [
            _Box(
                kind=box["boxclass"],
                x0=box["x0"],
                y0=box["y0"],
                x1=box["x1"],
                y1=box["y1"],
                table=(box["table"] or {}).get("markdown"),
            )
            for page in pages
            for box in page["boxes"]
        ]


def _assign(blocks: Sequence[Block], boxes: Sequence[_Box]) -> tuple[Block, ...]:
    held: dict[int, list[Line]] = {}
    loose: dict[int, list[Line]] = {}  # by the box after which they stand
    last = -1
    for line in (line for block in blocks for line in block.lines):
        home = next((i for i, box in enumerate(boxes) if box.holds(line)), None)
        if home is None:
            loose.setdefault(last, []).append(line)
        else:
            held.setdefault(home, []).append(line)
            last = home
    result = [_lines(loose[-1])] if -1 in loose else []
    for index, box in enumerate(boxes):
        if lines := held.get(index):
            result.append(_block(box, lines))
        if index in loose:
            result.append(_lines(loose[index]))
    return tuple(result)


def _lines(lines: Sequence[Line]) -> Block:
    return Block("lines", lines=tuple(lines))


def _block(box: _Box, lines: Sequence[Line]) -> Block:
    if box.kind == "table" and box.table:
        return Block("table", text=box.table.strip(), lines=tuple(lines))
    if box.kind in _HEADING_LEVELS:
        text = " ".join(line.text.replace("\t", " ") for line in lines)
        level = _HEADING_LEVELS[box.kind]
        return Block("heading", text=text, level=level, lines=tuple(lines))
    return _lines(lines)
