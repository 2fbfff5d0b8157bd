"""What must hold of a dataset; each function returns the breaks in words, or none."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl


def leaking_chunks(splits: Mapping[str, pl.DataFrame]) -> list[str]:
    """Check that no chunk stands in two splits."""
    placed = pl.concat(
        [
            frame.select(pl.col("chunk_ids").alias("chunk"), split=pl.lit(name)).explode("chunk")
            for name, frame in splits.items()
        ]
    ).unique()
    leaks = placed.group_by("chunk").len().filter(pl.col("len") > 1).sort("chunk")
    if leaks.is_empty():
        return []
    return [f"{leaks.height} chunks stand in more than one split, {leaks['chunk'][0]} first"]


def unresolved_rows(rows: pl.DataFrame, chunks: pl.DataFrame) -> list[str]:
    """Check that every row's chunks exist and stand on the pages that the row names."""
    named = rows.select("id", pl.col("pages").alias("place")).explode("place").unnest("place")
    found = named.join(
        chunks.select("chunk_id", true_start="page_start", true_end="page_end", true_book="book"),
        on="chunk_id",
        how="left",
    )
    breaks = []
    lost = found.filter(pl.col("true_book").is_null())
    if lost.height:
        breaks.append(f"{lost.height} rows name a chunk that is not there, {lost['id'][0]} first")
    wrong = found.filter(
        (pl.col("book") != pl.col("true_book"))
        | (pl.col("page_start") != pl.col("true_start"))
        | (pl.col("page_end") != pl.col("true_end"))
    )
    if wrong.height:
        breaks.append(f"{wrong.height} rows name the wrong pages, {wrong['id'][0]} first")
    bare = rows.filter(pl.col("pages").list.len() == 0)
    if bare.height:
        breaks.append(f"{bare.height} rows name no page, {bare['id'][0]} first")
    return breaks


def repeated_rows(rows: pl.DataFrame) -> list[str]:
    """Check that ids and texts are unique over all splits."""
    breaks = []
    for column in ("id", "text"):
        repeated = rows.height - rows[column].n_unique()
        if repeated:
            breaks.append(f"{repeated} rows repeat the {column} of another")
    return breaks


def lost_texts(texts: pl.Series, rows: pl.DataFrame, left_out: pl.DataFrame) -> list[str]:
    """Check that each text is a row or left out with a reason, and never both."""
    kept = set(rows.filter("cross_domain")["id"])
    out = set(left_out.filter("cross_domain")["id"])
    breaks = []
    lost = set(texts) - kept - out
    if lost:
        breaks.append(f"{len(lost)} texts are neither rows nor left out, {min(lost)} first")
    both = kept & out
    if both:
        breaks.append(f"{len(both)} texts are rows and left out, {min(both)} first")
    mute = left_out.filter(pl.col("reason").fill_null("") == "").height
    if mute:
        breaks.append(f"{mute} rows are left out without a reason")
    return breaks


def unbalanced_domains(rows: pl.DataFrame, max_over_mean: float = 2.0) -> list[str]:
    """Check that no domain has more than `max_over_mean` times the mean of all domains."""
    heard = rows.select(pl.col("domains").explode()).to_series()
    counts = heard.value_counts(sort=True)
    if counts.is_empty():
        return ["there are no rows"]
    mean = len(heard) / counts.height
    return [
        f"domain {name} has {count} rows, {count / mean:.1f} times the mean"
        for name, count in counts.iter_rows()
        if count > max_over_mean * mean
    ]
