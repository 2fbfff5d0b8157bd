"""Splits in which no chunk stands on two sides.

Chunks are the nodes of a graph and rows its edges: whole connected components go to one
split. Pairs tie most chunks of a library into one giant component, so pieces have to be
cut out of it; the rows across the cut are left out, and of several pieces the one that
loses the fewest rows is taken (grown greedily from many starts, as in Karypis and Kumar,
"A fast and high quality multilevel scheme for partitioning irregular graphs", 1998).
"""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from xpoll_dagster.sft.options import SplitOptions

_MOST = 1.3  # a piece may grow past what its split needs, to where fewer rows are lost
_BOILERPLATE = 50  # a sentence in more chunks than this is a formula, not a copy


def stable_order(key: str, seed: int) -> int:
    """A number that orders things at random, the same in every run of the same seed."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\x1f{key}".encode(), digest_size=8).digest())


def twin_groups(chunks: pl.DataFrame, options: SplitOptions) -> dict[str, str]:
    """Chunks that share a long sentence word for word, by the first of their ids.

    Args:
        chunks: `chunk_id` and `passage`.
        options: `duplicate_sentence_length`.

    Returns:
        For every chunk the name of its group, its own id where it has no twin.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ids = chunks["chunk_id"].sort()
    sentences = (
        chunks.select(
            "chunk_id",
            pl.col("passage")
            .fill_null("")
            .str.to_lowercase()
            .str.replace_all(r"[^\p{L}\p{N}.!?]+", " ")
            .str.extract_all(rf"[^.!?]{{{options.duplicate_sentence_length},}}[.!?]")
            .alias("sentence"),
        )
        .explode("sentence")
        .drop_nulls()
        .with_columns(pl.col("sentence").str.strip_chars())
        .unique()
    )
    shared = (
        sentences.group_by("sentence")
        .agg(pl.col("chunk_id").sort())
        .filter(pl.col("chunk_id").list.len().is_between(2, _BOILERPLATE))
    )
    number = {chunk: place for place, chunk in enumerate(ids)}
    links = [(group[0], other) for group in shared["chunk_id"].to_list() for other in group[1:]]
    rows = [number[a] for a, _ in links]
    columns = [number[b] for _, b in links]
    graph = coo_matrix((np.ones(len(links)), (rows, columns)), shape=(len(ids), len(ids)))
    _, labels = connected_components(graph, directed=False)
    first: dict[int, str] = {}
    return {
        chunk: first.setdefault(int(label), chunk) for chunk, label in zip(ids, labels, strict=True)
    }


def assign_splits(
    links: Mapping[tuple[str, str], int], nodes: Iterable[str], options: SplitOptions, seed: int
) -> dict[str, str]:
    """Put every node in one split.

    Args:
        links: Rows that join two nodes, by (node, node).
        nodes: All nodes, those without a link too; they are shared out by chance.
        options: Wanted shares.
        seed: Breaks ties.

    Returns:
        The split of every node. Rows whose nodes differ in split have to be left out.
    """
    neighbours: dict[str, dict[str, int]] = defaultdict(dict)
    for (one, two), rows in sorted(links.items()):
        neighbours[one][two] = neighbours[one].get(two, 0) + rows
        neighbours[two][one] = neighbours[two].get(one, 0) + rows
    total = sum(links.values())
    taken: dict[str, str] = {}
    for split, share in (("test", options.test), ("validation", options.validation)):
        need = share * total
        if need <= 0:
            continue
        for component in _components(neighbours, taken, seed):
            rows = _inner_rows(component, neighbours)
            if rows <= need:
                taken.update(dict.fromkeys(component, split))
                need -= rows
        if need >= max(1.0, 0.1 * share * total):
            free = max(_components(neighbours, taken, seed), key=len, default=[])
            piece = _cut_piece(free, neighbours, need, options.starts, seed)
            taken.update(dict.fromkeys(piece, split))
    for node in nodes:
        if node in neighbours:
            taken.setdefault(node, "train")
        else:
            place = stable_order(node, seed) / 2**64
            if place < options.test:
                taken[node] = "test"
            elif place < options.test + options.validation:
                taken[node] = "validation"
            else:
                taken[node] = "train"
    return taken


def _components(
    neighbours: Mapping[str, Mapping[str, int]], taken: Mapping[str, str], seed: int
) -> list[list[str]]:
    """Connected components of what is not taken, in an order by chance."""
    seen = set(taken)
    found: list[list[str]] = []
    for start in sorted(neighbours, key=lambda node: stable_order(node, seed)):
        if start in seen:
            continue
        seen.add(start)
        component, queue = [], [start]
        while queue:
            node = queue.pop()
            component.append(node)
            for other in neighbours[node]:
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
        found.append(component)
    return found


def _inner_rows(component: Sequence[str], neighbours: Mapping[str, Mapping[str, int]]) -> int:
    inside = set(component)
    twice = own = 0
    for node in component:
        for other, rows in neighbours[node].items():
            if other == node:
                own += rows
            elif other in inside:
                twice += rows
    return twice // 2 + own // 2


def _cut_piece(
    component: Sequence[str],
    neighbours: Mapping[str, Mapping[str, int]],
    need: float,
    starts: int,
    seed: int,
) -> list[str]:
    """A piece with about `need` rows inside, losing few rows across its edge."""
    free = set(component)
    ordered = sorted(component, key=lambda node: (len(neighbours[node]), stable_order(node, seed)))
    step = max(1, len(ordered) // starts)
    best: tuple[float, list[str]] | None = None
    for start in ordered[::step][:starts]:
        cost, piece = _grow(start, free, neighbours, need)
        if piece and (best is None or cost < best[0]):
            best = (cost, piece)
    return best[1] if best else []


def _grow(
    start: str, free: set[str], neighbours: Mapping[str, Mapping[str, int]], need: float
) -> tuple[float, list[str]]:
    """Take up the node that adds most inside and least outside, and stop where it is thin.

    Returns:
        The cost (rows lost, and the distance from `need`, for each row inside) and the piece.
    """
    piece: dict[str, None] = {}
    inside = lost = 0
    to_piece: dict[str, int] = defaultdict(int)
    degree = {start: sum(n for name, n in neighbours[start].items() if name in free)}
    queue: list[tuple[int, str]] = [(0, start)]
    best: tuple[float, int] = (float("inf"), 0)
    while queue and inside < _MOST * need and 2 * len(piece) < max(4, len(free)):
        cost, node = heapq.heappop(queue)
        if node in piece or (piece and cost != degree[node] - 2 * to_piece[node]):
            continue  # an entry that has become out of date
        piece[node] = None
        own = neighbours[node].get(node, 0)
        inside += to_piece[node] + own // 2
        lost += degree[node] - own - 2 * to_piece[node]
        if inside:
            price = (lost + abs(inside - need)) / inside
            best = min(best, (price, len(piece)))
        for other, rows in neighbours[node].items():
            if other in piece or other not in free:
                continue
            to_piece[other] += rows
            if other not in degree:
                degree[other] = sum(n for name, n in neighbours[other].items() if name in free)
            heapq.heappush(queue, (degree[other] - 2 * to_piece[other], other))
    return best[0], list(piece)[: best[1]]
