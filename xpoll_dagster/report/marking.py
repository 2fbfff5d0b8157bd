"""What to mark in a pair's passages: shared concepts and words as each passage prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from xpoll_dagster.report.sources import Table

_BETWEEN_WORDS = r"[\s-]+"
_PLURAL = re.compile(r"(?:ies|y|es|s)$")


def surfaces_by_chunk(concepts: Table | None, chunks: pl.Series) -> dict[str, dict[str, list[str]]]:
    """How each chunk prints its concepts: chunk → concept → surfaces."""
    if concepts is None:
        return {}
    rows = (
        concepts.lazy()
        .filter(pl.col("chunk_id").is_in(chunks.implode()))
        .select("chunk_id", "concept", "surface")
        .unique()
        .sort("chunk_id", "concept", "surface")
        .collect()
    )
    found: dict[str, dict[str, list[str]]] = {}
    for chunk, concept, surface in rows.iter_rows():
        found.setdefault(chunk, {}).setdefault(concept, []).append(surface)
    return found


def marks(
    text: str, shared: Sequence[str], surfaces: Mapping[str, Iterable[str]]
) -> list[list[int]]:
    """Spans of a passage that print a shared concept or word: start, end, which one.

    A word's plural is the same word, as for the links. Spans do not overlap, longer ones go
    first; offsets count UTF-16 units, as a browser's script does.

    Args:
        text: The passage as the page shows it.
        shared: The shared concepts or words.
        surfaces: How this passage prints them, where it is known.
    """
    found: list[tuple[int, int, int]] = []
    for number, name in enumerate(shared):
        for surface in {name, *surfaces.get(name, ())}:
            found += [(m.start(), m.end(), number) for m in _pattern(surface).finditer(text)]
    spans: list[tuple[int, int, int]] = []
    for start, end, number in sorted(found, key=lambda span: (span[0] - span[1], span)):
        if all(end <= other[0] or other[1] <= start for other in spans):
            spans.append((start, end, number))
    return [
        [_units(text, start), _units(text, end), number] for start, end, number in sorted(spans)
    ]


def _pattern(surface: str) -> re.Pattern[str]:
    words = [_either_number(word) for word in surface.split()]
    if not words:
        return re.compile(r"(?!)")
    return re.compile(rf"(?<!\w){_BETWEEN_WORDS.join(words)}(?!\w)", re.IGNORECASE)


def _either_number(word: str) -> str:
    """A pattern for a word's singular and plural; short words are taken as they are."""
    stem = _PLURAL.sub("", word)
    if len(stem) <= 2:
        return re.escape(word)
    endings = "(?:ies|y|es|s|e)?" if stem != word else "(?:e?s)?"
    return re.escape(stem) + endings


def _units(text: str, offset: int) -> int:
    head = text[:offset]
    return offset if head.isascii() else len(head.encode("utf-16-le")) // 2
