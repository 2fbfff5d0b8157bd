"""From an adapter's expressions to rows that have been checked."""

from __future__ import annotations

import polars as pl

from xpoll_dagster.corpus.adapters.model import (
    PREFERENCE_COLUMNS,
    REJECTED_COLUMNS,
    ROW_COLUMNS,
    UNIT,
    AdapterOptions,
    Normalised,
)

TEXTS = ("instruction", "input", "output", "system")
_ODD = "\x00|\N{REPLACEMENT CHARACTER}"


def finish_rows(
    frame: pl.DataFrame,
    options: AdapterOptions,
    *,
    preferences: pl.DataFrame | None = None,
    rejected: pl.DataFrame | None = None,
    notes: dict[str, int] | None = None,
) -> Normalised:
    """Check rows and part them from those that cannot be used.

    Args:
        frame: `_unit`, `instruction`, `output` and whatever else of `ROW_COLUMNS` there is.
        options: Limits.
        preferences: `PREFERENCE_COLUMNS`; those of rejected rows go with them.
        rejected: Units that were rejected before.
        notes: Passed on.
    """
    rows = frame.select(
        (pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind)).alias(name)
        for name, kind in ROW_COLUMNS.items()
    ).with_columns(pl.col(name).fill_null("").str.strip_chars() for name in TEXTS)
    reasons = pl.DataFrame(
        {UNIT: rows[UNIT], "reason": rows.select(_reason(rows, options)).to_series()}
    )
    bad = reasons.drop_nulls("reason")
    good = rows.filter(reasons["reason"].is_null()) if bad.height else rows
    parts = [bad.cast(REJECTED_COLUMNS)]
    if rejected is not None:
        parts.append(rejected.select(REJECTED_COLUMNS.names()).cast(REJECTED_COLUMNS))
    kept = pl.DataFrame(schema=PREFERENCE_COLUMNS)
    notes = dict(notes or {})
    if preferences is not None and preferences.height:
        kept, left_out = _preferences(preferences, good, options)
        if left_out:
            notes["preferences that cannot be used"] = left_out
    return Normalised(good, pl.concat(parts), kept, notes)


def _reason(rows: pl.DataFrame, options: AdapterOptions) -> pl.Expr:
    spoken = rows["messages"].null_count() < rows.height
    texts = [pl.col(name) for name in TEXTS if (rows[name] != "").any()]
    if spoken:
        said = pl.col("messages").list.eval(pl.element().struct.field("content"))
        texts.append(said.list.join("").fill_null(""))
    texts = texts or [pl.col("instruction")]
    reason = pl.when(pl.col("instruction") == "").then(pl.lit("no instruction"))
    if not options.answers_optional:
        reason = reason.when(pl.col("output") == "").then(pl.lit("no output"))
    if spoken:
        reason = reason.when(pl.col("messages").list.len() > options.max_turns).then(
            pl.lit(f"more than {options.max_turns} turns")
        )
    # Whole columns are asked first: rows are looked at one by one where there is something.
    odd = rows.select(
        size=pl.max_horizontal(pl.sum_horizontal(text.str.len_bytes() for text in texts).max()),
        characters=pl.any_horizontal(text.str.contains(_ODD).any() for text in texts),
    ).row(0, named=True)
    characters = pl.sum_horizontal(text.str.len_chars() for text in texts)
    if (odd["size"] or 0) > options.max_characters:
        long = pl.lit(f"longer than {options.max_characters:,} characters")
        first = pl.sum_horizontal(pl.col(name).str.len_chars() for name in TEXTS)
        whole = texts[-1].str.len_chars() if spoken else first
        reason = reason.when(
            (first > options.max_characters) | (whole > options.max_characters)
        ).then(long)
    if odd["characters"]:
        reason = reason.when(
            pl.any_horizontal(text.str.contains("\x00", literal=True) for text in texts)
        ).then(pl.lit("NUL bytes"))
        replaced = pl.sum_horizontal(
            text.str.count_matches("\N{REPLACEMENT CHARACTER}", literal=True) for text in texts
        )
        reason = reason.when(replaced > options.max_replaced * characters).then(
            pl.lit("broken Unicode: replacement characters")
        )
    return reason.otherwise(pl.lit(None, pl.String))


def _preferences(
    preferences: pl.DataFrame, rows: pl.DataFrame, options: AdapterOptions
) -> tuple[pl.DataFrame, int]:
    given = preferences.select(PREFERENCE_COLUMNS.names()).with_columns(
        pl.col("chosen").fill_null("").str.strip_chars(),
        pl.col("rejected").fill_null("").str.strip_chars(),
    )
    both = pl.concat_str("chosen", "rejected")
    kept = given.filter(
        (pl.col("chosen") != "")
        & (pl.col("rejected") != "")
        & (pl.col("chosen") != pl.col("rejected"))
        & (pl.col("prompt").list.len() > 0)
        & (both.str.len_chars() <= options.max_characters)
        & ~both.str.contains("\x00", literal=True)
        & pl.col(UNIT).is_in(rows[UNIT].implode())
    ).cast(PREFERENCE_COLUMNS)
    return kept, given.height - kept.height


def user_prompt(*parts: str) -> pl.Expr:
    """A prompt of one user turn made of the non-empty texts among these columns."""
    said = [pl.when(pl.col(part).fill_null("") != "").then(pl.col(part)) for part in parts]
    content = pl.concat_str(said, separator="\n\n", ignore_nulls=True)
    return pl.concat_list(pl.struct(role=pl.lit("user"), content=content))
