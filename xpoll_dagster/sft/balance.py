"""Balancing without repeating: caps on the large groups, water-filling of the small ones.

No row is ever drawn twice. Every row that a cap leaves out keeps the name of that cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl


def cap_level(sizes: Sequence[int], max_over_mean: float) -> int:
    """Largest size a group may keep so that none exceeds `max_over_mean` times the mean.

    The mean is that of the sizes as kept, so the level is found by repetition; it falls from
    step to step and ends, since it is a whole number.
    """
    if not sizes:
        return 0
    level = max(sizes)
    while True:
        kept = [min(size, level) for size in sizes]
        allowed = max(1, int(max_over_mean * sum(kept) / len(kept)))
        if allowed >= level:
            return level
        level = allowed


def cap_groups(
    rows: pl.DataFrame, group: pl.Expr, max_over_mean: float, reason: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into kept and left out so that no group exceeds the cap.

    Within a group the rows of highest `score` stay, ties by `id`. The second frame has
    `id` and `reason`.
    """
    if rows.is_empty():
        return rows, pl.DataFrame(schema={"id": pl.String, "reason": pl.String})
    ranked = rows.with_columns(group.alias("_group")).with_columns(
        pl.struct(-pl.col("score").fill_null(0.0), "id")
        .rank("ordinal")
        .over("_group")
        .alias("_rank")
    )
    sizes = ranked.group_by("_group").len()["len"].to_list()
    level = cap_level(sizes, max_over_mean)
    kept = ranked.filter(pl.col("_rank") <= level).drop("_group", "_rank")
    out = ranked.filter(pl.col("_rank") > level).select(
        "id", (pl.lit(f"{reason} ") + pl.col("_group")).alias("reason")
    )
    return kept, out


def water_fill(present: Mapping[str, int], available: Mapping[str, int], n: int) -> dict[str, int]:
    """Share `n` additions among groups so that the smallest totals rise first.

    `present` are the sizes so far, `available` how many each group can add. Returns how many
    each adds: together `n`, or all that is available where that is less.
    """
    names = sorted(available)
    n = min(n, sum(available.values()))
    base = np.array([present.get(name, 0) for name in names], dtype=np.int64)
    room = np.array([available[name] for name in names], dtype=np.int64)
    low, high = 0, int((base + room).max(initial=0))
    while low < high:  # the highest level that does not use more than n
        middle = (low + high + 1) // 2
        if int(np.clip(middle - base, 0, room).sum()) <= n:
            low = middle
        else:
            high = middle - 1
    added = np.clip(low - base, 0, room)
    for i in np.argsort(base + added, kind="stable"):
        if added.sum() == n:
            break
        if added[i] < room[i]:
            added[i] += 1
    return dict(zip(names, added.tolist(), strict=True))
