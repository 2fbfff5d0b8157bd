"""The curriculum: rank and stage of every row of a mix, staged files and a shuffled default.

The creative and surprising comes first, the analytical next, the deterministic last: facts
and calls of tools. A row's place is half its category's (declared, and printed beside what
was measured) and half its output's entropy, which is measured and freed of length. No order
wins for every model and task: the shuffled files are the default, the stages an offer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.curriculum_card import curriculum_card
from xpoll_dagster.corpus.curriculum_measures import (
    MEASURES,
    WordFrequencies,
    correlation,
    mean_rank,
    measure_outputs,
    percentiles,
    without_length,
)
from xpoll_dagster.corpus.mix_keys import read_rows
from xpoll_dagster.corpus.mix_report import strictest
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.ordered_shards import OrderedShards
from xpoll_dagster.corpus.ranks import hash_ranks
from xpoll_dagster.corpus.shards import write_shard
from xpoll_dagster.corpus.trainer_views import MIX_SCHEMA
from xpoll_dagster.storage import replace_directory

STAGES = (1, 2, 3)

CURRICULUM_SCHEMA = pl.Schema(
    {
        "_id": pl.String,
        "_category": pl.String,
        "stage": pl.Int8,  # 1 first, 3 last
        "curriculum_rank": pl.Int64,  # 1 first, over the whole mix
        "score": pl.Float64,  # 1 earliest, 0 latest
        "entropy": pl.Float64,  # 0 to 1: rank of the measured entropy, freed of length
        "length": pl.Int64,  # characters of the output
        **dict.fromkeys(MEASURES, pl.Float64()),
        "model_bits": pl.Float64,  # of a language model, bits a token; null without one
    }
)

Entropy = Callable[[Sequence[str]], Sequence[float]]
"""Entropy of texts in bits a token, in the order given."""

DEFAULT_OPENNESS: Mapping[str, float] = {
    "creative": 1.0,
    "dialogue": 0.8,
    "psychology": 0.8,
    "cross_domain": 0.7,
    "moral": 0.6,
    "red_team": 0.5,
    "instruction": 0.5,
    "analytical": 0.5,
    "maths": 0.35,
    "code": 0.3,
    "factual": 0.0,
    "tool_use": 0.0,
}


class CurriculumOptions(BaseModel):
    """How rows are placed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    openness: Mapping[str, float] = Field(
        default=DEFAULT_OPENNESS,
        description="How many answers a prompt of each category admits: 1 creative, 0 settled. "
        "Categories not named have 0.5.",
    )
    category_weight: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="The category's part of the score; entropy's is 1 - it.",
    )
    first_stage: float = Field(default=0.65, ge=0, le=1, description="Scores from here: stage 1.")
    last_stage: float = Field(default=0.35, ge=0, le=1, description="Scores below: stage 3.")
    replay_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Rows of earlier stages that a later stage's files repeat, for each of its "
        "own: training by stages forgets. They are marked in `replayed`.",
    )
    shard_rows: int = Field(default=50_000, ge=1, description="Rows of a shard, about.")
    seed: int = Field(default=0, ge=0, description="Draws the replayed rows.")


def curriculum(
    mix: Path,
    destination: Path,
    options: CurriculumOptions | None = None,
    entropy: Entropy | None = None,
) -> dict[str, Any]:
    """Rank and stage the rows of a mix; `destination` is replaced whole.

    Args:
        mix: The folder of a mix (`data/*.parquet`).
        destination: `curriculum.parquet` (one row for each of the mix), `data/` (the mix's rows
            in its shuffled order, with `stage` and `curriculum_rank`; the default for
            `load_dataset`), `stages/stage-<n>-*.parquet` (configurations `stage_1` to
            `stage_3`, in order of rank), `README.md`, `report.json`.
        options: How rows are placed.
        entropy: A language model's entropy of texts, as a fourth measure.

    Returns:
        The report: rows by stage, category and stage, measured entropy of each category, and
        Spearman's correlation of every measure with length.

    Raises:
        SourceError: The folder holds no mix.
    """
    with replace_directory(destination) as folder:
        return fill_curriculum(mix, folder, options, entropy)


def fill_curriculum(
    mix: Path,
    folder: Path,
    options: CurriculumOptions | None = None,
    entropy: Entropy | None = None,
) -> dict[str, Any]:
    """As `curriculum`, into an empty folder that the caller puts in place."""
    options = options or CurriculumOptions()
    files = sorted((mix / "data").glob("*.parquet"))
    if not files:
        raise SourceError(f"{mix} holds no mix: make it first.")
    placed = _placed(_measured(files, entropy), options)
    placed.select(CURRICULUM_SCHEMA.names()).write_parquet(
        folder / "curriculum.parquet", compression="zstd"
    )
    _write(files, placed, folder, options)
    report = _report(placed, options) | _licences(files)
    (folder / "README.md").write_text(curriculum_card(report), encoding="utf-8")
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    return report


def _measured(files: Sequence[Path], entropy: Entropy | None) -> pl.DataFrame:
    frequencies = WordFrequencies()
    for path in files:
        frequencies.add(read_rows(path, ["output"])["output"])
    parts = []
    for path in files:
        for rows in read_rows(path, ["_id", "_category", "output"]).iter_slices(10_000):
            bits = entropy(rows["output"].to_list()) if entropy else None
            parts.append(
                rows.select("_id", "_category")
                .hstack(measure_outputs(rows["output"], frequencies))
                .with_columns(model_bits=pl.Series(bits, dtype=pl.Float64) if bits else None)
            )
    return pl.concat(
        [pl.DataFrame(schema={k: CURRICULUM_SCHEMA[k] for k in parts[0].columns}), *parts],
        how="vertical_relaxed",
    )


