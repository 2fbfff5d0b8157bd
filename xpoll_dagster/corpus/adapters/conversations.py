"""Conversations → rows: the first exchange in the Alpaca columns, the whole in `messages`.

A conversation is put in order first: roles get one name, turns before the first question and
after the last answer go, turns of one speaker in a row become one, and at an empty turn it
ends. What has no question or no answer left is rejected.
"""

from __future__ import annotations

import polars as pl

from xpoll_dagster.corpus.adapters.model import REJECTED_COLUMNS, UNIT, AdapterOptions, Normalised
from xpoll_dagster.corpus.adapters.rows import finish_rows

ROLES = {
    "user": "user human prompter seeker client patient person questioner instruction student "
    "apprentice",
    "assistant": "assistant gpt bot model chatgpt chatbot bing bard claude ai agent supporter "
    "therapist counselor counsellor helper expert tutor wizard function_call tool_call tool-call "
    "output",
    "system": "system developer context",
    "tool": "tool function function_response tool_response function-response observation ipython "
    "api environment tool_result",
}
"""The names that data sets give the roles."""

_NAMES = {name: role for role, names in ROLES.items() for name in names.split()}


def conversation_rows(
    frame: pl.DataFrame,
    options: AdapterOptions,
    *,
    turns: str = "turns",
    preferences: pl.DataFrame | None = None,
) -> Normalised:
    """Rows of conversations.

    Args:
        frame: `_unit`, the conversations as lists of role and content, and where there are
            any `system`, `_category` and `_license`.
        options: Limits.
        turns: The column of the conversations.
        preferences: Passed on.
    """
    said, unknown = ordered_turns(frame, turns)
    if "system" in frame.columns:
        said = _with_system(frame, said)
    rows = messages_rows(said)
    asked = pl.col(turns).list.eval(pl.element().struct.field("content").str.strip_chars() != "")
    silent = frame.filter(
        ~pl.col(UNIT).is_in(pl.concat([said[UNIT], unknown[UNIT]]).implode())
        & asked.list.any().fill_null(value=False)
    ).select(UNIT, reason=pl.lit("no output: no question of the conversation is answered"))
    unknown = pl.concat([unknown, silent])
    extra = [name for name in ("_category", "_license") if name in frame.columns]
    kept = frame.select(UNIT, *extra).join(rows, on=UNIT, how="left", maintain_order="left")
    kept = kept.filter(~pl.col(UNIT).is_in(unknown[UNIT].implode()))
    return finish_rows(kept, options, rejected=unknown, preferences=preferences)


def ordered_turns(frame: pl.DataFrame, turns: str = "turns") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turns in order, a row each (`_unit`, `role`, `content`); and the units with unknown roles."""
    flat = (
        frame.select(UNIT, turn=turns)
        .filter(pl.col("turn").list.len() > 0)
        .explode("turn", empty_as_null=False)
        .unnest("turn")
        .with_columns(
            place=pl.int_range(pl.len()).over(UNIT),
            # Wizard of Wikipedia numbers its speakers: 0_Apprentice.
            name=pl.col("role")
            .str.strip_chars(" <|>:")
            .str.to_lowercase()
            .str.replace(r"^[01]_", ""),
            content=pl.col("content").str.strip_chars(),
        )
    )
    speakers = pl.col("name").n_unique().over(UNIT)
    named = pl.col("name").replace_strict(_NAMES, default=None, return_dtype=pl.String)
    alternating = (
        pl.when(pl.col("place") % 2 == 0).then(pl.lit("user")).otherwise(pl.lit("assistant"))
    )
    flat = flat.with_columns(
        role=pl.when(pl.col("name") == "")
        .then(alternating)
        # People who talk with each other: who begins asks.
        .when(pl.col("name").str.starts_with("speaker ") & (speakers <= 2))
        .then(
            pl.when(pl.col("name") == pl.col("name").first().over(UNIT))
            .then(pl.lit("user"))
            .otherwise(pl.lit("assistant"))
        )
        .otherwise(named)
    )
    bad = flat.filter(pl.col("role").is_null()).unique(UNIT, keep="first", maintain_order=True)
    unknown = bad.select(
        UNIT,
        reason=pl.format("unknown speaker {}", pl.col("name").str.slice(0, 40)),
    ).cast(REJECTED_COLUMNS)
    if unknown.height:
        flat = flat.filter(~pl.col(UNIT).is_in(unknown[UNIT].implode()))
    return _in_order(flat.select(UNIT, "role", "content")), unknown


def _in_order(flat: pl.DataFrame) -> pl.DataFrame:
    spoken = flat.filter((pl.col("role") != "system") | (pl.col("content") != ""))
    before_empty = (pl.col("content") == "").cum_sum().over(UNIT) == 0
    spoken = spoken.filter(before_empty)
    asked = ((pl.col("role") == "user").cum_sum().over(UNIT) > 0) | (pl.col("role") == "system")
    spoken = spoken.filter(asked)
    answered = (pl.col("role") == "assistant").cum_sum(reverse=True).over(UNIT) > 0
    spoken = spoken.filter(answered)
    run = (pl.col("role") != pl.col("role").shift()) | (pl.col(UNIT) != pl.col(UNIT).shift())
    spoken = spoken.with_columns(run=run.fill_null(value=True).cum_sum())
    if spoken["run"].n_unique() == spoken.height:
        return spoken.drop("run")
    return (
        spoken.group_by("run", maintain_order=True)
        .agg(pl.col(UNIT, "role").first(), pl.col("content").str.join("\n\n"))
        .drop("run")
    )


def _with_system(frame: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    system = frame.select(
        UNIT, role=pl.lit("system"), content=pl.col("system").fill_null("").str.strip_chars()
    ).filter((pl.col("content") != "") & pl.col(UNIT).is_in(said[UNIT].implode()))
    if system.is_empty():
        return said
    joined = pl.concat([system, said]).sort(UNIT, maintain_order=True)
    return _in_order(joined)


def messages_rows(said: pl.DataFrame) -> pl.DataFrame:
    """Turns in order → `_unit`, `messages` and the columns of the first exchange."""
    is_system = pl.col("role") == "system"
    content = pl.col("content")
    after = pl.col("role") == "assistant"
    return said.group_by(UNIT, maintain_order=True).agg(
        messages=pl.struct("role", "content"),
        system=content.filter(is_system).first(),
        instruction=content.filter(pl.col("role") == "user").first(),
        output=content.filter(after).first(),
    )


def transcript_turns(
    transcript: pl.Expr, speakers: str = r"(?:^|\n\s*)(Human|Assistant):[ \t]?"
) -> pl.Expr:
    """A transcript, `Human: …` and `Assistant: …` in turn, as a list of role and content.

    Args:
        transcript: Texts.
        speakers: Pattern of the mark before each turn, with the speaker as its one group.
    """
    marked = (
        transcript.fill_null("")
        .str.replace_all("[\x1e\x1f]", " ")
        .str.replace_all(speakers, "\x1e$1\x1f")
    )
    parts = marked.str.split("\x1e").list.slice(1)
    pair = pl.element().str.split_exact("\x1f", 1)
    return parts.list.eval(
        pl.struct(
            role=pair.struct.field("field_0").fill_null(""),
            content=pair.struct.field("field_1").fill_null(""),
        )
    )
