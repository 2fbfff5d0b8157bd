"""Balance by caps: the largest groups are cut, nothing is drawn twice, and the cut is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.sft.options import SftOptions


@dataclass(frozen=True, slots=True)
class Balanced:
    """Rows with `reason` null where they stay, and what each constraint did."""

    frame: pl.DataFrame
    constraints: list[dict[str, Any]]


def share_cap(sizes: list[int], share: float) -> int:
    """The largest group size at which no group holds more than `share` of what is left.

    Groups larger than the result are cut to it. `share` is raised to one and a half fair
    shares, for among two groups none can hold less than half.
    """
    if not sizes:
        return 0
    share = effective_share(len(sizes), share)
    low, high = 1, max(sizes)
    while low < high:
        middle = (low + high + 1) // 2
        if middle <= share * sum(min(size, middle) for size in sizes) + 1e-9:
            low = middle
        else:
            high = middle - 1
    return low


def effective_share(groups: int, share: float) -> float:
    """The share that can be asked of so many groups."""
    return min(1.0, max(share, 1.5 / groups))


def format_caps(sizes: Mapping[str, int], weights: Mapping[str, float], slack: float) -> dict:
    """Rows that each format may hold, by the scarcest format that has rows at all."""
    wanted = {name: weights.get(name, 0.0) for name in sizes}
    scales = [sizes[name] / weight for name, weight in wanted.items() if weight and sizes[name]]
    if not scales:
        return dict.fromkeys(sizes, 0)
    return {
        name: min(size, int(min(scales) * wanted[name] * (1 + slack) + 1e-9))
        for name, size in sizes.items()
    }


def balance(frame: pl.DataFrame, options: SftOptions) -> Balanced:
    """Cut the cross-domain rows down to the settings.

    Args:
        frame: Rows with `id`, `kind`, `domain_pair` and `score`, accepted by the gates.
        options: Caps and proportions.

    Returns:
        The same rows in the same order with a column `reason`.
    """
    frame = frame.with_columns(pl.lit(None, pl.String).alias("reason"))
    constraints: list[dict[str, Any]] = []
    sizes = dict(frame.group_by("domain_pair").len().sort("domain_pair").iter_rows())
    cap = share_cap(list(sizes.values()), options.max_domain_pair_share)
    frame = _cut(frame, "domain_pair", dict.fromkeys(sizes, cap), "domain pair over its share")
    constraints.append(
        _told(
            "max_domain_pair_share",
            {
                "asked": options.max_domain_pair_share,
                "in_effect": effective_share(len(sizes), options.max_domain_pair_share)
                if sizes
                else None,
                "rows_allowed": cap,
            },
            frame,
            "domain pair over its share",
            [name for name, size in sizes.items() if size > cap],
        )
    )
    left = frame.filter(pl.col("reason").is_null())
    kinds = dict(left.group_by("kind").len().sort("kind").iter_rows())
    caps = format_caps(kinds, options.formats, options.format_slack)
    frame = _cut(frame, "kind", caps, "format over its proportion")
    constraints.append(
        _told(
            "formats",
            {"asked": dict(options.formats), "slack": options.format_slack, "rows_allowed": caps},
            frame,
            "format over its proportion",
            [name for name, size in kinds.items() if size > caps[name]],
        )
    )
    if options.max_rows is not None:
        frame = _cut(
            frame.with_columns(pl.lit("all").alias("all")),
            "all",
            {"all": options.max_rows},
            "over max_rows",
        ).drop("all")
        told = {"asked": options.max_rows}
        constraints.append(_told("max_rows", told, frame, "over max_rows", ["all"]))
    return Balanced(frame, constraints)


def _cut(frame: pl.DataFrame, column: str, caps: Mapping[str, int], reason: str) -> pl.DataFrame:
    """Mark the rows of a group beyond its cap, lowest scores first."""
    kept = frame.filter(pl.col("reason").is_null())
    over = (
        kept.sort("score", "pair_id", "id", descending=[True, False, False])
        .with_columns(pl.int_range(pl.len()).over(column).alias("place"))
        .filter(
            pl.col("place")
            >= pl.col(column).replace_strict(caps, default=None, return_dtype=pl.Int64)
        )["id"]
    )
    marked = pl.when(pl.col("id").is_in(over.implode())).then(pl.lit(reason))
    return frame.with_columns(marked.otherwise(pl.col("reason")).alias("reason"))


def _told(
    name: str, settings: dict[str, Any], frame: pl.DataFrame, reason: str, bound: list[str]
) -> dict[str, Any]:
    cut = int((frame["reason"] == reason).sum())
    return {
        "constraint": name,
        **settings,
        "binds": cut > 0,
        "rows_cut": cut,
        "groups_cut": bound if cut else [],
    }
