"""The probe prompts put to a served model, and to a baseline beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from xpoll_dagster.defs.engines import judge_engine
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.sft.probing import evaluate_probes
from xpoll_dagster.sft.probing_comparison import MEASURES, compare
from xpoll_dagster.storage import replace_directory
from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.cached_engine import CachedEngine
from xpoll_dagster.writing.engines.loading import load_engine

FOLDER = "probe_results"


@dataclass(frozen=True, slots=True)
class Contender:
    """A served model: where, and its name there."""

    base_url: str
    model: str


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """What was found: every answer with its measures, the contenders side by side, a table."""

    results: pl.DataFrame
    comparison: pl.DataFrame | None
    table: str
    path: Path


def run_probes(project: Project, contenders: Mapping[str, Contender]) -> ProbeRun:
    """Put every probe prompt to every contender; writes `artifacts/probe_results/`.

    `results.parquet` has one row for each probe and contender, `comparison.parquet` (where
    there is a baseline) one for each measure, `README.md` the table for people.

    Raises:
        StorageError: The probe prompts are not built yet.
        EngineError: A server cannot go on.
        CacheError: The file of completions cannot be used.
    """
    settings = project.settings
    probes = project.store.read("probe_prompts")
    chunks = project.read_books("chunks").select("chunk_id", "passage").collect()
    with CompletionCache(settings.completions_file, settings.cache) as cache:
        engines = {
            name: CachedEngine(
                load_engine(
                    "openai",
                    settings.openai.model_copy(
                        update={"base_url": one.base_url, "model": one.model}
                    ),
                    api_key=settings.openai_api_key,
                ),
                cache,
            )
            for name, one in contenders.items()
        }
        judge = None
        if settings.judge == "openai":
            judge = judge_engine(settings, cache)
        results = evaluate_probes(
            probes,
            engines,
            judge,
            dict(chunks.iter_rows()),
            settings.probing.model_copy(update={"judge": settings.llm_with_prompts}),
        )
    comparison = (
        compare(results, settings.probing) if {"tuned", "baseline"} <= contenders.keys() else None
    )
    table = side_by_side(results, comparison)
    folder = settings.artifacts_dir / FOLDER
    with replace_directory(folder) as temporary:
        results.write_parquet(temporary / "results.parquet")
        if comparison is not None:
            comparison.write_parquet(temporary / "comparison.parquet")
        (temporary / "README.md").write_text(f"# Probe prompts\n\n{table}\n", encoding="utf-8")
    return ProbeRun(results, comparison, table, folder)


def side_by_side(results: pl.DataFrame, comparison: pl.DataFrame | None) -> str:
    """A Markdown table: measures down, contenders across, the difference with its interval."""
    means = results.group_by("contender", maintain_order=True).agg(
        pl.col(name).cast(pl.Float64).mean() for name in MEASURES
    )
    names = means["contender"].to_list()
    differences = (
        {row["measure"]: row for row in comparison.filter(form="all").to_dicts()}
        if comparison is not None
        else {}
    )
    heading = ["measure", *names, *(["difference", "interval"] if differences else [])]
    lines = ["| " + " | ".join(heading) + " |", "|" + " --- |" * len(heading)]
    for measure in MEASURES:
        values = means[measure].to_list()
        if all(value is None for value in values):
            continue
        cells = [measure, *("-" if value is None else f"{value:.3f}" for value in values)]
        if differences:
            row = differences.get(measure)
            low, high = (row["difference_low"], row["difference_high"]) if row else (None, None)
            cells.append(f"{row['difference']:+.3f}" if row else "-")
            cells.append("-" if low is None or high is None else f"{low:+.3f} to {high:+.3f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
