"""The nightly schedule: what the sensor does by day, in one run."""

from collections.abc import Collection
from pathlib import Path

import dagster as dg

from xpoll_dagster.defs.automation.planning import steps_on_demand
from xpoll_dagster.defs.building import build
from xpoll_dagster.defs.phases import Product
from xpoll_dagster.settings import get_settings


def _build(context: dg.OpExecutionContext, products: Collection[Product]) -> None:
    settings = get_settings()
    # The definitions that hold this very op.
    definitions = dg.load_from_defs_folder(path_within_project=Path(__file__).parents[2])
    report = build(
        settings,
        definitions.resolve_job_def,
        context.instance,
        products=products,
        leave_out=steps_on_demand(settings),
        say=context.log.info,
    )
    context.log.info("Built: %s. Unchanged: %s.", len(report.built), len(report.unchanged))
    if report.failed:
        sentences = "\n".join(f"{name}: {message}" for name, message in report.failed.items())
        raise dg.Failure(
            f"{len(report.failed)} of the runs failed.\n{sentences}", allow_retries=False
        )


@dg.op
def build_what_is_stale(context: dg.OpExecutionContext) -> None:
    """Builds every stale step, book by book, then the library; each is a run of its own.

    A book that fails is reported at the end and stops nothing else. Steps that need a GPU or
    cost money are left to a person, unless a setting says otherwise.
    """
    _build(context, ("sft", "retrieval", "report"))


@dg.op
def build_the_corpus(context: dg.OpExecutionContext) -> None:
    """Builds every stale source, the merged corpus and the mixes."""
    _build(context, ("corpus",))


@dg.job
def nightly_build() -> None:
    """All of the books that is stale, as `xpoll build` does it."""
    build_what_is_stale()


@dg.job
def weekly_corpus() -> None:
    """All of the corpus that is stale, as `xpoll build corpus` does it."""
    build_the_corpus()


nightly = dg.ScheduleDefinition(
    name="nightly",
    job=nightly_build,
    cron_schedule="0 2 * * *",
    description="At two in the morning: everything that is stale, book by book, then the library.",
    default_status=dg.DefaultScheduleStatus.RUNNING
    if get_settings().automation.enabled
    else dg.DefaultScheduleStatus.STOPPED,
)

weekly = dg.ScheduleDefinition(
    name="weekly",
    job=weekly_corpus,
    cron_schedule="0 4 * * 0",
    description="On Sundays at four: new and changed sources, the merged corpus, the mixes.",
    default_status=dg.DefaultScheduleStatus.RUNNING
    if get_settings().automation.enabled
    else dg.DefaultScheduleStatus.STOPPED,
)