def _placed(measured: pl.DataFrame, options: CurriculumOptions) -> pl.DataFrame:
    lengths = measured["length"].to_numpy()
    names = [*MEASURES]
    if measured["model_bits"].null_count() < measured.height:
        # A model's own entropy outweighs what stands in for it.
        names = ["model_bits"]
    entropy = mean_rank([without_length(measured[name].to_numpy(), lengths) for name in names])
    openness = measured["_category"].replace_strict(
        dict(options.openness), default=0.5, return_dtype=pl.Float64
    )
    score = options.category_weight * openness.to_numpy() + (1 - options.category_weight) * entropy
    stage = np.where(score >= options.first_stage, 1, np.where(score < options.last_stage, 3, 2))
    placed = measured.with_columns(
        entropy=pl.Series(entropy), score=pl.Series(score), stage=pl.Series(stage, dtype=pl.Int8)
    ).with_row_index("place")
    order = placed.sort("score", "_id", descending=[True, False])["place"].to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return placed.with_columns(curriculum_rank=pl.Series(rank))


def _write(
    files: Sequence[Path], placed: pl.DataFrame, folder: Path, options: CurriculumOptions
) -> None:
    (folder / "data").mkdir()
    schema = pl.Schema({**MIX_SCHEMA, "stage": pl.Int8, "curriculum_rank": pl.Int64})
    staged = pl.Schema({**schema, "replayed": pl.Boolean})
    members = {stage: _members(placed, stage, options) for stage in STAGES}
    outs = {
        stage: OrderedShards(
            folder / "stages", f"stage-{stage}", -(-len(order) // options.shard_rows)
        )
        for stage, order in members.items()
        if len(order)
    }
    positions = {}
    for stage, order in members.items():
        positions[stage] = np.full(placed.height, -1, np.int64)
        positions[stage][order] = np.arange(len(order))
    start = 0
    for path in files:
        rows = read_rows(path, MIX_SCHEMA.names())
        here = slice(start, start + rows.height)
        start += rows.height
        rows = rows.hstack(placed[here].select("stage", "curriculum_rank"))
        write_shard(rows, folder / "data" / path.name, "zstd")
        for stage, out in outs.items():
            at = positions[stage][here]
            chosen = at >= 0
            out.add(
                rows.filter(pl.Series(chosen)).with_columns(replayed=pl.col("stage") != stage),
                at[chosen],
                at[chosen] * out.shards // len(members[stage]),
            )
    for out in outs.values():
        out.finish(staged)


def _licences(files: Sequence[Path]) -> dict[str, Any]:
    counted = pl.scan_parquet(list(files)).group_by("_license").len().collect()
    licences = {name or "": count for name, count in sorted(counted.iter_rows(), key=str)}
    return {"licence": strictest(licences), "licences": licences}


def _members(placed: pl.DataFrame, stage: int, options: CurriculumOptions) -> np.ndarray:
    """Rows of a stage in their order: its own by rank, replayed ones spread among them."""
    own = placed.filter(pl.col("stage") == stage).sort("curriculum_rank")["place"].to_numpy()
    earlier = placed.filter(pl.col("stage") < stage)
    count = min(int(options.replay_share * len(own)), earlier.height)
    if not count:
        return own
    ranks = hash_ranks(earlier["_id"], options.seed, f"replay {stage}")
    replayed = earlier["place"].to_numpy()[np.argsort(ranks, kind="stable")[:count]]
    places = np.concatenate([np.arange(len(own)), (np.arange(count) + 0.5) * len(own) / count])
    return np.concatenate([own, replayed])[np.argsort(places, kind="stable")]


def _report(placed: pl.DataFrame, options: CurriculumOptions) -> dict[str, Any]:
    lengths = placed["length"].to_numpy()
    by_category = (
        placed.group_by("_category")
        .agg(
            pl.len().alias("rows"),
            pl.col("entropy").mean().round(4),
            pl.col("curriculum_rank").mean().round(1).alias("mean_rank"),
            *((pl.col("stage") == stage).sum().alias(f"stage_{stage}") for stage in STAGES),
        )
        .sort("mean_rank", "_category")
    )
    openness = by_category["_category"].replace_strict(
        dict(options.openness), default=0.5, return_dtype=pl.Float64
    )
    measures = [name for name in (*MEASURES, "model_bits") if not placed[name].null_count()]
    return {
        "settings": options.model_dump(mode="json"),
        "rows": placed.height,
        "measures": ["model_bits"] if "model_bits" in measures else list(MEASURES),
        "stages": {stage: int((placed["stage"] == stage).sum()) for stage in STAGES},
        "categories": by_category.to_dicts(),
        "correlation_with_length": {
            **{name: correlation(placed[name].to_numpy(), lengths) for name in measures},
            "entropy": correlation(placed["entropy"].to_numpy(), lengths),
            "curriculum_rank": correlation(placed["curriculum_rank"].to_numpy(), lengths),
        },
        # Whether the categories' declared order is the measured one.
        "declared_and_measured": correlation(
            percentiles(openness.to_numpy()), by_category["entropy"].to_numpy()
        ),
    }
