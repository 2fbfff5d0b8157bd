"""Chunking: clean pages into the units of everything downstream.

Whole paragraphs of one section up to the embedder's window; see `grouping` for how the
borders are chosen and `atoms` for what is never cut. Chunks do not overlap: joined they
give the cleaned text back, character for character.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.books.atoms import CountTokens, section_atoms
from xpoll_dagster.books.chunking_options import ChunkingOptions
from xpoll_dagster.books.grouping import Atom, group
from xpoll_dagster.books.model import CHUNKS_SCHEMA
from xpoll_dagster.books.sections import (
    Piece,
    Section,
    is_exercises,
    read_pieces,
    to_sections,
    to_units,
)
from xpoll_dagster.books.sentences import split_sentences

_PROSE = frozenset({"paragraph", "list", "formula"})
_ID_DIGITS = 12


@dataclass(slots=True)
class _Draft:
    """A chunk to be: neighbouring atoms and the path of the section they stand in."""

    path: tuple[str, ...]
    atoms: list[Atom]

    def tokens(self, special: int) -> int:
        return special + sum(atom.tokens for atom in self.atoms)


def _common(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    shared = 0
    while shared < min(len(left), len(right)) and left[shared] == right[shared]:
        shared += 1
    return left[:shared]


def _merged_path(small: _Draft, other: _Draft, special: int, *, titled: bool) -> tuple[str, ...]:
    """Where two chunks joined stand: under what they share, or in the only one with a body."""
    shared = _common(small.path, other.path)
    if titled and len(other.path) > len(shared):
        return other.path
    # A few words set under the parent do not take the section's name from its bulk.
    if other.tokens(special) >= 4 * small.tokens(special):
        return other.path
    return shared or other.path


def _gather_tiny(
    drafts: list[_Draft], bare: set[int], options: ChunkingOptions, special: int
) -> list[_Draft]:
    """Join pieces below the minimum with the neighbour under the nearest common parent.

    Works on chunks, not on sections, so that a tiny section touches at most one chunk of
    the next. Neighbours without a common parent stay apart, except that a heading alone
    always goes with what follows it.
    """
    result: list[_Draft] = []
    queue = list(drafts)
    titles = [id(draft) in bare for draft in drafts]
    place = 0
    while place < len(queue):
        draft, only_title = queue[place], titles[place]
        if draft.tokens(special) >= options.min_tokens and not only_title:
            result.append(draft)
            place += 1
            continue
        after = queue[place + 1] if place + 1 < len(queue) else None
        before = result[-1] if result else None
        near_after = len(_common(draft.path, after.path)) if after else -1
        near_before = len(_common(draft.path, before.path)) if before and not only_title else -1
        fits_after = (
            after is not None
            and draft.tokens(special) + after.tokens(special) - special <= options.max_tokens
        )
        fits_before = (
            before is not None
            and draft.tokens(special) + before.tokens(special) - special <= options.max_tokens
        )
        if after and (only_title or (near_after > 0 and near_after >= near_before and fits_after)):
            path = _merged_path(draft, after, special, titled=only_title)
            queue[place + 1] = _Draft(path, [*draft.atoms, *after.atoms])
            if only_title or queue[place + 1].tokens(special) > options.max_tokens:
                titles[place + 1] = titles[place + 1] and only_title
            place += 1
        elif before and near_before > 0 and fits_before:
            path = _merged_path(draft, before, special, titled=False)
            result[-1] = _Draft(path, [*before.atoms, *draft.atoms])
            place += 1
        elif after and near_after > 0 and near_after >= near_before:
            result.extend(_halves(draft, after, options, special))
            place += 2
        elif before and near_before > 0:
            result.pop()
            result.extend(_halves(before, draft, options, special))
            place += 1
        else:
            result.append(draft)
            place += 1
    return result


def _halves(first: _Draft, second: _Draft, options: ChunkingOptions, special: int) -> list[_Draft]:
    """Cut two neighbouring chunks anew where their border leaves one of them too small."""
    atoms = [*first.atoms, *second.atoms]
    border = len(first.atoms)
    drafts = []
    for start, stop in group(atoms, options, special_tokens=special):
        if stop <= border:
            path = first.path
        elif start >= border:
            path = second.path
        else:
            path = _common(first.path, second.path) or second.path
        drafts.append(_Draft(path, atoms[start:stop]))
    return drafts


def _draft_chunks(
    sections: Sequence[Section],
    atoms: Sequence[list[Atom]],
    options: ChunkingOptions,
    special: int,
) -> list[_Draft]:
    drafts: list[_Draft] = []
    bare: set[int] = set()
    for section, of_section in zip(sections, atoms, strict=True):
        for start, stop in group(of_section, options, special_tokens=special):
            draft = _Draft(section.path, of_section[start:stop])
            drafts.append(draft)
            if not section.has_body:
                bare.add(id(draft))
    drafts = _gather_tiny(drafts, bare, options, special)
    fitting: list[_Draft] = []
    for draft in drafts:
        if draft.tokens(special) > options.max_tokens and len(draft.atoms) > 1:
            ranges = group(draft.atoms, options, special_tokens=special)
            fitting.extend(_Draft(draft.path, draft.atoms[start:stop]) for start, stop in ranges)
        else:
            fitting.append(draft)
    return fitting


def _kind(pieces: Sequence[tuple[Piece, str]], path: tuple[str, ...], passage: str) -> str:
    """What a chunk mostly is, by the characters of its blocks."""
    weight: Counter[str] = Counter()
    for piece, text in pieces:
        weight["prose" if piece.kind in ("paragraph", "formula") else piece.kind] += len(text)
    if not passage:
        for kind in ("table", "code", "note"):
            if weight[kind]:
                return max(("table", "code", "note"), key=lambda name: weight[name])
        return "heading"
    main = max(weight, key=lambda kind: weight[kind])
    if is_exercises(path) and main in ("prose", "list"):
        return "exercises"
    return "prose" if main == "heading" else main


class _Pieces:
    """Which pieces a span of the cleaned text touches."""

    def __init__(self, text: str, pieces: Sequence[Piece]) -> None:
        self._text = text
        self._pieces = pieces
        self._starts = [piece.start for piece in pieces]

    def within(self, start: int, stop: int) -> list[tuple[Piece, str]]:
        found = []
        place = bisect_right(self._starts, start) - 1
        while place < len(self._pieces) and self._pieces[place].start < stop:
            piece = self._pieces[place]
            found.append((piece, self._text[max(start, piece.start) : min(stop, piece.stop)]))
            place += 1
        return found


def _last_sentences(passages: Sequence[str], wanted: int) -> str:
    """The sentences before a chunk, from the nearest passages that hold any."""
    found: list[str] = []
    for passage in reversed(passages):
        if len(found) >= wanted:
            break
        # The tail is enough: two sentences of any book stand in it.
        found = [*split_sentences(passage[-4000:]), *found]
    return "".join(
        sentence if sentence[-1:].isspace() else f"{sentence} " for sentence in found[-wanted:]
    ).strip()


def chunk_book(
    pages: pl.DataFrame, count_tokens: CountTokens, options: ChunkingOptions | None = None
) -> pl.DataFrame:
    """Cut a book's clean pages into chunks.

    Args:
        pages: A table of `PAGES_SCHEMA`; only pages of kind "body" are chunked.
        count_tokens: How many tokens the embedder makes of each text of a batch, special
            tokens included.
        options: The sizes; defaults where None.

    Returns:
        A table of `CHUNKS_SCHEMA`. Joining `text` gives the joined text of the body pages
        back. An id is the book and a hash of the stripped text, with "-2", "-3" for
        repetitions, so an edit in one section changes no id in another.
    """
    options = options or ChunkingOptions()
    if pages.is_empty():
        return pl.DataFrame(schema=CHUNKS_SCHEMA)
    book, domain = pages["book"][0], pages["domain"][0]
    text, pieces, goes_on = read_pieces(pages)
    sections = to_sections(text, to_units(pieces, goes_on))
    atoms, special = section_atoms(text, sections, count_tokens, options)
    drafts = _draft_chunks(sections, atoms, options, special)
    texts = [text[draft.atoms[0].start : draft.atoms[-1].stop] for draft in drafts]
    counts = count_tokens(texts) if texts else []
    index = _Pieces(text, pieces)
    seen: Counter[str] = Counter()
    passages: list[str] = []
    rows: list[dict[str, Any]] = []
    for ordinal, (draft, chunk, tokens) in enumerate(zip(drafts, texts, counts, strict=True)):
        inside = index.within(draft.atoms[0].start, draft.atoms[-1].stop)
        passage = "".join(part for piece, part in inside if piece.kind in _PROSE).strip()
        digest = hashlib.sha256(chunk.strip().encode()).hexdigest()[:_ID_DIGITS]
        seen[digest] += 1
        repeated = f"-{seen[digest]}" if seen[digest] > 1 else ""
        rows.append(
            {
                "chunk_id": f"{book}-{digest}{repeated}",
                "book": book,
                "domain": domain,
                "ordinal": ordinal,
                "section": list(draft.path),
                "page_start": min(piece.page for piece, _ in inside),
                "page_end": max(piece.page for piece, _ in inside),
                "text": chunk,
                "passage": passage,
                "kind": _kind(inside, draft.path, passage),
                "context": _last_sentences(passages[-4:], options.context_sentences),
                "n_tokens": tokens,
            }
        )
        passages.append(passage)
    return pl.DataFrame(rows, schema=CHUNKS_SCHEMA, orient="row")
