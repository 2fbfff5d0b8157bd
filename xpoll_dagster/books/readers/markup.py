"""An HTML tree to blocks: what EPUB, HTML and Markdown have in common.

The tree is walked without recursion. Pictures, scripts and styles are passed over; what
else is left out is counted in `Reading.left_out`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from xpoll_dagster.books.model import Block
from xpoll_dagster.books.readers import html_tables, inline
from xpoll_dagster.books.readers.html_elements import BLOCKS, HEADINGS, SECTIONS, SILENT
from xpoll_dagster.books.readers.html_lists import ITEMS, LISTS, ListWriter
from xpoll_dagster.books.readers.mathml import linearise, local_name

_VERSE = frozenset({"poem", "poetry", "verse", "stanza", "lyrics"})
_NAVIGATION = frozenset({"navigation", "doc-pagelist", "page-list"})
_MARK = "\x1f"  # where a footnote's mark stood
_BREAK = "\x1e"  # a line break within a paragraph
_SPACES = re.compile(r"[ \t\n\r\f\v\xa0\x85\u2028\u2029]+")
_MARKED = re.compile(
    rf"[ \xa0]?(?:\[\s*{_MARK}\s*\]|\(\s*{_MARK}\s*\)|\{{\s*{_MARK}\s*\}}|{_MARK}+)"
)
_OPENS_NOTE = re.compile(rf"\s*(?:\[\s*{_MARK}\s*\]|\(\s*{_MARK}\s*\)|{_MARK})[\s.:]*(?=\S)")
_TEX = re.compile(r"\s*(\\\[.*\\\]|\$\$.*\$\$)\s*[.,;]?\s*", re.DOTALL)
_GUTENBERG = re.compile(r"project gutenberg|gutenberg-tm", re.IGNORECASE)
_NUMBER_CLASS = re.compile(r"num(?:ber)?\b", re.IGNORECASE)
_MARKER = re.compile(r"\s*(?:-|\d+\.) ")
_BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(slots=True)
class Reading:
    """The blocks of one document, the first printed page in it, and what was left out."""

    blocks: list[Block] = field(default_factory=list)
    page_label: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out, in words."""
        return tuple(f"Left out: {count} {what}." for what, count in self.left_out.items())


def read_tree(root: Any, *, navigation: bool = False) -> Reading:
    """Read a document's tree; `navigation` keeps the lists of links that else are left out."""
    walker = _Walker(keep_navigation=navigation)
    walker.walk(root)
    return walker.reading


