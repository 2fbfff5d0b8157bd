"""How much the words outside the quotations repeat from row to row."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Diversity:
    """Six-word runs outside the quotations, over all rows of a table.

    `most_shared` is the share of rows that contain the commonest run, `mean_shared` the
    share of a row's runs that stand in another row too, on average, and `rows_sharing` the
    share of rows with at least one such run (which templates bring near 1 as rows grow).
    """

    rows: int
    most_shared: float
    commonest: str
    mean_shared: float
    rows_sharing: float


def measure_diversity(outside: pl.Series, run: int = 6) -> Diversity:
    """Measure the repetition of texts whose quotations have been cut out.

    Args:
        outside: Texts with "¶" in the place of every quotation (`gates.without_quotes`).
        run: Words of a run. A run does not reach over a quotation.
    """
    words = (
        pl.DataFrame({"text": outside.str.to_lowercase()})
        .with_row_index("row")
        .with_columns(pl.col("text").str.split("¶"))
        .explode("text")
        .with_columns(pl.col("text").str.extract_all(r"[\p{L}\p{N}’'-]+"))
        .with_row_index("part")
        .explode("text")
        .drop_nulls("text")
    )
    shifted = [pl.col("text").shift(-place).over("part").alias(f"w{place}") for place in range(run)]
    runs = (
        words.select("row", *shifted)
        .drop_nulls()
        .select("row", pl.concat_str([f"w{n}" for n in range(run)], separator=" ").alias("run"))
        .unique()
    )
    if runs.is_empty():
        return Diversity(len(outside), 0.0, "", 0.0, 0.0)
    counts = (
        runs.group_by("run")
        .agg(pl.len().alias("rows"))
        .sort("rows", "run", descending=[True, False])
    )
    per_row = (
        runs.join(counts, on="run").group_by("row").agg((pl.col("rows") > 1).mean().alias("shared"))
    )
    return Diversity(
        rows=len(outside),
        most_shared=counts["rows"][0] / len(outside) if counts["rows"][0] > 1 else 0.0,
        commonest=counts["run"][0],
        # Rounded, for the order of a sum over groups is chance and reports are compared by hash.
        mean_shared=round(float(per_row["shared"].sum()) / len(outside), 6),
        rows_sharing=float((per_row["shared"] > 0).sum()) / len(outside),
    )
