"""Splits in which no chunk stands on two sides.

Rows that share a chunk hang together. Whole connected components go to validation and test
as long as they fit; where one giant component holds nearly everything, a region of it is
grown from a seed, always by the neighbour with the fewest ties to the outside, and the rows
that cross the region's border are left out and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TRAIN, VALIDATION, TEST, STRADDLES = "train", "validation", "test", "straddles splits"

# Starting points tried for each region; the one that cuts the fewest rows is taken.
_ATTEMPTS = 8


def assign_splits(
    rows: Sequence[Sequence[str]], validation_share: float, test_share: float, seed: int
) -> list[str]:
    """Give each row, by the chunks it stands on, its split, or `STRADDLES`.

    A row is a list of one or more chunk ids. The shares are of all rows.
    """
    generator = np.random.default_rng(seed)
    split_of: dict[str, str] = {}
    components = _components(rows)
    order = generator.permutation(len(components)).tolist()
    # Each kind of component fills its own share, or validation and test would be standalone
    # rows alone: those never hang together, and so always fit.
    for linked in (True, False):
        members = [components[i] for i in order if components[i].linked == linked]
        total = sum(component.n_rows for component in members)
        wanted = {
            split: round(share * total)
            for split, share in ((TEST, test_share), (VALIDATION, validation_share))
        }
        left = []
        for component in members:
            for split, missing in wanted.items():
                if component.n_rows <= missing:
                    split_of.update(dict.fromkeys(component.chunks, split))
                    wanted[split] -= component.n_rows
                    break
            else:
                left.append(component)
        for split, missing in wanted.items():
            largest = max(left, key=lambda component: component.n_rows, default=None)
            if not linked or largest is None or missing <= 0:
                continue
            free = {chunk for chunk in largest.chunks if chunk not in split_of}
            region = _region(rows, free, missing, generator)
            split_of.update(dict.fromkeys(region, split))
    return [_split_of_row(chunks, split_of) for chunks in rows]


def _split_of_row(chunks: Sequence[str], split_of: dict[str, str]) -> str:
    splits = {split_of.get(chunk, TRAIN) for chunk in chunks}
    return splits.pop() if len(splits) == 1 else STRADDLES


@dataclass(frozen=True, slots=True)
class _Component:
    chunks: tuple[str, ...]
    n_rows: int
    linked: bool  # some row stands on two of its chunks


def _components(rows: Sequence[Sequence[str]]) -> list[_Component]:
    """Connected components of the graph of rows, in order of their first chunk."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = list(dict.fromkeys(chunk for chunks in rows for chunk in chunks))
    place = {name: i for i, name in enumerate(names)}
    first = [place[chunks[0]] for chunks in rows for _ in chunks]
    other = [place[chunk] for chunks in rows for chunk in chunks]
    graph = coo_array((np.ones(len(first)), (first, other)), shape=(len(names), len(names)))
    n, labels = connected_components(graph, directed=False)
    members: list[list[str]] = [[] for _ in range(n)]
    for name, label in zip(names, labels.tolist(), strict=True):
        members[label].append(name)
    counts = [0] * n
    for chunks in rows:
        counts[labels[place[chunks[0]]]] += 1
    return [
        _Component(tuple(chunks), count, linked=len(chunks) > 1)
        for chunks, count in zip(members, counts, strict=True)
    ]


def _region(
    rows: Sequence[Sequence[str]], free: set[str], n_rows: int, generator: np.random.Generator
) -> set[str]:
    """A set of free chunks that holds about `n_rows` rows whole and cuts few."""
    ties: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    alone: dict[str, int] = defaultdict(int)
    for chunks in rows:
        if any(chunk not in free for chunk in chunks):
            continue
        if len(chunks) == 1:
            alone[chunks[0]] += 1
        for chunk in chunks:
            for other in chunks:
                if other != chunk:
                    ties[chunk][other] += 1
    starts = sorted(ties)
    if not starts or n_rows <= 0:
        return set()
    best: set[str] = set()
    fewest = None
    for start in generator.choice(len(starts), size=min(_ATTEMPTS, len(starts)), replace=False):
        region, cut = _grow(starts[start], ties, alone, n_rows)
        if region and (fewest is None or cut < fewest):
            best, fewest = region, cut
    return best


def _grow(
    start: str, ties: dict[str, dict[str, int]], alone: dict[str, int], n_rows: int
) -> tuple[set[str], int]:
    region = {start}
    inside, cut = alone.get(start, 0), sum(ties[start].values())
    inward: dict[str, int] = dict(ties[start])
    while inside < n_rows and inward:
        # The neighbour that leaves the fewest rows on the border; ties by name.
        chosen = min(inward, key=lambda name: (sum(ties[name].values()) - 2 * inward[name], name))
        gained = inward.pop(chosen)
        inside += gained + alone.get(chosen, 0)
        cut += sum(ties[chosen].values()) - 2 * gained
        region.add(chosen)
        for other, count in ties[chosen].items():
            if other not in region:
                inward[other] = inward.get(other, 0) + count
    return region, cut
