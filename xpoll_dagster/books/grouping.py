"""Grouping: a section's atoms into chunks of good size.

An atom is what may not be cut: a sentence of a long paragraph, a shorter paragraph, a
table, a heading with what follows it. The cut is the cheapest of all (dynamic
programming over one section), so that an edit elsewhere moves no border here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xpoll_dagster.books.chunking_options import ChunkingOptions

NEVER = 1e6  # a break that is taken only when nothing else is left
_SMALL = 25.0  # price of a chunk below the minimum, by how much it lacks
_LARGE = 1e4  # price of a chunk beyond the window


@dataclass(frozen=True, slots=True)
class Atom:
    """An uncuttable span of the cleaned text; `break_cost` is the price of a border behind it."""

    start: int
    stop: int
    tokens: int
    break_cost: float = 0.0


def _price(tokens: int, atoms: int, options: ChunkingOptions) -> float:
    deviation = (tokens - options.target_tokens) / options.target_tokens
    price = deviation * deviation
    if tokens < options.min_tokens:
        lack = (options.min_tokens - tokens) / options.min_tokens
        price += _SMALL * (0.2 + lack)
    if tokens > options.max_tokens and atoms > 1:
        price += _LARGE * (1 + (tokens - options.max_tokens) / options.max_tokens)
    return price


def group(
    atoms: Sequence[Atom], options: ChunkingOptions, *, special_tokens: int
) -> list[tuple[int, int]]:
    """Cut a sequence of atoms into chunks.

    Args:
        atoms: Neighbouring atoms in order.
        options: The sizes wanted.
        special_tokens: What the tokenizer adds to every text.

    Returns:
        Half-open ranges of atoms, one for each chunk, in order, covering all.
    """
    if not atoms:
        return []
    best = [0.0] + [float("inf")] * len(atoms)
    origin = [0] * (len(atoms) + 1)
    for stop in range(1, len(atoms) + 1):
        tokens = special_tokens
        end_cost = atoms[stop - 1].break_cost if stop < len(atoms) else 0.0
        for start in range(stop - 1, -1, -1):
            tokens += atoms[start].tokens
            cost = best[start] + _price(tokens, stop - start, options) + end_cost
            if cost < best[stop]:
                best[stop], origin[stop] = cost, start
            if tokens > 2 * options.max_tokens and stop - start > 3:
                break
    ranges = []
    stop = len(atoms)
    while stop:
        ranges.append((origin[stop], stop))
        stop = origin[stop]
    return ranges[::-1]
