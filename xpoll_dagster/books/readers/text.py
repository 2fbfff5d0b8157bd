"""Plain text books, in any usual encoding: hard-wrapped lines to paragraphs and headings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from xpoll_dagster.books.cleaning.hyphens import Hyphenation
from xpoll_dagster.books.model import Block, Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers.encoding import decode, decoded_head
from xpoll_dagster.books.readers.html import check_count, load, to_pages
from xpoll_dagster.books.readers.text_paragraphs import (
    Paragraph,
    chapter_rank,
    is_aligned,
    is_heading,
    is_verse,
    paragraphs,
    width_of,
)

SUFFIXES = (".txt", ".text")

_HEAD = 65_536
_UNDERSCORES = re.compile(r"(?<![^\W_])_(?=[^\s_])([^_]{1,1500}?)(?<=[^\s_])_(?![^\W_])")
_STARS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]{1,600}?)(?<=[^\s*])\*(?![\w*])")
_EQUALS = re.compile(r"(?<![\w=])=(?=[^\s=])([^=\n]{1,200}?)(?<=[^\s=])=(?![\w=])")
_ILLUSTRATION = re.compile(r"^\[Illustrations?(?::?\s*(.*?))?\]?$", re.DOTALL | re.IGNORECASE)
_NOTE = re.compile(
    r"^\[?(?:Footnote\s*(?:\d{1,4}|[A-Z*])?:?|(\d{1,4}|\*{1,3})\])\s*(.+?)\]?$", re.DOTALL
)
_NOTE_MARK = re.compile(r"(?<=[\w.,;:!?\"'”’)])\s?\[(\d{1,4}|[*]{1,3})\]")
_BULLET = re.compile(r"^\s*(?:[-*•+]|\d{1,3}[.)])\s+\S")
_ORNAMENT = re.compile(r"^[\W_]+$")
_FIELD = re.compile(r"^(Title|Author|Language):\s*(\S.*)$", re.MULTILINE)


def claims(path: Path) -> bool:
    """Whether the file is text, and no other kind of document that is written as text."""
    text = decoded_head(path, _HEAD)
    if text is None:
        return False
    return bool(text.strip()) and not text.lstrip("\ufeff \n\t").startswith(
        ("<?xml", "{\\rtf", "%!PS")
    )


def read(
    path: Path,
    book: Book,  # noqa: ARG001
    options: ReadingOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[RawPage]:
    """Give the text's chapters one by one. Raises `BookError` where it is no text, or empty."""
    text, warnings = load(path)
    blocks = to_blocks(text)
    if not blocks:
        raise BookError(f"{path.name} holds no text.")
    pages = list(to_pages(blocks, 1, None, warnings))
    check_count(len(pages), path.name, options)
    for done, page in enumerate(pages, start=1):
        if progress is not None:
            progress(done, len(pages))
        yield page


def to_blocks(text: str) -> list[Block]:
    """Paragraphs, headings, verses, tables and notes of a plain text.

    Hyphens at line ends are undone, or kept, as the text's own words say; marks of emphasis
    (`_so_`) and of pictures are taken away.
    """
    lines = text.replace("\f", "\n\n\n").expandtabs(8).split("\n")
    width = width_of(lines)
    hyphens = Hyphenation.of(line.strip() for line in lines)
    ranks = {chapter_rank(line) for line in lines} - {None}
    blocks: list[Block] = []
    for paragraph in paragraphs(lines, width):
        block = _block(paragraph, width, hyphens, ranks)
        if block is None:
            continue
        if (block.kind == blocks[-1].kind == "heading" if blocks else False) and _names_chapter(
            blocks[-1], block, paragraph
        ):
            merged = f"{blocks[-1].text.rstrip('.')}. {block.text}"
            blocks[-1] = replace(blocks[-1], text=merged)
            continue
        blocks.append(block)
    if any(block.kind == "note" for block in blocks):
        blocks = [
            replace(block, text=_NOTE_MARK.sub("", block.text))
            if block.kind == "paragraph"
            else block
            for block in blocks
        ]
    return blocks


def _names_chapter(head: Block, block: Block, paragraph: Paragraph) -> bool:
    """Whether a heading is the title of the numbered one before it (CHAPTER I / THE SEA)."""
    return (
        chapter_rank(head.text) is not None
        and chapter_rank(block.text) is None
        and len(head.text.split()) <= 2
        and paragraph.blank_before <= 3
    )


def _block(
    paragraph: Paragraph, width: int, hyphens: Hyphenation, ranks: set[int | None]
) -> Block | None:
    lines = [line.strip() for line in paragraph.lines]
    joined = _plain(hyphens.join(lines))
    picture = _ILLUSTRATION.match(joined)
    if picture is not None:
        return Block("paragraph", picture[1].strip()) if (picture[1] or "").strip() else None
    if all(_ORNAMENT.match(line) for line in lines) and not any(c.isalnum() for c in joined):
        return None
    note = _NOTE.match(joined)
    if note is not None:
        return Block("note", note[2].strip())
    if is_heading(paragraph):
        rank = chapter_rank(joined)
        # Levels are counted from the highest kind of division that the text has.
        lowest = max((known for known in ranks if known is not None), default=0)
        level = rank if rank is not None else (lowest or 1) + (lowest > 0)
        first = min((known for known in ranks if known is not None), default=1)
        return Block("heading", joined, min(max(level - first + 1, 1), 6))
    if is_aligned(paragraph):
        return Block("table", _as_typed(paragraph))
    if len(lines) > 1 and sum(bool(_BULLET.match(line)) for line in paragraph.lines) >= 2:
        return Block("list", _items(paragraph, hyphens))
    if is_verse(paragraph, width):
        return Block("list", _plain(_as_typed(paragraph)))
    return Block("paragraph", joined)


def _as_typed(paragraph: Paragraph) -> str:
    margin = min(len(line) - len(line.lstrip()) for line in paragraph.lines)
    return "\n".join(line[margin:].rstrip() for line in paragraph.lines)


def _items(paragraph: Paragraph, hyphens: Hyphenation) -> str:
    items: list[list[str]] = []
    for line in paragraph.lines:
        if _BULLET.match(line) or not items:
            items.append([])
        items[-1].append(line.strip())
    return "\n".join(_plain(hyphens.join(item)) for item in items)


def _plain(text: str) -> str:
    """Take the marks of emphasis away."""
    if "_" in text:
        text = _UNDERSCORES.sub(r"\1", text)
    if "*" in text:
        text = _STARS.sub(r"\1", text)
    return _EQUALS.sub(r"\1", text) if "=" in text else text


def describe(path: Path) -> dict[str, Any]:
    """What the header of a distributed text says: `title`, `authors`, `language`."""
    try:
        with path.open("rb") as stream:
            text = decode(stream.read(_HEAD), path.name).text[:8000]
    except (BookError, OSError):
        return {}
    found: dict[str, Any] = {}
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(text):
        fields.setdefault(name, " ".join(value.split()))
    if "Title" in fields:
        found["title"] = fields["Title"][:500]
    if "Author" in fields:
        found["authors"] = [fields["Author"][:200]]
    if fields.get("Language", "").lower() == "english":
        found["language"] = "en"
    return found
