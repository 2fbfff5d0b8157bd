"""The set of preference pairs: candidates judged, drawn, measured and written for trainers."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from xpoll_dagster.corpus.mix_report import strictest
from xpoll_dagster.corpus.model import CATEGORIES, SourceError
from xpoll_dagster.corpus.normal_form import normal_form
from xpoll_dagster.corpus.ordered_shards import OrderedShards
from xpoll_dagster.corpus.preference_candidates import CANDIDATES_SCHEMA
from xpoll_dagster.corpus.preference_card import preference_card
from xpoll_dagster.corpus.preference_measures import LENGTH_AUC, pair_measures
from xpoll_dagster.corpus.preference_options import PreferenceOptions
from xpoll_dagster.corpus.ranks import buckets, hash_ranks, lowest
from xpoll_dagster.corpus.trainer_views import PREFERENCE_VIEW_SCHEMA, preference_view
from xpoll_dagster.storage import replace_directory

LEFT_OUT_SCHEMA = pl.Schema(
    {
        "_id": pl.String,
        "_source": pl.String,
        "_category": pl.String,
        "rejected_source": pl.String,
        "reason": pl.String,
        "length_ratio": pl.Float64,  # characters of the rejected answer for each of the chosen
    }
)

EMPTY = "an answer or the prompt is empty"
IDENTICAL = "the two answers are the same"
LENGTH = "the lengths differ too much"
REPEATED = "the same pair again"
REVERSED = "the same two answers the other way round"
MANY = "the category has enough pairs"

SPLITS = ("train", "test")


def preference_pairs(
    candidates: Iterable[pl.DataFrame],
    destination: Path,
    options: PreferenceOptions | None = None,
) -> dict[str, Any]:
    """Judge candidates and write the set; the one at `destination` stays until it is whole.

    Args:
        candidates: Frames of `CANDIDATES_SCHEMA`, from `natural_candidates`,
            `ranked_candidates` and `grounded_candidates`, streamed.
        destination: The folder, which is replaced: `data/<split>-*.parquet` in TRL's
            conversational preference format, `left_out.parquet`, `README.md`, `report.json`.
        options: Which pairs are kept.

    Returns:
        The report: pairs by category and source, what was left out, shares of the rejected
        answers' sources, what length and words alone give away, warnings.

    Raises:
        SourceError: A candidate is of another schema.
    """
    with replace_directory(destination) as folder:
        return fill_preferences(candidates, folder, options)


def fill_preferences(
    candidates: Iterable[pl.DataFrame], folder: Path, options: PreferenceOptions | None = None
) -> dict[str, Any]:
    """Judge candidates and write the set into an empty folder, which the caller puts in place."""
    options = options or PreferenceOptions()
    spool = folder / ".spool-candidates"
    spool.mkdir(parents=True)
    keys: list[pl.DataFrame] = []
    for number, frame in enumerate(candidates):
        if frame.schema != CANDIDATES_SCHEMA:
            raise SourceError(f"Preference candidates have the columns {frame.columns}: expected "
                              f"{CANDIDATES_SCHEMA.names()}.")  # fmt: skip
        keys.append(_judged(frame, options).with_columns(part=pl.lit(number, pl.Int32)))
        frame.write_parquet(spool / f"{number:06d}.parquet", compression="lz4")
    judged = _drawn(
        pl.concat([_judged(_NONE, options).with_columns(part=pl.lit(0, pl.Int32)), *keys]), options
    )
    report = _write(spool, judged, folder, options)
    shutil.rmtree(spool)
    (folder / "README.md").write_text(preference_card(report), encoding="utf-8")
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    return report


_NONE = pl.DataFrame(schema=CANDIDATES_SCHEMA)


def _judged(frame: pl.DataFrame, options: PreferenceOptions) -> pl.DataFrame:
    """What a pair is known by, and why it cannot be used (null where it can)."""
    content = pl.element().struct.field("content").fill_null("")
    asked = frame.select(pl.col("prompt").list.eval(content).list.join("\x1e")).to_series()
    prompt = normal_form(asked)
    chosen, rejected = normal_form(frame["chosen"]), normal_form(frame["rejected"])
    sizes = [one.str.len_chars().cast(pl.Float64) for one in (chosen, rejected)]
    said = {
        "prompt": hash_ranks(prompt, options.seed, "prompt"),
        "better": hash_ranks(chosen, 0, "answer"),
        "worse": hash_ranks(rejected, 0, "answer"),
    }
    # A pair's rank holds what it says, so that equal pairs of two sources are one pair.
    rank = said["prompt"] ^ (said["better"] * np.uint64(3)) ^ (said["worse"] * np.uint64(7))
    ratio = pl.col("length_ratio")
    return (
        frame.select("_id", "_source", "_category", "_license", "rejected_source")
        .with_columns(
            **{name: pl.Series(values) for name, values in said.items()},
            rank=pl.Series(rank * np.uint64(0x9E3779B97F4A7C15)),
            length_ratio=sizes[1] / sizes[0],
            empty=(prompt == "") | (chosen == "") | (rejected == ""),
        )
        .with_row_index("row")
        .with_columns(
            reason=pl.when("empty")
            .then(pl.lit(EMPTY))
            .when(pl.col("better") == pl.col("worse"))
            .then(pl.lit(IDENTICAL))
            .when(~ratio.is_between(options.min_length_ratio, options.max_length_ratio))
            .then(pl.lit(LENGTH))
            .otherwise(None)
        )
        .drop("empty")
    )


def _drawn(judged: pl.DataFrame, options: PreferenceOptions) -> pl.DataFrame:
    """Mark repeats, contradictions and what is beyond the category's number."""
    open_ = pl.col("reason").is_null()
    # The order of candidates decides which of equal pairs stays: by content, never by arrival.
    judged = judged.sort("rank", "rejected_source", "_id", maintain_order=True)
    first = pl.struct("prompt", "better", "worse", open_).is_first_distinct()
    judged = judged.with_columns(
        reason=pl.when(open_ & ~first).then(pl.lit(REPEATED)).otherwise("reason")
    )
    pair = [pl.min_horizontal("better", "worse"), pl.max_horizontal("better", "worse")]
    ways = pl.struct("better").n_unique().over("prompt", *pair, open_)
    judged = judged.with_columns(
        reason=pl.when(open_ & (ways > 1)).then(pl.lit(REVERSED)).otherwise("reason")
    )
    reason = judged["reason"].to_list()
    for category in judged["_category"].unique().sort().to_list():
        rows = (
            judged.select(((pl.col("_category") == category) & open_).arg_true())
            .to_series()
            .to_numpy()
        )
        kept = lowest(judged["rank"].to_numpy()[rows], options.max_per_category)
        for row in rows[~kept]:
            reason[int(row)] = MANY
    return judged.with_columns(reason=pl.Series(reason, dtype=pl.String))


