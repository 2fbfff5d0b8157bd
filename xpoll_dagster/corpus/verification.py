"""Whether a normalised source is what its entry promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.catalogue import Entry
from xpoll_dagster.corpus.model import CATEGORIES, SourceError
from xpoll_dagster.corpus.normalising import read_normalising_report
from xpoll_dagster.corpus.source_tables import Source

_COMMON = {
    # The commonest words of a language that few others share.
    "en": "the of and to is in that for it with as you are this be on what how",
    "de": "der die und das ist nicht ein zu mit den von auf für wie sich ich",
    "fr": "le la les des est et une dans que pour qui pas sur vous avec je",
    "es": "el la los que de en una por con para es las del como no se",
    "it": "il di che la è per un non con sono della le una come del",
    "pt": "o que de da do em um para com não uma os no se como é",
    "nl": "de het een van en is dat niet met op voor zijn te ik je",
}


class VerificationOptions(BaseModel):
    """What a source must keep to."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    max_rejected: float = Field(default=0.2, ge=0.0, le=1.0)
    """Share of the rows read that may be rejected (rows beyond the cap are not counted)."""
    min_language: float = Field(default=0.8, ge=0.0, le=1.0)
    """Share of longer texts that must be in the entry's language."""
    min_median_output: int = Field(default=1, ge=0)
    """Median of the characters of the outputs."""
    max_median_output: int = Field(default=20_000, ge=1)
    """The same, at most."""
    language_sample: int = Field(default=2_000, ge=1)
    """Rows that are looked at for their language."""


def verify_source(
    folder: Path, entry: Entry, options: VerificationOptions | None = None
) -> list[str]:
    """What is wrong with a source, a sentence each; nothing if the list is empty.

    Looked at: that it is whole and its counts conserve, the number of rows against the entry's
    expectation (none at all is always wrong), empty instructions and outputs, tags of
    category, source, licence and id, the share in the entry's language, the lengths, and
    the share of rejected rows.
    """
    options = options or VerificationOptions()
    try:
        source = Source.open(folder)
        report = read_normalising_report(folder)
    except SourceError as error:
        return [str(error)]
    name = entry.name
    rejected = sum(report.rejected.values())
    breaks = []
    if report.read != report.rows + rejected + report.capped:
        breaks.append(
            f"{name}: {report.read} rows were read, but {report.rows} kept, {rejected} rejected "
            f"and {report.capped} capped."
        )
    if not report.rows:
        worst = max(report.rejected, key=lambda reason: report.rejected[reason], default="")
        why = f" ({report.rejected[worst]} rejected: {worst})" if worst else ""
        return [*breaks, f"{name} gave 0 rows{why}: nothing can be trained on it."]
    breaks += _count_breaks(entry, report.rows, report.capped)
    fit = report.read - report.capped
    # The project's own tables hold what its gates refused, too.
    if fit and entry.own is None and rejected > options.max_rejected * fit:
        worst = max(report.rejected, key=lambda reason: report.rejected[reason])
        breaks.append(f"{name}: {rejected} of {fit} rows were rejected, most of them for: {worst}.")
    breaks += _row_breaks(source, entry)
    median = report.lengths["output"]["p50"]
    if not options.min_median_output <= median <= options.max_median_output and (
        not entry.evaluation
    ):
        breaks.append(
            f"{name}: half of the outputs have {median} characters or fewer, which is outside "
            f"of {options.min_median_output} to {options.max_median_output}."
        )
    if entry.language in _COMMON:
        share = language_share(_sample(source, options.language_sample), entry.language)
        if share is not None and share < options.min_language:
            breaks.append(
                f"{name}: {share:.0%} of its texts look like {entry.language}, where "
                f"{options.min_language:.0%} should."
            )
    return breaks


def _count_breaks(entry: Entry, rows: int, capped: int) -> list[str]:
    if entry.cap is not None and rows > entry.cap:
        return [f"{entry.name} has {rows} rows, more than its cap of {entry.cap}."]
    if entry.expected_rows is None:
        return []
    low, high = entry.expected_rows
    if low <= rows + capped <= high:
        return []
    return [
        f"{entry.name} gave {rows + capped} rows where {low} to {high} are expected: the download "
        "is not whole, or the dataset has changed."
    ]


def _row_breaks(source: Source, entry: Entry) -> list[str]:
    empty = {"instruction": 0, "output": 0}
    wrong = Counter()
    columns = ["instruction", "output", "_category", "_source", "_license", "_id"]
    ids = 0
    for rows in source.batches(columns):
        for column in empty:
            empty[column] += int((rows[column].str.strip_chars() == "").sum())
        wrong["_category"] += int((~rows["_category"].is_in(list(CATEGORIES))).sum())
        wrong["_source"] += int((rows["_source"] != entry.name).sum())
        wrong["_license"] += int((rows["_license"] == "").sum())
        wrong["_id"] += int((~rows["_id"].str.starts_with(f"{entry.name}:")).sum())
        ids += rows.height
    if entry.evaluation:
        del empty["output"]
    breaks = [
        f"{entry.name}: {count} rows have an empty {column}."
        for column, count in empty.items()
        if count
    ]
    breaks += [
        f"{entry.name}: {count} rows have a wrong {column}."
        for column, count in wrong.items()
        if count
    ]
    if ids != source.report.rows:
        breaks.append(f"{entry.name}: its shards hold {ids} rows, its report {source.report.rows}.")
    return breaks


def _sample(source: Source, size: int) -> pl.Series:
    parts: list[pl.Series] = []
    shards = len(source.report.shards)
    each = -(-size // max(shards, 1))
    for rows in source.batches(["instruction", "output"]):
        # Equal steps through the shard: the same rows every time.
        step = max(1, rows.height // each)
        picked = rows.gather_every(step).head(each)
        parts.append(
            picked.select(pl.concat_str("instruction", "output", separator=" ")).to_series()
        )
    return pl.concat(parts) if parts else pl.Series(dtype=pl.String)


def language_share(texts: pl.Series, language: str) -> float | None:
    """Share of the texts of twenty words or more in which a language's commonest words abound.

    A cheap look, not identification: at least one word in twelve must be among some eighteen
    of the commonest. None where no text is long enough, as with code and formulas: rows that
    are mostly signs and figures are not looked at.
    """
    common = _COMMON[language].split()
    words = (
        pl.DataFrame({"text": texts})
        .select(
            words=pl.col("text").str.head(2_000).str.to_lowercase().str.extract_all(r"[\p{L}']+"),
            signs=pl.col("text").str.head(2_000).str.count_matches(r"[{}();=<>\[\]\\_#/*+]"),
        )
        .filter(
            (pl.col("words").list.len() >= 20) & (pl.col("signs") < pl.col("words").list.len() / 4)
        )
    )
    if words.height < 20:
        return None
    found = words.select(share=pl.col("words").list.eval(pl.element().is_in(common)).list.mean())[
        "share"
    ]
    return int((found >= 1 / 12).sum()) / words.height
