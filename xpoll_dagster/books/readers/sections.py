"""Finished blocks to sections: where a document is cut, and how deep its headings stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from xpoll_dagster.books.model import Block, PageKind

_LONGEST = 60_000  # characters: a longer section is cut at its next lower headings
_DEEPEST = 4
_NUMBER = re.compile(r"^(\d{1,3}(?:\.\d{1,3})*)\.?\s+\S")
_BARE_NUMBER = re.compile(
    r"^(?:(?:chapter|part|book|lecture)\s+)?(?:[IVXLC]+|\d{1,3})[.:]?$", re.IGNORECASE
)
_SENTENCE = re.compile(r"\w{3,}[.;:,]$")
_CONTENTS = re.compile(
    r"^(?:\w+ )?(?:table of )?contents$|^list of (?:illustrations|figures|plates|tables|maps|"
    r"charts|diagrams|exercises)$|^illustrations$",
    re.IGNORECASE,
)
_INDEX = re.compile(r"^(?:(?:general|subject|name|term|author) )?index$", re.IGNORECASE)


def split(blocks: Sequence[Block]) -> list[tuple[Block, ...]]:
    """Cut a document before its headings of the first two levels, or lower if that is coarse.

    Headings that follow each other without text between stay together.
    """
    levels = sorted({block.level for block in blocks if block.kind == "heading"})
    cut = 2
    sections = _cut(blocks, cut)
    for level in levels:
        if level <= cut or level > _DEEPEST or max(map(_size, sections), default=0) <= _LONGEST:
            continue
        cut = level
        sections = _cut(blocks, cut)
    return sections


def _size(blocks: Sequence[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _cut(blocks: Sequence[Block], level: int) -> list[tuple[Block, ...]]:
    sections: list[list[Block]] = [[]]
    for block in blocks:
        if block.kind == "heading" and block.level <= level:
            here = sections[-1]
            full = len(here) > 2 or _CONTENTS.match(block.text.strip(" .:"))
            if here and (full or any(other.kind != "heading" for other in here)):
                sections.append([])
        sections[-1].append(block)
    return [tuple(section) for section in sections if section]


def label_of(blocks: Sequence[Block]) -> str | None:
    """A section's name: its first heading, with those that stand directly below it."""
    heads: list[str] = []
    for block in blocks[:3]:
        if block.kind != "heading":
            break
        heads.append(block.text)
    return " – ".join(heads)[:200] if heads else None


def kind_of(blocks: Sequence[Block]) -> PageKind:
    """Contents or index where the section's heading says so and its text is a list of entries."""
    entries = [
        line for block in blocks if block.kind != "heading" for line in block.text.split("\n")
    ]
    if not entries or sum(map(len, entries)) > 120 * len(entries):
        return "body"
    for block in blocks[:2]:
        title = block.text.strip(" .:—-").casefold()
        if block.kind == "heading" or len(title) < 40:
            if _CONTENTS.match(title):
                return "contents"
            if _INDEX.match(title) and len(entries) >= 3:
                return "index"
    return "body"


def mend_headings(blocks: Sequence[Block]) -> list[Block]:
    """Put headings right: sentences set as headings become paragraphs, numbers give the depth.

    Documents that come out of text recognition give all their headings one level; there the
    number (`7.1.6`) says how deep a heading stands, and those without one stand below it.
    """
    blocks = _with_names([_demote(block) for block in blocks])
    heads = [block for block in blocks if block.kind == "heading"]
    numbers = [_depth(block.text) for block in heads]
    numbered = sum(depth > 0 for depth in numbers)
    top = min((block.level for block in heads), default=1)
    alike = sum(block.level == top for block in heads)
    if alike < 0.9 * len(heads) or numbered < max(5, 0.3 * len(heads)) or max(numbers) < 2:
        return blocks
    mended: list[Block] = []
    current = top
    for block in blocks:
        if block.kind == "heading":
            depth = _depth(block.text)
            if depth:
                current = top + depth - 1
            level = current if depth else current + 1 if mended and current > top else top
            mended.append(replace(block, level=min(level, 6)))
        else:
            mended.append(block)
    return mended


def _with_names(blocks: Sequence[Block]) -> list[Block]:
    """Put a chapter's number and its name, set as two headings, into one."""
    merged: list[Block] = []
    for block in blocks:
        before = merged[-1] if merged else None
        if (
            before is not None
            and block.kind == before.kind == "heading"
            and block.level >= before.level
            and _BARE_NUMBER.match(before.text)
            and not _BARE_NUMBER.match(block.text)
        ):
            merged[-1] = replace(before, text=f"{before.text.rstrip('.:')}. {block.text}")
        else:
            merged.append(block)
    return merged


def _demote(block: Block) -> Block:
    if block.kind != "heading":
        return block
    words = block.text.split()
    sentence = len(words) > 12 and _SENTENCE.search(block.text) is not None
    if (
        sentence
        or len(block.text) > 250
        or (len(words) > 6 and (block.text[0].islower() or block.text[0] in '“"'))
    ):
        return Block("paragraph", block.text)
    return block


def _depth(text: str) -> int:
    match = _NUMBER.match(text)
    if match is None:
        return 0
    parts = match[1].split(".")
    return 1 if len(parts) == 2 and parts[1] == "0" else len(parts)