def _write(
    spool: Path, judged: pl.DataFrame, folder: Path, options: PreferenceOptions
) -> dict[str, Any]:
    kept = judged.filter(pl.col("reason").is_null())
    # All pairs of a prompt stand in one split.
    held_out = hash_ranks(kept["prompt"].cast(pl.String), options.seed, "split")
    limit = np.uint64(int(options.test_share * 2**64))
    split = np.where(held_out < limit, 1, 0) if options.test_share else np.zeros(kept.height, int)
    if kept.height and split.all():
        split[:] = 0  # too few prompts to hold any out
    kept = kept.with_columns(split=pl.Series(split, dtype=pl.Int8))
    measured = kept.sort("rank").head(options.measured_pairs)
    outs = {
        number: OrderedShards(
            folder / "data", name, -(-int((split == number).sum()) // options.shard_rows)
        )
        for number, name in enumerate(SPLITS)
        if (split == number).any()
    }
    samples: list[pl.DataFrame] = []
    for part, keys in sorted(kept.partition_by("part", as_dict=True).items()):
        frame = pl.read_parquet(spool / f"{part[0]:06d}.parquet")
        for number, out in outs.items():
            chosen = keys.filter(pl.col("split") == number)
            order = chosen["rank"].to_numpy()
            out.add(preference_view(frame[chosen["row"]]), order, buckets(order, out.shards))
        wanted = measured.filter(pl.col("part") == part[0])
        samples.append(
            frame[wanted["row"]].select("chosen", "rejected").with_columns(wanted["prompt"])
        )
    for out in outs.values():
        out.finish(PREFERENCE_VIEW_SCHEMA)
    left_out = judged.filter(pl.col("reason").is_not_null()).sort("_source", "_id", "reason")
    left_out.select(LEFT_OUT_SCHEMA.names()).cast(LEFT_OUT_SCHEMA).write_parquet(
        folder / "left_out.parquet", compression="zstd"
    )
    sample = (
        pl.concat(samples).sort("prompt", "chosen")
        if samples
        else pl.DataFrame(schema={"chosen": pl.String, "rejected": pl.String, "prompt": pl.UInt64})
    )  # fmt: skip
    return _report(judged, kept, pair_measures(sample, sample["prompt"].to_numpy()), options)


def _counts(column: pl.Series) -> dict[str, int]:
    return dict(sorted(Counter(column.to_list()).items(), key=lambda item: (-item[1], item[0])))


def _report(
    judged: pl.DataFrame,
    kept: pl.DataFrame,
    measures: Mapping[str, Any],
    options: PreferenceOptions,
) -> dict[str, Any]:
    rejected = _counts(kept["rejected_source"])
    shares = {name: round(count / kept.height, 4) for name, count in rejected.items()}
    warnings = [
        f"{share:.0%} of the rejected answers come from one source ({name}): a model may learn "
        "what is common to them."
        for name, share in shares.items()
        if share > options.max_rejected_source_share
    ]
    auc = measures["length_auc"]
    if auc is not None and not LENGTH_AUC[0] <= auc <= LENGTH_AUC[1]:
        warnings.append(
            f"Length alone tells chosen from rejected (AUC {auc:.2f}; {LENGTH_AUC[0]} to "
            f"{LENGTH_AUC[1]} tells nothing): narrow the length ratio."
        )
    if not kept.height:
        warnings.append("There is no pair.")
    licences = _counts(kept["_license"].fill_null(""))
    return {
        "settings": options.model_dump(),
        "candidates": judged.height,
        "pairs": kept.height,
        "splits": {
            name: int((kept["split"] == number).sum()) for number, name in enumerate(SPLITS)
        },
        "prompts": kept["prompt"].n_unique(),
        "left_out": _counts(judged["reason"].drop_nulls()),
        "categories": {
            name: count
            for name in (*CATEGORIES, None)
            if (count := int((kept["_category"].eq_missing(name)).sum()))
        },
        "sources": _counts(kept["_source"]),
        "licence": strictest(licences),
        "licences": licences,
        "rejected_sources": rejected,
        "rejected_source_shares": shares,
        "length_ratio": {
            f"p{int(100 * q)}": kept["length_ratio"].quantile(q, "nearest")
            for q in (0.05, 0.5, 0.95)
        },
        "measures": dict(measures),
        "warnings": warnings,
    }
