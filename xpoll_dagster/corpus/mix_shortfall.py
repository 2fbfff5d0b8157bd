"""Why a mix is smaller than asked, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from xpoll_dagster.corpus.mix_demand import Allocation, Binding, Demand


def explain(demand: Demand, allocation: Allocation, left_out: Mapping[str, int]) -> str:
    """What total is feasible and what binds; empty where the mix is as large as asked."""
    if allocation.total >= allocation.wanted:
        return ""
    parts = [f"{allocation.wanted:,} rows were asked for, {allocation.total:,} are feasible."]
    supply = int(demand.supply.sum())
    if not supply:
        parts.append("No row of the corpus fits the profile.")
    if left_out:
        reasons = "; ".join(f"{reason}: {count:,}" for reason, count in left_out.items())
        parts.append(f"Rows that may not be drawn: {reasons}.")
    if supply:
        parts += [_sentence(one, demand) for one in allocation.binding]
        reachable = sum(
            share for c, share in enumerate(demand.category_shares) if demand.supply[:, c].any()
        )
        if reachable < 1:
            names = [name for c, name in enumerate(demand.categories) if demand.supply[:, c].any()]
            parts.append(
                f"Only {', '.join(names)} have rows, and together may make up "
                f"{reachable:.0%} of a mix: add sources of other categories, or declare an "
                "exception under category_share_exceptions."
            )
    return " ".join(parts)


def _sentence(one: Binding, demand: Demand) -> str:
    more = f" (one more: {one.gain:.2f} rows more in the mix)" if one.gain else ""
    percent = f" (one point more: {one.gain:,.0f} rows more)" if one.gain else ""
    if one.kind == "supply":
        return f"The category {one.name} has only {one.limit:,.0f} rows that may be drawn{more}."
    if one.kind == "category_share":
        return f"The category {one.name} may make up {one.limit:.0%} of the mix{percent}."
    if one.kind == "source_cap":
        return f"The source {one.name} is capped at {one.limit:,.0f} rows{more}."
    if one.kind == "source_share":
        return f"The source {one.name} may make up {one.limit:.0%} of the mix{percent}."
    if one.kind == "weights":
        return f"The category {one.name} may make up no more than its weight, {one.limit:.0%}."
    return f"The mix may hold {demand.wanted:,} rows."
