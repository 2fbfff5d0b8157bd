"""The report of a mix: what was asked, what there is, what was drawn and how it measures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from xpoll_dagster.corpus.licences import strictness
from xpoll_dagster.corpus.manifest import MANIFEST_FILE
from xpoll_dagster.corpus.mix_demand import Allocation, Demand
from xpoll_dagster.corpus.mix_keys import MixKeys
from xpoll_dagster.corpus.mix_measures import comparison
from xpoll_dagster.corpus.profiles import COMMERCIAL, Profile
from xpoll_dagster.storage import hash_file


def mix_report(
    corpus: Path,
    keys: MixKeys,
    drawn: np.ndarray,
    random: np.ndarray,
    samples: tuple[pl.DataFrame, pl.DataFrame],
    profile: Profile,
    demand: Demand,
    allocation: Allocation,
) -> dict[str, Any]:
    """Everything that the card says, as JSON-like values."""
    before = keys.counts(np.ones(len(drawn), bool))
    after = keys.counts(drawn)
    whole = sum(demand.weights)
    categories = {
        name: {
            "weight": round(demand.weights[c] / whole, 6),
            "limit": demand.category_shares[c],
            "available": int(demand.supply[:, c].sum()),
            "rows": int(allocation.rows[:, c].sum()),
            "share": round(int(allocation.rows[:, c].sum()) / allocation.total, 6),
        }
        for c, name in enumerate(demand.categories)
    }
    sources = {
        name: {
            "available": int(demand.supply[s].sum()),
            "cap": demand.source_caps[s],
            "rows": int(allocation.rows[s].sum()),
        }
        for s, name in enumerate(demand.sources)
        if demand.supply[s].sum()
    }
    return {
        "profile": profile.model_dump(mode="json"),
        "corpus": {"rows": len(drawn), "manifest_sha256": hash_file(corpus / MANIFEST_FILE)},
        "asked": allocation.wanted,
        "rows": allocation.total,
        "feasible_with_exact_weights": allocation.with_weights,
        "binding": [
            {"kind": one.kind, "name": one.name, "limit": one.limit, "gain": round(one.gain, 4)}
            for one in allocation.binding
        ],
        "below_weight": _below_weight(demand, allocation),
        "left_out": keys.left_out | {"not drawn": int((keys.eligible & ~drawn).sum())},
        "licence": strictest(after["licence"]),
        "licences": after["licence"],
        "categories": categories,
        "sources": sources,
        "before": before,
        "after": after,
        "comparison": comparison(after, keys.counts(random), *samples),
    }


def _below_weight(demand: Demand, allocation: Allocation) -> dict[str, str]:
    """Categories with at least a row less than their weight asks for, and why."""
    found: dict[str, str] = {}
    for c, name in enumerate(demand.categories):
        wanted = demand.weights[c] / sum(demand.weights) * allocation.total
        rows, there = int(allocation.rows[:, c].sum()), int(demand.supply[:, c].sum())
        if rows > wanted - 1:
            continue
        reason = (
            "there are no rows of it"
            if not there
            else "there are no more"
            if rows == there
            else "caps of its sources"
        )
        found[name] = f"{rows:,} of {wanted:,.0f} rows: {reason}"
    return found


def strictest(licences: Mapping[str, int]) -> dict[str, Any]:
    """The licence that holds for a set of rows: that of the strictest of them.

    Returns:
        `grade` as of `licences.strictness`, the `names` of the licences of that grade,
        whether commercial use is permitted, and how many rows are that strict.
    """
    grades = {name: strictness(name) for name in licences}
    grade = max(grades.values(), default=0)
    names = sorted(name or "unknown" for name, one in grades.items() if one == grade)
    return {
        "grade": grade,
        "names": names,
        "commercial": grade <= COMMERCIAL,
        "rows": sum(count for name, count in licences.items() if grades[name] == grade),
    }
