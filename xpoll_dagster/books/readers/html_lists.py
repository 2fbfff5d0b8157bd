"""Lists of an HTML document, item by item, to lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LISTS = frozenset({"ul", "ol", "dl", "menu", "dir"})
ITEMS = frozenset({"li", "dt", "dd"})


@dataclass(slots=True)
class _Item:
    """An open item: its marker with the indentation, and whether that was written."""

    marker: str
    written: bool = False
    term: bool = False


class ListWriter:
    """Gathers the lines of the outermost list that is open, with those nested in it."""

    def __init__(self) -> None:
        self._lists: list[tuple[str, int]] = []  # kind, and the number of the next item
        self._items: list[_Item] = []
        self._lines: list[str] = []

    @property
    def in_item(self) -> bool:
        """Whether text belongs to an item."""
        return bool(self._items)

    @property
    def outermost(self) -> bool:
        """Whether no list is open."""
        return not self._lists

    def open(self, element: Any, name: str) -> None:
        """Open a list or an item."""
        if name in LISTS:
            self._lists.append((name, _number(element.get("start"), 1)))
        elif name != "dd" or not (self._items and self._items[-1].term):
            kind, number = self._lists[-1] if self._lists else ("ul", 1)
            marker = "- "
            if kind == "ol" and name == "li":
                number = _number(element.get("value"), number)
                marker = f"{number}. "
                self._lists[-1] = (kind, number + 1)
            depth = min(max(len(self._lists) - 1, 0), 12)
            self._items.append(_Item("  " * depth + marker, term=name == "dt"))

    def close(self, element: Any, name: str) -> None:
        """Close a list or an item; a term stays open for its definition."""
        if name in LISTS:
            if self._lists:
                self._lists.pop()
            if not self._lists:
                self._items.clear()
        elif self._items and (name != "dt" or not _is_defined(element)):
            self._items.pop()

    def write(self, text: str) -> None:
        """Add a paragraph of the open item."""
        item = self._items[-1]
        if not item.written:
            item.written = True
            self._lines.append(item.marker + text)
        elif item.term and self._lines:
            end = "" if self._lines[-1].endswith((":", ".", "?")) else ":"
            self._lines[-1] += f"{end} {text}"
            item.term = False
        else:
            self._lines.append(" " * len(item.marker) + text)

    def take(self) -> str:
        """The lines so far, which are then forgotten."""
        text = "\n".join(self._lines)
        self._lines = []
        return text


def _number(value: str | None, otherwise: int) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 7 else otherwise


def _is_defined(term: Any) -> bool:
    following = term.getnext()
    return following is not None and str(following.tag).rsplit("}", 1)[-1].lower() == "dd"
