"""Two models side by side on the same probes: means, intervals, and how often one wins.

Prompts of one pair of passages are alike, so whole pairs are resampled (a cluster bootstrap,
percentile intervals), and differences are taken probe by probe.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from xpoll_dagster.sft.probing_options import ProbingOptions

MEASURES = (
    "judge_score",
    "judge_relevance",
    "judge_faithfulness",
    "judge_integration",
    "score",
    "both_domains",
    "facts_attributable",
    "mapping_stated",
    "refusal",
    "finished",
    "n_words",
)
LESS_IS_BETTER = ("refusal",)
NEITHER_IS_BETTER = ("n_words",)

COMPARISON_SCHEMA = pl.Schema(
    {
        "measure": pl.String,
        "form": pl.String,  # a form of the probes, or all
        "n": pl.Int64,  # probes on which both have the measure
        "n_pairs": pl.Int64,
        "tuned": pl.Float64,  # mean
        "tuned_low": pl.Float64,
        "tuned_high": pl.Float64,
        "baseline": pl.Float64,
        "baseline_low": pl.Float64,
        "baseline_high": pl.Float64,
        "difference": pl.Float64,  # tuned - baseline
        "difference_low": pl.Float64,
        "difference_high": pl.Float64,
        "wins": pl.Int64,  # probes on which tuned is better; null where neither way is better
        "ties": pl.Int64,
        "losses": pl.Int64,
        "win_rate": pl.Float64,  # wins and half the ties
        "win_rate_low": pl.Float64,
        "win_rate_high": pl.Float64,
    }
)


def compare(
    results: pl.DataFrame,
    options: ProbingOptions | None = None,
    tuned: str = "tuned",
    baseline: str = "baseline",
) -> pl.DataFrame:
    """Compare two contenders, measure by measure, over all probes and form by form.

    Args:
        results: Rows of `PROBE_RESULTS_SCHEMA`.
        options: Resamples, confidence and seed.
        tuned: The contender whose gain is asked for.
        baseline: The one to compare it with.

    Returns:
        Rows of `COMPARISON_SCHEMA`, for every measure that both have on at least one probe.
        With a single pair of passages there is nothing to resample: the intervals are null.

    Raises:
        ValueError: A contender has no results.
    """
    options = options or ProbingOptions()
    there = set(results["contender"])
    for name in (tuned, baseline):
        if name not in there:
            raise ValueError(
                f"There are no results of {name!r} to compare, only of "
                f"{', '.join(sorted(there)) or 'nobody'}."
            )
    columns = [pl.col(name).cast(pl.Float64) for name in MEASURES]
    one, other = (
        results.filter(pl.col("contender") == name).select("probe_id", "pair_id", "form", *columns)
        for name in (tuned, baseline)
    )
    both = one.join(
        other.drop("pair_id", "form"), on="probe_id", suffix="_other", maintain_order="left"
    )
    rows: list[dict[str, Any]] = []
    forms = sorted(set(both["form"].drop_nulls()))
    for form in ["all", *(forms if len(forms) > 1 else [])]:
        part = both if form == "all" else both.filter(pl.col("form") == form)
        for measure in MEASURES:
            pairs = part.select(
                "pair_id", pl.col(measure).alias("a"), pl.col(f"{measure}_other").alias("b")
            ).drop_nulls(["a", "b"])
            if pairs.height:
                rows.append(
                    {"measure": measure, "form": form, **_compared(pairs, measure, options)}
                )
    return pl.DataFrame(rows, schema=COMPARISON_SCHEMA, orient="row")


def _compared(pairs: pl.DataFrame, measure: str, options: ProbingOptions) -> dict[str, Any]:
    sign = -1.0 if measure in LESS_IS_BETTER else 1.0
    gain = sign * (pl.col("a") - pl.col("b"))
    wins = (gain > 0).cast(pl.Float64) + 0.5 * (gain == 0).cast(pl.Float64)
    table = pairs.with_columns((pl.col("a") - pl.col("b")).alias("d"), wins.alias("w"))
    clusters = table.group_by("pair_id", maintain_order=True).agg(
        pl.col("a", "b", "d", "w").sum(), pl.len().alias("n")
    )
    sums = clusters.select("a", "b", "d", "w", "n").to_numpy().astype(float)
    means = sums[:, :4].sum(axis=0) / sums[:, 4].sum()
    low, high = _intervals(sums, options)
    names = ["tuned", "baseline", "difference"]
    row: dict[str, Any] = {"n": pairs.height, "n_pairs": clusters.height}
    if measure not in NEITHER_IS_BETTER:
        names.append("win_rate")
        share = table["w"]
        row |= {
            "wins": int((share == 1).sum()),
            "ties": int((share == 0.5).sum()),
            "losses": int((share == 0).sum()),
        }
    for place, name in enumerate(names):
        row |= {name: means[place], f"{name}_low": low[place], f"{name}_high": high[place]}
    return row


def _intervals(sums: np.ndarray, options: ProbingOptions) -> tuple[list[Any], list[Any]]:
    """Percentile intervals of the ratios of sums, clusters drawn with replacement."""
    if len(sums) < 2:
        return [None] * 4, [None] * 4
    generator = np.random.default_rng(options.seed)
    draws = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), options.bootstrap)
    drawn = draws @ sums
    means = drawn[:, :4] / drawn[:, 4:]
    tail = (1 - options.confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low.tolist(), high.tolist()
