"""`xpoll estimate`, `xpoll cache` and `xpoll probe`: what concerns language models."""

from __future__ import annotations

import time
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)


def estimate() -> None:
    """Say what the stale texts would take of the model: prompts, tokens, cost. Sends nothing."""
    from xpoll_dagster.definitions import defs
    from xpoll_dagster.defs.estimating import estimate_texts
    from xpoll_dagster.defs.materialization import SENTENCES
    from xpoll_dagster.defs.resources import Project
    from xpoll_dagster.settings import get_settings

    defs()
    table = Table("asset", "stale books", "prompts", "cached", "prompt tokens", "answer tokens")
    table.add_column("cost", justify="right")
    assumptions = []
    try:
        for found in estimate_texts(Project.of(get_settings())):
            said = found.estimate
            table.add_row(
                found.asset,
                str(found.partitions),
                f"{said.prompts:,}",
                f"{said.cached:,}",
                f"{said.prompt_tokens:,}",
                f"{said.completion_tokens:,}",
                f"{said.cost:.2f} {said.currency}",
            )
            assumptions.append(f"{found.asset}: {said.assumption}.")
    except (ValueError, *SENTENCES) as error:
        _end(str(error))
    console.print(table)
    console.print("Assumed:", *assumptions, sep="\n  ", markup=False)
    console.print("Retries, and the texts of pairs that turn out to be linked, come on top.")


def cache(
    *,
    prune: Annotated[bool, typer.Option("--prune", help="Remove what the options below say.")] = (
        False
    ),
    older_than_days: Annotated[
        float | None, typer.Option(help="Remove what was not used for so many days.")
    ] = None,
    max_megabytes: Annotated[
        float | None, typer.Option(help="Remove the longest unused until the file is this small.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Remove, or only count, one model's.")] = None,
) -> None:
    """Show what the file of completions holds and how often it was of use; prune it."""
    from xpoll_dagster.settings import get_settings
    from xpoll_dagster.writing.completion.cache import CompletionCache
    from xpoll_dagster.writing.completion.errors import CacheError

    settings = get_settings()
    path = settings.completions_file
    if not path.exists():
        console.print(f"There is no file of completions yet ({path}).", markup=False)
        return
    try:
        with CompletionCache(path, settings.cache) as kept:
            if prune:
                if older_than_days is None and max_megabytes is None and model is None:
                    _end("Say what to prune: --older-than-days, --max-megabytes or --model.")
                gone = kept.prune(
                    older_than_days=older_than_days,
                    max_bytes=None if max_megabytes is None else round(max_megabytes * 1e6),
                    model=model,
                )
                console.print(
                    f"Removed {gone.entries:,} completions, {gone.file_bytes / 1e6:.1f} MB."
                )
            stats = kept.stats()
    except CacheError as error:
        _end(str(error))
    rate = "-" if stats.hit_rate is None else f"{stats.hit_rate:.0%}"
    console.print(f"{stats.path}", markup=False)
    console.print(
        f"{stats.entries:,} completions, {stats.file_bytes / 1e6:.1f} MB; "
        f"{stats.hits:,} of {stats.hits + stats.misses:,} requests answered from it ({rate})"
    )
    table = Table("model", "completions", "reused", "prompt tokens", "answer tokens")
    for share in stats.models:
        table.add_row(
            share.model,
            f"{share.entries:,}",
            f"{share.hits:,}",
            f"{share.prompt_tokens:,}",
            f"{share.completion_tokens:,}",
        )
    if stats.models:
        console.print(table)
    if stats.oldest and stats.newest:
        days = [time.strftime("%Y-%m-%d", time.localtime(t)) for t in (stats.oldest, stats.newest)]
        console.print(f"from {days[0]} to {days[1]}")


def probe(
    base_url: Annotated[str, typer.Option(help="Server of the tuned model, up to /v1.")],
    model: Annotated[str, typer.Option(help="Its name on that server.")],
    baseline_url: Annotated[
        str, typer.Option(help="Server of the baseline; that of the tuned model where empty.")
    ] = "",
    baseline_model: Annotated[str, typer.Option(help="Name of the baseline there.")] = "",
) -> None:
    """Put the probe prompts to a tuned model and to a baseline, and compare the answers.

    The key comes from XPOLL_OPENAI_API_KEY, a judge from XPOLL_JUDGE. The answers and their
    marks are written to artifacts/probe_results.
    """
    from xpoll_dagster.definitions import defs
    from xpoll_dagster.defs.materialization import SENTENCES
    from xpoll_dagster.defs.probing import Contender, run_probes
    from xpoll_dagster.defs.resources import Project
    from xpoll_dagster.settings import get_settings

    defs()
    contenders = {"tuned": Contender(base_url, model)}
    if baseline_model:
        contenders["baseline"] = Contender(baseline_url or base_url, baseline_model)
    try:
        done = run_probes(Project.of(get_settings()), contenders)
    except (ValueError, *SENTENCES) as error:
        _end(str(error))
    console.print(done.table, markup=False)
    console.print(f"All answers: {done.path}", markup=False)


def _end(message: str) -> NoReturn:
    console.print(message, markup=False)
    raise typer.Exit(1) from None
