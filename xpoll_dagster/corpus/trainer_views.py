"""Corpus rows as trainers read them: conversations for SFT, preferences for DPO."""

from __future__ import annotations

import polars as pl

from xpoll_dagster.corpus.model import MESSAGE, ROWS_SCHEMA

MIX_SCHEMA = ROWS_SCHEMA
"""A mix has the columns of the corpus; `messages` is set in every row."""

PREFERENCE_VIEW_SCHEMA = pl.Schema(
    {
        # TRL's explicit-prompt preference format, conversational.
        "prompt": pl.List(MESSAGE),
        "chosen": pl.List(MESSAGE),
        "rejected": pl.List(MESSAGE),
        "rejected_source": pl.String,
        "_category": pl.String,
        "_source": pl.String,
        "_license": pl.String,
        "_id": pl.String,
    }
)


def prompt_text() -> pl.Expr:
    """What a row asks: its instruction, and its input below where it has one."""
    return (
        pl.when(pl.col("input").str.strip_chars() != "")
        .then(pl.concat_str("instruction", pl.lit("\n\n"), "input"))
        .otherwise(pl.col("instruction"))
    )


def message(role: str, content: pl.Expr) -> pl.Expr:
    """One turn as a struct."""
    return pl.struct(role=pl.lit(role), content=content)


def with_messages(rows: pl.DataFrame) -> pl.DataFrame:
    """Corpus rows whose `messages` are set: of a plain row, its question and answer.

    A system prompt stands first, unless the conversation has one already. Such rows train in
    TRL's `SFTTrainer` and in every trainer that reads Alpaca columns.
    """
    system = pl.concat_list(message("system", pl.col("system")))
    plain = pl.concat_list(message("user", prompt_text()), message("assistant", pl.col("output")))
    talk = pl.when(pl.col("messages").list.len() > 0).then(pl.col("messages")).otherwise(plain)
    opens = talk.list.first().struct.field("role") == "system"
    needs = (pl.col("system").str.strip_chars() != "") & ~opens
    whole = pl.when(needs).then(pl.concat_list(system, talk)).otherwise(talk)
    return rows.with_columns(messages=whole.cast(pl.List(MESSAGE))).select(MIX_SCHEMA.names())


def preference_view(pairs: pl.DataFrame) -> pl.DataFrame:
    """Preference pairs in TRL's format: the answers as one turn of the assistant each."""
    return pairs.with_columns(
        pl.concat_list(message("assistant", pl.col(name))).alias(name)
        for name in ("chosen", "rejected")
    ).select(PREFERENCE_VIEW_SCHEMA.names())
