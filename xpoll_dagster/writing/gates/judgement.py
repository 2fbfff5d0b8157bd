"""The optional judge: a model that scores rows which passed every other gate."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

BELOW = "scored too low by the judge"
UNJUDGED = "the judge gave no score"

Judge = Callable[[pl.DataFrame], pl.DataFrame]
"""Scores rows of the table being written; what it gives back holds for each row's `id` its
`judge_score` (null where none could be had), and may hold `judge_accepted` (its own verdict)
and `judge_reason` (in its words)."""


def apply_judge(table: pl.DataFrame, judge: Judge | None, least: float) -> pl.DataFrame:
    """A table with its accepted rows put to a judge, and rejected where it rejects them.

    Args:
        table: Rows with `id`, `accepted`, `rejected_by`, `judge_score` and `judge_verdict`.
        judge: The judge, or null for none.
        least: The score that a row must reach where the judge gives no verdict of its own.

    Raises:
        ValueError: The judge left out a row, or judged one twice.
    """
    asked = table.filter(pl.col("accepted"))
    if judge is None or asked.is_empty():
        return table
    found = judge(asked)
    if found.height != asked.height or set(found["id"]) != set(asked["id"]):
        raise ValueError(f"The judge gave {found.height} judgements of {asked.height} rows.")
    given = found.columns
    accepts = pl.col("score") >= least
    if "judge_accepted" in given:
        accepts = pl.coalesce("verdict_of_judge", accepts)
    judged = found.select(
        "id",
        pl.col("judge_score").cast(pl.Float64).alias("score"),
        (pl.col("judge_accepted") if "judge_accepted" in given else pl.lit(None, pl.Boolean)).alias(
            "verdict_of_judge"
        ),
        (pl.col("judge_reason") if "judge_reason" in given else pl.lit(None, pl.String)).alias(
            "reason"
        ),
    )
    reasons = (
        pl.when(~pl.col("accepted"))
        .then(pl.col("rejected_by"))
        .when(pl.col("score").is_null())
        .then(pl.lit([UNJUDGED]))
        .when(accepts)
        .then(pl.col("rejected_by"))
        .otherwise(pl.lit([BELOW]))
    )
    return (
        table.join(judged, on="id", how="left", maintain_order="left")
        .with_columns(
            reasons.alias("rejected_by"),
            pl.col("score").alias("judge_score"),
            pl.col("reason").alias("judge_verdict"),
        )
        .with_columns((pl.col("rejected_by").list.len() == 0).alias("accepted"))
        .select(table.columns)
    )
