"""Evaluation sets as the texts that training rows must not give away."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from xpoll_dagster.corpus.decontamination import TESTS_SCHEMA
from xpoll_dagster.corpus.source_tables import Source


def evaluation_texts(sources: Iterable[Source]) -> pl.DataFrame:
    """The texts of test sets, for `decontamination`.

    A test gives a text for its question, with what belongs to it, one for its answer, and one
    for each later turn of a conversation.

    Args:
        sources: Normalised test sets (entries with `evaluation: true`).

    Returns:
        `TESTS_SCHEMA`, no text twice for one test.
    """
    parts = [pl.DataFrame(schema=TESTS_SCHEMA)]
    for source in sources:
        for rows in source.batches(["instruction", "input", "output", "messages", "_id"]):
            question = pl.concat_str("instruction", "input", separator="\n").str.strip_chars()
            turns = pl.col("messages").list.eval(pl.element().struct.field("content"))
            found = rows.select(
                test_set=pl.lit(source.name),
                test="_id",
                text=pl.concat_list(
                    pl.concat_list(question, "output"),
                    turns.fill_null(pl.lit([], pl.List(pl.String))),
                ),
            ).explode("text", empty_as_null=False)
            parts.append(found.filter(pl.col("text").str.strip_chars() != ""))
    return pl.concat(parts).unique(maintain_order=True)
