"""The main job from the command line: every stale step, book by book, then the library.

Runs are recorded in the Dagster instance like any other, so the UI shows them; they are
executed in this process, one after the other, so that a model is loaded once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from xpoll_dagster.books.library import shown
from xpoll_dagster.compute.loading import keep_compute
from xpoll_dagster.defs.abandoned import PROCESS_TAG, close_abandoned_runs, this_process
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.defs.materialization import FORCE_TAG
from xpoll_dagster.defs.partitions import books_partitions, sources_partitions
from xpoll_dagster.defs.phases import BOOKS, PHASES, PRODUCTS, Product
from xpoll_dagster.settings import Settings

_VERBS = {
    "books_job": "Reading",
    "pair_texts_job": "Writing the pairs of",
    "questions_job": "Paraphrasing and asking about",
    "sources_job": "Normalising",
    "mixes_job": "Mixing",
}


@dataclass(slots=True)
class BuildReport:
    """What one build did: `failed` maps a book's key, or a job's name, to a sentence."""

    built: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def register_partitions(
    instance: dg.DagsterInstance,
    partitions: dg.DynamicPartitionsDefinition,
    keys: Sequence[str],
) -> None:
    """Make the instance's partitions those that are there: new ones in, removed ones out."""
    name = partitions.name
    if name is None:
        raise ValueError("the partition set has no name")
    known = set(instance.get_dynamic_partitions(name))
    new = [key for key in keys if key not in known]
    if new:
        instance.add_dynamic_partitions(name, new)
    for key in known - set(keys):
        instance.delete_dynamic_partition(name, key)


@dataclass(slots=True)
class _Builder:
    settings: Settings
    job: Callable[[str], dg.JobDefinition]
    instance: dg.DagsterInstance
    force: bool
    say: Callable[[str], None]
    report: BuildReport = field(default_factory=BuildReport)

    def run(self, job: str, steps: Sequence[str], partition: str | None) -> None:
        """Run a job's steps unless all of them stand."""
        name = partition or job.removesuffix("_job")
        lineage = Lineage(self.settings)
        standings = [lineage.standing(STEPS[step], partition) for step in steps]
        if not self.force and all(standing.state == "current" for standing in standings):
            self.report.unchanged.append(name)
            return
        self.say(f"{_VERBS.get(job, 'Building')} {name} …")
        tags = {PROCESS_TAG: this_process(), FORCE_TAG: str(self.force).lower()}
        result = self.job(job).execute_in_process(
            instance=self.instance,
            partition_key=partition,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(step) for step in steps],
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        if result.success:
            self.report.built.append(name)
            return
        message = self._why(steps, partition, result)
        self.report.failed[name] = message
        self.say(f"FAILED {name}: {message}")

    def _why(
        self, steps: Sequence[str], partition: str | None, result: dg.ExecuteInProcessResult
    ) -> str:
        store = Lineage(self.settings).store
        for step in steps:
            failure = store.failure(step, partition)
            if failure is not None:
                return failure.message
        for evaluation in result.get_asset_check_evaluations():
            if not evaluation.passed and evaluation.blocking:
                return f"check {evaluation.check_name}: {evaluation.description}"
        for event in result.all_events:
            if not event.is_step_failure:
                continue
            said = event.step_failure_data.user_failure_data
            if said is not None and said.description:
                return said.description
            error = event.step_failure_data.error
            if error is not None:
                first = (error.cause or error).message.strip().splitlines()[0]
                return f"{event.step_key}: {first}"
        return f"run {result.run_id} failed; its log in the UI says why"


def build(
    settings: Settings,
    job: Callable[[str], dg.JobDefinition],
    instance: dg.DagsterInstance,
    *,
    products: Collection[Product] = PRODUCTS,
    books: Sequence[str] = (),
    assets: Sequence[str] = (),
    leave_out: Collection[str] = (),
    force: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> BuildReport:
    """Materialise what is stale (with `force`: all that is selected); returns what happened.

    `job` gives a job by name. Without `assets` all that the `products` need is built; assets in
    `leave_out` are not, even where they are stale.

    A book that fails is reported and left out; the library is built from the others.
    Raises `ValueError` for a book or asset that does not exist.
    """
    lineage = Lineage(settings)
    library = lineage.library
    _check_known("book", books, library.books)
    _check_known("asset", assets, STEPS)
    close_abandoned_runs(instance)
    register_partitions(instance, books_partitions, list(library.books))
    register_partitions(instance, sources_partitions, lineage.partitions(STEPS["instruct_source"]))
    lineage.store.sweep()
    builder = _Builder(settings, job, instance, force, say)
    for path, reason in library.passed_over.items():
        say(f"Passed over {shown(str(path.relative_to(settings.books_dir)))}: {reason}")
    with keep_compute(settings.compute_options):
        _build_phases(builder, products, books, assets, leave_out)
    return builder.report


def _build_phases(
    builder: _Builder,
    products: Collection[Product],
    books: Sequence[str],
    assets: Sequence[str],
    leave_out: Collection[str],
) -> None:
    for phase in PHASES:
        wanted = [
            step
            for step in phase.steps
            if (step in assets or (not assets and set(phase.products) & set(products)))
            and step not in leave_out
        ]
        if not wanted:
            continue
        if phase.partitioned_by is None:
            builder.run(phase.job, wanted, None)
            continue
        reading = phase is BOOKS
        for key in Lineage(builder.settings).to_build(phase):
            if not books or key in books or not reading:
                builder.run(phase.job, wanted, key)
        if reading and not assets and not Lineage(builder.settings).complete_books():
            builder.say("No book could be read, so there is nothing to link.")
            return


def _check_known(kind: str, names: Sequence[str], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            listing = ", ".join(sorted(known)) or "none"
            raise ValueError(f"There is no {kind} {name!r}. There are: {listing}.")
