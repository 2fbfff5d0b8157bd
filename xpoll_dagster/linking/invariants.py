"""What must hold of the selected pairs; each function returns the breaks in words, or none."""

from __future__ import annotations

import polars as pl


def broken_pairs(pairs: pl.DataFrame, chunks: pl.DataFrame) -> list[str]:
    """Check that pairs cross domains, are unique, and name chunks that exist."""
    breaks = []
    inside = pairs.filter(pl.col("left_domain") == pl.col("right_domain")).height
    if inside:
        breaks.append(f"{inside} pairs lie inside one domain")
    if pairs.height != pairs["pair_id"].n_unique():
        breaks.append("two pairs have the same id")
    domains = dict(chunks.select("chunk_id", "domain").iter_rows())
    for side in ("left", "right"):
        wrong = sum(
            domains.get(chunk) != domain
            for chunk, domain in pairs.select(f"{side}_chunk", f"{side}_domain").iter_rows()
        )
        if wrong:
            breaks.append(
                f"{wrong} pairs name a {side} chunk that is not there or not of its domain"
            )
    return breaks


def weak_pairs(pairs: pl.DataFrame, min_signals: int) -> list[str]:
    """Check that every pair has its independent signals, and says in words why it was made."""
    breaks = []
    weak = pairs.filter(pl.col("signals").list.n_unique() < min_signals).height
    if weak:
        breaks.append(f"{weak} pairs have fewer than {min_signals} signals")
    mute = pairs.filter(pl.col("explanation").fill_null("").str.strip_chars() == "").height
    if mute:
        breaks.append(f"{mute} pairs lack an explanation")
    return breaks


def crowded_chunks(pairs: pl.DataFrame, per_chunk: int) -> list[str]:
    """Check that no chunk stands in more pairs than allowed."""
    uses = pl.concat([pairs["left_chunk"], pairs["right_chunk"].alias("left_chunk")])
    counts = uses.value_counts().filter(pl.col("count") > per_chunk)
    if counts.is_empty():
        return []
    return [f"{counts.height} chunks stand in more than {per_chunk} pairs"]
