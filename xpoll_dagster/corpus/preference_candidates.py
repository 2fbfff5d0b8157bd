"""Where preference pairs come from: sources that hold them, and answers ranked by a reward model.

Pairs of the project's own author have their own page (`grounded_preferences`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.corpus.ledger import scan_ledger
from xpoll_dagster.corpus.manifest import read_manifest
from xpoll_dagster.corpus.mix_keys import read_rows
from xpoll_dagster.corpus.model import CATEGORIES, PREFERENCES_SCHEMA
from xpoll_dagster.corpus.normal_form import normal_form
from xpoll_dagster.corpus.preference_options import PreferenceOptions
from xpoll_dagster.corpus.ranks import hash_ranks, lowest
from xpoll_dagster.corpus.source_tables import open_sources
from xpoll_dagster.corpus.trainer_views import message, prompt_text

PREFERENCES_TABLE = "preferences"

CANDIDATES_SCHEMA = pl.Schema(
    {
        **PREFERENCES_SCHEMA,
        "rejected_source": pl.String,  # where the rejected answer comes from, in a few words
        "margin": pl.Float64,  # reward of the chosen answer above the rejected; null unranked
    }
)

Reward = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
"""Scores of (prompt, answer) pairs, in the order given; more is better."""

_PROMPT = ("instruction", "input", "system")
_BATCH = 2_000


def natural_candidates(
    folders: Iterable[Path], corpus: Path | None = None
) -> Iterator[pl.DataFrame]:
    """Pairs that sources hold, source by source (`CANDIDATES_SCHEMA`).

    Args:
        folders: Finished sources.
        corpus: The merged corpus. Pairs whose row was removed from it because it gives a test
            away are left out; pairs of rows that were removed as copies stay.
    """
    tests: pl.Series = pl.Series(dtype=pl.String)
    if corpus is not None:
        ledger = scan_ledger(corpus).filter(pl.col("rule") == "decontaminated")
        tests = ledger.select("removed_id").collect()["removed_id"]
    for source in open_sources(folders):
        if not source.report.beside.get(PREFERENCES_TABLE):
            continue
        found = source.beside(PREFERENCES_TABLE, PREFERENCES_SCHEMA)
        found = found.filter(~pl.col("_id").is_in(tests.implode())) if len(tests) else found
        for part in found.iter_slices(50_000):
            yield part.with_columns(
                rejected_source=pl.lit(f"worse answer in {source.name}"),
                margin=pl.lit(None, pl.Float64),
            ).select(CANDIDATES_SCHEMA.names())


def ranked_candidates(
    corpus: Path, reward: Reward, options: PreferenceOptions
) -> Iterator[pl.DataFrame]:
    """The best and a worse answer to each prompt that has several in the corpus.

    Prompts are the same where their normalised instruction, input and system prompt are. Of
    each category `max_per_category` prompts are drawn by hash before anything is scored. The
    rejected answer is the one of least reward whose length fits the chosen one's.

    Args:
        corpus: The merged corpus. Conversations of several exchanges are left out.
        reward: Scores answers.
        options: How many, and which lengths fit.
    """
    files = [
        corpus / shard.file for source in read_manifest(corpus).sources for shard in source.shards
    ]
    prompts = [_prompt_ranks(path, options.seed) for path in files]
    wanted = _several(prompts, options.max_per_category)
    parts: list[pl.DataFrame] = []
    for path, ranks in zip(files, prompts, strict=True):
        chosen = np.isin(ranks["prompt"].to_numpy(), wanted) & ranks["single"].to_numpy()
        if chosen.any():
            columns = [*_PROMPT, "output", "_category", "_source", "_license", "_id"]
            rows = read_rows(path, columns).filter(pl.Series(chosen))
            parts.append(rows.with_columns(ranks["prompt"].filter(pl.Series(chosen))))
    if not parts:
        return
    rows = pl.concat(parts).sort("prompt", "_id")
    rows = rows.group_by("prompt", maintain_order=True).head(options.max_answers)
    for start in range(0, len(wanted), _BATCH):
        batch = rows.filter(
            pl.col("prompt").is_in(pl.Series(wanted[start : start + _BATCH]).implode())
        )
        if batch.height:
            yield _best_and_worse(batch, reward, options)


def _prompt_ranks(path: Path, seed: int) -> pl.DataFrame:
    rows = read_rows(path, [*_PROMPT, "messages", "_category"])
    normal = pl.select(
        text=pl.concat_str([normal_form(rows[name]) for name in _PROMPT], separator="\x1f")
    )["text"]
    turns = rows["messages"].list.eval(pl.element().struct.field("role") != "system").list.sum()
    return pl.DataFrame(
        {
            "prompt": hash_ranks(normal, seed, "prompt"),
            "single": (turns.fill_null(0) <= 2),
            "category": rows["_category"],
        }
    )


def _several(prompts: Sequence[pl.DataFrame], per_category: int) -> np.ndarray:
    if not prompts:
        return np.zeros(0, np.uint64)
    found = (
        pl.concat(prompts)
        .filter("single")
        .group_by("prompt")
        .agg(pl.len(), pl.col("category").min())
        .filter(pl.col("len") > 1)
    )
    chosen = []
    for category in CATEGORIES:
        ranks = found.filter(pl.col("category") == category)["prompt"].sort().to_numpy()
        chosen.append(ranks[lowest(ranks, per_category)])
    return np.concatenate(chosen)


def _best_and_worse(rows: pl.DataFrame, reward: Reward, options: PreferenceOptions) -> pl.DataFrame:
    rows = rows.with_columns(asked=prompt_text())
    scores = reward(list(zip(rows["asked"].to_list(), rows["output"].to_list(), strict=True)))
    rows = rows.with_columns(
        score=pl.Series(scores, dtype=pl.Float64), length=pl.col("output").str.len_chars()
    ).filter(pl.col("score").is_finite())
    best = rows.sort("score", "_id", descending=[True, False]).unique(
        "prompt", keep="first", maintain_order=True
    )
    others = rows.select("prompt", rejected="output", other="score", size="length", worse_id="_id")
    ratio = pl.col("size") / pl.col("length")
    fits = ratio.is_between(options.min_length_ratio, options.max_length_ratio)
    pairs = (
        best.join(others, on="prompt")
        .filter(pl.col("other") < pl.col("score"))
        # Where no answer fits the length, the worst is taken, and counted as left out later.
        .sort(fits, -pl.col("other"), "worse_id", descending=[True, True, False])
        .unique("prompt", keep="first", maintain_order=True)
    )
    system = pl.concat_list(message("system", pl.col("system")))
    user = pl.concat_list(message("user", pl.col("asked")))
    has_system = pl.col("system").str.strip_chars() != ""
    return pairs.select(
        prompt=pl.when(has_system).then(pl.concat_list(system, user)).otherwise(user),
        chosen="output",
        rejected="rejected",
        _category="_category",
        _source="_source",
        _license="_license",
        _id="_id",
        rejected_source=pl.lit("lower reward for the same prompt"),
        margin=pl.col("score") - pl.col("other"),
    ).cast(CANDIDATES_SCHEMA)
