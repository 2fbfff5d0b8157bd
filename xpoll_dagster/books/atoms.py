"""Atoms: the pieces of a section that chunking may not cut, with their token counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from xpoll_dagster.books.chunking_options import ChunkingOptions
from xpoll_dagster.books.grouping import NEVER, Atom
from xpoll_dagster.books.sections import Section, Unit
from xpoll_dagster.books.sentences import sentence_ends

CountTokens = Callable[[Sequence[str]], list[int]]

_ENDED = re.compile(r"[.!?…:;][\"'”’»)\]]*[⁰¹²³⁴-⁹]{0,3}\s*$")
_INSIDE_PARAGRAPH = 0.15
_BEFORE_NOTE = 0.1
_AFTER_COLON = 0.6
_UNFINISHED = 3.0
_DISPLAYS = ("formula", "code", "table")
_MAX_UNCUT = ("table", "code", "heading")

Span = tuple[int, int, str]  # start, stop, kind of the block it comes from


def _clusters(text: str, units: Sequence[Unit]) -> list[list[Unit]]:
    """Units that read as one: a paragraph, its display formulas and what follows them."""
    clusters: list[list[Unit]] = []
    for unit in units:
        if clusters and unit.kind in ("paragraph", "formula", "list"):
            before = clusters[-1][-1]
            ending = text[max(before.start, before.stop - 2) : before.stop]
            tied = before.kind in ("paragraph", "formula", "list") and ending != "\n\n"
            if tied:
                clusters[-1].append(unit)
                continue
        clusters.append([unit])
    return clusters


def _sentences(text: str, cluster: Sequence[Unit]) -> list[tuple[int, int]]:
    """Spans of a cluster's sentences; an item of a list counts as one, a formula is whole."""
    start, stop = cluster[0].start, cluster[-1].stop
    ends = {start + end for end in sentence_ends(text[start:stop])}
    for unit in cluster:
        if unit.kind == "formula":
            ends = {end for end in ends if not unit.start < end < unit.stop}
        elif unit.kind == "list":
            place = text.find("\n", unit.start, unit.stop)
            while place >= 0:
                ends.add(place + 1)
                place = text.find("\n", place + 1, unit.stop)
    ends.add(stop)
    # White space alone is no sentence.
    borders = [start]
    for end in sorted(ends):
        if text[borders[-1] : end].strip():
            borders.append(end)
        elif len(borders) > 1:
            borders[-1] = end
    borders[-1] = stop
    return list(pairwise(borders)) or [(start, stop)]


def _starts_low(text: str, start: int) -> bool:
    return next(
        (letter.islower() for letter in text[start : start + 20] if letter.isalpha()), False
    )


def _cost_between(text: str, before: Unit, after: Unit) -> float:
    """The price of a border between two blocks."""
    if before.kind == "heading":
        return NEVER
    if after.kind == "note":
        return _BEFORE_NOTE
    end = text[max(before.start, before.stop - 12) : before.stop].rstrip()
    prose = before.kind in ("paragraph", "formula")
    low = after.kind == "paragraph" and _starts_low(text, after.start)
    if prose and not _ENDED.search(end) and (after.kind in _DISPLAYS or low):
        return _UNFINISHED
    if before.kind in _DISPLAYS and low:
        return _UNFINISHED
    if end.endswith((":", ",")):
        return _AFTER_COLON
    return 0.0


def section_atoms(
    text: str, sections: Sequence[Section], count_tokens: CountTokens, options: ChunkingOptions
) -> tuple[list[list[Atom]], int]:
    """The atoms of every section, counted in two batches.

    Args:
        text: The cleaned text.
        sections: Its sections.
        count_tokens: The embedder's own count of a batch of texts, special tokens included.
        options: The window, for only what exceeds it is taken apart.

    Returns:
        Atoms for each section, and the number of special tokens in every count.
    """
    clusters = [_clusters(text, section.units) for section in sections]
    flat = [cluster for of_section in clusters for cluster in of_section]
    texts = [text[cluster[0].start : cluster[-1].stop] for cluster in flat]
    counts = count_tokens(["", *texts])
    special = counts[0]
    large = [
        place
        for place, (cluster, tokens) in enumerate(zip(flat, counts[1:], strict=True))
        if tokens > options.max_tokens and cluster[0].kind not in _MAX_UNCUT
    ]
    spans = {place: _sentences(text, flat[place]) for place in large}
    inner = iter(
        count_tokens([text[start:stop] for place in large for start, stop in spans[place]])
        if large
        else []
    )
    result: list[list[Atom]] = []
    place = 0
    for of_section in clusters:
        atoms: list[Atom] = []
        for number, cluster in enumerate(of_section):
            after = of_section[number + 1] if number + 1 < len(of_section) else None
            cost = _cost_between(text, cluster[-1], after[0]) if after else 0.0
            cut = spans.get(place, [(cluster[0].start, cluster[-1].stop)])
            for start, stop in cut:
                tokens = next(inner) if place in spans else counts[place + 1]
                last = stop == cut[-1][1]
                atoms.append(
                    Atom(start, stop, max(tokens - special, 0), cost if last else _INSIDE_PARAGRAPH)
                )
            place += 1
        result.append(atoms)
    return result, special
