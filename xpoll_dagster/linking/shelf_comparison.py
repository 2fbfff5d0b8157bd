"""The nearest passages of another domain, found shelf by shelf and kept between runs.

Two shelves that have not changed need no new comparison, and what is nearest in a whole
domain follows from what is nearest on each of its shelves.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import LinkCache
from xpoll_dagster.linking.passages import Passages, Shelf

BLOCKS_SCHEMA = pl.Schema(
    {
        "left": pl.String,
        "right": pl.String,
        "forward_score": pl.Binary,
        "forward_row": pl.Binary,
        "backward_score": pl.Binary,
        "backward_row": pl.Binary,
    }
)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest rows of the other side of each row, as matrices [rows, places].

    `score` (float32) holds the similarities and `row` (int32) the row numbers, counted from
    the other side's first; -1, with a score of 0, where fewer were found.
    """

    score: np.ndarray
    row: np.ndarray

    def best(self, places: int) -> Nearest:
        """The best few of each row, best first; equal ones in the order of their rows."""
        order = np.argsort(-self.score, axis=1, kind="stable")[:, :places]
        return Nearest(
            np.take_along_axis(self.score, order, axis=1),
            np.take_along_axis(self.row, order, axis=1),
        )


BothWays = tuple[Nearest, Nearest]
"""The right side's nearest rows of each left row, and the left side's of each right one."""

Comparison = Callable[[slice, slice], BothWays]
"""Compares two runs of passages; rows are counted from the first of each run."""


def compare_domains(
    passages: Passages,
    a: int,
    b: int,
    compare: Comparison,
    *,
    cache: LinkCache | None,
    kind: str,
    about: str,
    threads: int = 1,
) -> BothWays:
    """Each passage's nearest ones on every shelf of the other domain.

    Args:
        passages: The passages.
        a: The first domain.
        b: The second domain.
        compare: Finds the nearest passages of two shelves.
        cache: Keeps comparisons between runs; None keeps nothing.
        kind: The name under which they are kept.
        about: What else the comparisons depend on: options, in one text.
        threads: Comparisons made at the same time.

    Returns:
        The lists of all shelves side by side, rows counted from the domain's first.
    """
    left, right = passages.shelves[a], passages.shelves[b]
    known: dict[tuple[str, str], BothWays] = {}
    keys: dict[tuple[int, int], tuple[str, str]] = {}
    name, stored = "", 0
    if cache is not None:
        left_keys, right_keys = (
            [cache.key(shelf.books, about) for shelf in side] for side in (left, right)
        )
        keys = {
            (x, y): (left_keys[x], right_keys[y])
            for x, y in product(range(len(left)), range(len(right)))
        }
        name = comparison_name(cache, passages, a, b, about)
        kept = cache.read(f"{kind}_shelves", name)
        sizes = {
            keys[x, y]: (one.stop - one.start, other.stop - other.start)
            for (x, one), (y, other) in product(enumerate(left), enumerate(right))
        }
        stored = 0 if kept is None else kept.height
        known = {} if kept is None else _unpack(kept, sizes)
    places = list(product(range(len(left)), range(len(right))))
    missing = [place for place in places if keys.get(place) not in known]
    with ThreadPoolExecutor(threads) as pool:
        fresh = dict(
            zip(
                missing,
                pool.map(lambda at: compare(left[at[0]].rows, right[at[1]].rows), missing),
                strict=True,
            )
        )
    found = {at: fresh[at] if at in fresh else known[keys[at]] for at in places}
    if cache is not None and (fresh or stored > len(places)):
        cache.write(f"{kind}_shelves", name, _pack({keys[at]: both for at, both in found.items()}))
    return _assembled(found, left, right)


def comparison_name(cache: LinkCache, passages: Passages, a: int, b: int, about: str) -> str:
    """The name under which the comparisons of two domains are kept, whatever their books."""
    return cache.key([], about, passages.domains[a], passages.domains[b])


def _assembled(
    found: dict[tuple[int, int], BothWays], left: tuple[Shelf, ...], right: tuple[Shelf, ...]
) -> BothWays:
    """The blocks side by side, rows counted from the domain's first."""
    forward = [
        _beside([found[x, y][0] for y in range(len(right))], right) for x in range(len(left))
    ]
    backward = [
        _beside([found[x, y][1] for x in range(len(left))], left) for y in range(len(right))
    ]
    return _below(forward), _below(backward)


def _beside(parts: list[Nearest], shelves: tuple[Shelf, ...]) -> Nearest:
    rows = [
        np.where(part.row < 0, part.row, part.row + np.int32(shelf.start - shelves[0].start))
        for part, shelf in zip(parts, shelves, strict=True)
    ]
    return Nearest(np.hstack([part.score for part in parts]), np.hstack(rows))


def _below(parts: list[Nearest]) -> Nearest:
    return Nearest(np.vstack([part.score for part in parts]), np.vstack([p.row for p in parts]))


def _pack(blocks: dict[tuple[str, str], BothWays]) -> pl.DataFrame:
    rows = [
        (
            *key,
            *(
                np.ascontiguousarray(values, kind).tobytes()
                for way in both
                for values, kind in ((way.score, "<f4"), (way.row, "<i4"))
            ),
        )
        for key, both in blocks.items()
    ]
    return pl.DataFrame(rows, schema=BLOCKS_SCHEMA, orient="row")


def _unpack(
    kept: pl.DataFrame, sizes: dict[tuple[str, str], tuple[int, int]]
) -> dict[tuple[str, str], BothWays]:
    """The blocks that are still wanted and as large as they must be."""
    if kept.schema != BLOCKS_SCHEMA:
        return {}
    found: dict[tuple[str, str], BothWays] = {}
    wanted = pl.struct("left", "right").is_in(
        [{"left": one, "right": other} for one, other in sizes]
    )
    for one, other, *packed in kept.filter(wanted).iter_rows():
        height, width = sizes[one, other]
        forward = _matrices(packed[0], packed[1], height, width)
        backward = _matrices(packed[2], packed[3], width, height)
        if forward is not None and backward is not None:
            found[one, other] = (forward, backward)
    return found


def _matrices(score: bytes, row: bytes, height: int, others: int) -> Nearest | None:
    if len(score) != len(row) or len(score) % (4 * height):
        return None
    rows = np.frombuffer(row, "<i4").reshape(height, -1)
    if rows.size and (rows.max() >= others or rows.min() < -1):
        return None
    return Nearest(np.frombuffer(score, "<f4").reshape(height, -1), rows)
