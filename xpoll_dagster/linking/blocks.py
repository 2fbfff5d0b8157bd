"""What two books of different domains have in common, computed once for every pair of books.

A block depends on its two books alone and is computed in the same way whatever other books
there are, so that a library linked book by book has the same blocks, to the last bit, as one
linked at once. The blocks of two domains are kept in one file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

BlockKey = tuple[str, str]
"""What the left and the right book are made of."""


@dataclass(frozen=True, slots=True)
class Block:
    """Matches of the passages of two books.

    `left[n]` and `right[n]` are passages of the two books, `score[n]` how alike they are, in
    ascending order of left and right. `left_best` and `right_best` [passages, k] are each
    passage's highest scores with the other book; where there are fewer, `-inf` or 0.
    """

    left: np.ndarray
    right: np.ndarray
    score: np.ndarray
    left_best: np.ndarray
    right_best: np.ndarray


_FIELDS = ("left", "right", "score", "left_best", "right_best")


def pack_blocks(blocks: Mapping[BlockKey, Block]) -> dict[str, np.ndarray]:
    """All blocks of two domains as a few arrays."""
    if not blocks:
        return {"index": np.zeros(0, np.uint8)}
    sizes = [[len(getattr(block, name)) for name in _FIELDS] for block in blocks.values()]
    index = json.dumps({"keys": list(blocks), "sizes": sizes}).encode()
    packed = {
        name: np.concatenate([getattr(block, name) for block in blocks.values()])
        for name in _FIELDS
    }
    return {"index": np.frombuffer(index, np.uint8), **packed}


def unpack_blocks(arrays: Mapping[str, np.ndarray] | None) -> dict[BlockKey, Block]:
    """What `pack_blocks` packed; nothing where there is nothing."""
    if arrays is None or not len(arrays["index"]):
        return {}
    index = json.loads(arrays["index"].tobytes())
    ends = np.cumsum(np.array(index["sizes"]), axis=0)
    parts = {name: np.split(arrays[name], ends[:-1, column]) for column, name in enumerate(_FIELDS)}
    return {
        (left, right): Block(**{name: parts[name][n] for name in _FIELDS})
        for n, (left, right) in enumerate(index["keys"])
    }


def merge_blocks(
    blocks: Sequence[Block], left_starts: np.ndarray, right_starts: np.ndarray
) -> Block:
    """The blocks of two domains as one, whose rows count the passages of each domain.

    Args:
        blocks: One for every left and right book: those of the first left book, then those
            of the second, and so on.
        left_starts: First passage of each left book, and the number of passages.
        right_starts: The same of the right books.
    """
    rows, columns = len(left_starts) - 1, len(right_starts) - 1
    table = [blocks[row * columns : (row + 1) * columns] for row in range(rows)]
    left = [b.left + left_starts[n] for n, row in enumerate(table) for b in row]
    right = [b.right + start for row in table for b, start in zip(row, right_starts, strict=False)]
    left_best = [np.hstack([block.left_best for block in row]) for row in table]
    right_best = [np.hstack([row[n].right_best for row in table]) for n in range(columns)]
    return Block(
        np.concatenate(left),
        np.concatenate(right),
        np.concatenate([block.score for block in blocks]).astype(np.float64),
        np.concatenate(left_best),
        np.concatenate(right_best),
    )


def levels(best: np.ndarray, neighbours: int) -> np.ndarray:
    """Mean of the few highest scores of each row, over all books; `-inf` counts as none."""
    nearest = -np.sort(-best, axis=1)[:, :neighbours]
    real = np.isfinite(nearest)
    total = np.where(real, nearest, 0.0).sum(axis=1, dtype=np.float64)
    return total / np.maximum(real.sum(axis=1), 1)