class _Walker:
    def __init__(self, *, keep_navigation: bool) -> None:
        self.reading = Reading()
        self.keep_navigation = keep_navigation
        self.buffer: list[str] = []
        self.preformatted: list[str] | None = None
        self.lists = ListWriter()
        self.notes = self.verses = self.depth = 0
        self.heading: tuple[int, bool] | None = None
        self.formula = False

    # -- walking ---------------------------------------------------------------------

    def walk(self, root: Any) -> None:
        events = etree.iterwalk(root, events=("start", "end"))
        skipped: Any = None
        for event, element in events:
            if event == "start":
                if skipped is None and self._start(element, is_root=element is root):
                    events.skip_subtree()
                    skipped = element
                continue
            if element is skipped:
                skipped = None
            else:
                self._end(element)
            if element is not root and element.tail:
                self._text(element.tail)
        self._flush()
        self._flush_list()

    def _start(self, element: Any, *, is_root: bool) -> bool:
        """Open an element; True where its inside is to be passed over."""
        name = local_name(element)
        if name in SILENT or not name:
            return self._pass_over(element, name)
        if name == "math":
            self._math(element)
            return True
        number = inline.page_number(element)
        if number is not None:
            self.reading.page_label = self.reading.page_label or number or None
            return True
        if not is_root and inline.is_hidden(element):
            self._count("hidden passages", element)
            return True
        navigation = name == "nav" or inline.types(element) & _NAVIGATION
        if navigation and not self.keep_navigation:
            self._flush()
            self._count("lists of links for navigation", element)
            return True
        if name == "table" and not html_tables.is_layout(element):
            self._table(element)
            return True
        if name in BLOCKS:
            self._open_block(element, name)
        elif inline.is_ornament(element) or self._inline(element, name):
            return True
        if element.text:
            self._text(element.text)
        return False

    def _pass_over(self, element: Any, name: str) -> Literal[True]:
        kind = (element.get("type") or "").lower()
        if name == "script" and kind.startswith("math/tex") and element.text:
            self._text(f" ${element.text.strip()}$ ")
        elif name == "img":
            described = (element.get("alt") or "").strip()
            said = inline.classes(element)
            if (
                described and (said & {"tex", "math", "mwe-math-fallback-image-inline", "equation"})
            ) or (len(described) == 1 and said & {"dropcap", "drop", "drop-cap", "initial"}):
                self._text(described)
        return True

    def _count(self, what: str, element: Any) -> None:
        if inline.text_of(element).strip():
            self.reading.left_out[what] += 1

    def _inline(self, element: Any, name: str) -> bool:
        if self.preformatted is not None and name != "br":
            return False
        if name == "br":
            if self.preformatted is not None:
                self.preformatted.append("\n")
            else:
                self.buffer.append(_BREAK)
        elif name in {"a", "sup", "span"} and inline.is_note_reference(element):
            self.buffer.append(_MARK)
            return True
        elif name == "sup" and not any(local_name(child) in {"a", "sup"} for child in element):
            before = "".join(self.buffer[-3:])
            self.buffer.append(inline.superscript(inline.text_of(element), before))
            return True
        elif self.heading and name == "span" and _NUMBER_CLASS.search(element.get("class") or ""):
            self.buffer.append(inline.text_of(element) + " ")
            return True
        return False

    def _text(self, text: str) -> None:
        if self.preformatted is not None:
            self.preformatted.append(text)
        else:
            self.buffer.append(text)

    def _math(self, element: Any) -> None:
        text = linearise(element)
        if element.get("display") == "block" and self.preformatted is None and not self.heading:
            self._flush()
            if text:
                self._emit(Block("note" if self.notes else "formula", text))
        else:
            self._text(text)

    # -- blocks ----------------------------------------------------------------------

    def _open_block(self, element: Any, name: str) -> None:
        self._flush()
        if inline.is_note(element):
            self.notes += 1
        said = inline.classes(element) | inline.types(element)
        if said & _VERSE:
            self.verses += 1
        if "equation" in said or "math" in said:
            self.formula = True
        if name == "section" or said & SECTIONS:
            self.depth += 1
        if name in HEADINGS:
            self._flush_list()
            self.heading = (max(HEADINGS[name], min(self.depth, 6)), _is_caption(element))
        elif name == "pre":
            self.preformatted = []
        elif name in LISTS or name in ITEMS:
            if self.lists.outermost:
                self._flush_list()
            self.lists.open(element, name)

    def _end(self, element: Any) -> None:
        name = local_name(element)
        if name not in BLOCKS:
            return
        if name == "pre":
            self._end_preformatted()
        else:
            self._flush()
        said = inline.classes(element) | inline.types(element)
        if inline.is_note(element):
            self.notes -= 1
        if said & _VERSE:
            self.verses -= 1
        if "equation" in said or "math" in said:
            self.formula = False
        if name == "section" or said & SECTIONS:
            self.depth -= 1
        if name in HEADINGS:
            self.heading = None
        elif name in LISTS or name in ITEMS:
            self.lists.close(element, name)
            if name in LISTS and self.lists.outermost:
                self._flush_list()

    def _flush(self) -> None:
        """End the paragraph that is being gathered."""
        if not self.buffer:
            return
        raw = "".join(self.buffer)
        self.buffer.clear()
        opens_note = bool(_OPENS_NOTE.match(raw)) and not self.heading
        raw = _OPENS_NOTE.sub("", raw, count=1) if opens_note else raw
        raw = _MARKED.sub("", raw)
        lines = [_SPACES.sub(" ", line).strip() for line in raw.split(_BREAK)]
        lines = [line for line in lines if line]
        if not lines:
            return
        text = " ".join(lines)
        if not any(character.isalnum() for character in text) and not self.formula:
            return  # an ornament
        if self.heading:
            level, caption = self.heading
            self._emit(Block("paragraph", text) if caption else Block("heading", text, level))
        elif self.notes or opens_note:
            self._emit(Block("note", text))
        elif self.lists.in_item:
            self.lists.write(text)
        elif self.formula or _TEX.fullmatch(text):
            self._emit(Block("formula", "\n".join(lines)))
        elif len(lines) > 1 and (self.verses or _is_verse(lines)):
            self._emit(Block("list", "\n".join(lines)))
        else:
            self._emit(Block("paragraph", text))

    def _flush_list(self) -> None:
        if text := self.lists.take():
            # What goes on in an item behind its code or formula is a paragraph of its own.
            marked = "\n" in text or _MARKER.match(text)
            block = Block("list", text) if marked else Block("paragraph", text.strip())
            self.reading.blocks.append(block)

    def _emit(self, block: Block) -> None:
        self._flush_list()
        self.reading.blocks.append(block)

    def _end_preformatted(self) -> None:
        text = "".join(self.preformatted or ()).replace("\xa0", " ").replace(_MARK, "").strip("\n")
        self.preformatted = None
        if not text.strip():
            return
        if _GUTENBERG.search(text):
            # A licence, set as typed: its paragraphs are paragraphs.
            for part in _BLANK_LINES.split(text):
                if words := " ".join(part.split()):
                    self._emit(Block("paragraph", words))
            return
        lines = [line.rstrip() for line in text.split("\n")]
        self._emit(Block("code", "\n".join(lines).strip("\n")))

    def _table(self, element: Any) -> None:
        self._flush()
        text, caption, complete = html_tables.to_markdown(element, _cell_text)
        if caption:
            self._emit(Block("paragraph", caption))
        if text:
            self._emit(Block("table", text))
        if not complete:
            self.reading.left_out["parts of tables that are too large"] += 1


def _cell_text(cell: Any) -> str:
    walker = _Walker(keep_navigation=True)
    walker.walk(cell)
    return " ".join(" ".join(block.text.split()) for block in walker.reading.blocks)


def _is_caption(heading: Any) -> bool:
    """Whether a heading only names the picture before it."""
    before = heading.getprevious()
    while (
        before is not None
        and local_name(before) in {"br", "a", ""}
        and not (before.tail or "").strip()
    ):
        if any(local_name(child) == "img" for child in before):
            return True
        before = before.getprevious()
    return before is not None and local_name(before) in {"img", "picture", "svg", "figure"}


def _is_verse(lines: list[str]) -> bool:
    return len(lines) >= 4 and sum(map(len, lines)) < 60 * len(lines)
