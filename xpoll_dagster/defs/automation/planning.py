"""What has to run next: the same answer for the sensor, the nightly schedule and a person.

Level-triggered: what is asked is how things stand, never what has happened. So a landing is
not lost when nobody was listening, and ten books that land together cause one re-linking:
the library-wide phases wait until no book has anything left to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.defs.phases import BOOKS, PHASES, Phase
from xpoll_dagster.settings import Settings
from xpoll_dagster.storage import fingerprint

WANTED_TAG = "xpoll/wanted"
BOOK_TAG = "xpoll/book"
PARTITION_TAG = "dagster/partition"

# A run that ends without saying why (its process was killed) is tried so often for the same
# inputs; one that fails with a reason is not tried again before something changes.
MAX_ATTEMPTS = 3

WRITTEN = {"pair_texts", "paraphrased_chunks", "questions", "persona_mirrors"}  # by an author

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dataclass(slots=True)
class Plan:
    """The runs to request now, and why nothing more is requested."""

    runs: list[dg.RunRequest] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan(
    lineage: Lineage,
    instance: dg.DagsterInstance,
    unsettled: Collection[str] = (),
    awaited: Collection[str] | None = None,
) -> Plan:
    """The runs of the first phase that has work left.

    Args:
        lineage: One look at the library: a book that lands after it is for the next one.
        instance: Knows which runs are under way and which were tried before.
        unsettled: Keys of books whose files still change; nothing is built from them.
        awaited: Those of them that the library-wide phases wait for; all if None.
    """
    settings = lineage.settings
    found = Plan()
    busy = _unfinished_runs(instance)
    gpu_steps = steps_on_demand(settings)
    for phase in PHASES:
        if phase.products == ("corpus",) and settings.automation.corpus == "weekly":
            continue
        for steps, partition in _work(lineage, phase, unsettled):
            wanted = [step for step in steps if step not in gpu_steps]
            if len(wanted) < len(steps):
                left = ", ".join(step for step in steps if step in gpu_steps)
                found.notes.append(
                    f"{left} of {partition or 'the library'} is started on demand (GPU work)"
                )
            key = _key(lineage, phase, partition)
            if not wanted or (phase.job, partition) in busy.work:
                continue  # what has changed since that run began is looked at when it has ended
            tried = _attempts(instance, phase, key)
            if tried >= MAX_ATTEMPTS:
                found.notes.append(
                    f"{phase.job} of {partition or 'the library'} ended {tried} times without a "
                    "reason; it is not tried again before something changes"
                )
                continue
            tags = {WANTED_TAG: key} | ({BOOK_TAG: partition} if partition else {})
            found.runs.append(
                dg.RunRequest(
                    run_key=f"{key}:{tried}",
                    job_name=phase.job,
                    partition_key=partition,
                    asset_selection=[dg.AssetKey(step) for step in wanted],
                    tags=tags,
                )
            )
        under_way = busy.jobs[phase.job]
        if found.runs or under_way:
            if under_way:
                found.notes.append(f"{under_way} runs of {phase.job} are under way")
            break
        copied = unsettled if awaited is None else awaited
        if phase is BOOKS and copied:
            found.notes.append(f"{len(copied)} books are still being copied")
            break
    return found


def _work(
    lineage: Lineage, phase: Phase, unsettled: Collection[str]
) -> Iterator[tuple[list[str], str | None]]:
    """Steps of a phase that are to be built, by partition; a failed step ends its chain."""
    of_phase = lineage.to_build(phase) if phase.partitioned_by else [None]
    for partition in of_phase:
        if partition in unsettled:
            continue  # not even hashed: a large book that is being copied changes at every look
        states = {step: lineage.standing(STEPS[step], partition).state for step in phase.steps}
        if "failed" in states.values():
            continue
        left = [step for step, state in states.items() if state in {"missing", "stale"}]
        if left:
            # What follows a rebuilt step is looked at again in the same run.
            yield list(phase.steps[phase.steps.index(left[0]) :]), partition


def _key(lineage: Lineage, phase: Phase, partition: str | None) -> str:
    """Names the work by everything that it would be made from."""
    made_from = {
        name: [
            STEPS[name].version(lineage.settings),
            # What the run itself makes on the way would change the name while it goes on.
            lineage.inputs(STEPS[name], partition, leave_out=phase.steps) or {},
        ]
        for name in phase.steps
    }
    return f"{phase.job}:{partition or 'library'}:{fingerprint(made_from)}"


@dataclass(slots=True)
class _Busy:
    jobs: Counter[str]
    work: set[tuple[str, str | None]]


def _unfinished_runs(instance: dg.DagsterInstance) -> _Busy:
    busy = _Busy(Counter(), set())
    jobs = {phase.job for phase in PHASES}
    for run in instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED))):
        steps = {key.to_user_string() for key in run.asset_selection or ()}
        # A person's own run of some assets counts for the phase that they belong to.
        job = next((phase.job for phase in PHASES if steps & set(phase.steps)), run.job_name)
        if job in jobs:
            busy.jobs[job] += 1
            busy.work.add((job, run.tags.get(PARTITION_TAG)))
    return busy


def _attempts(instance: dg.DagsterInstance, phase: Phase, key: str) -> int:
    return len(
        instance.get_runs(dg.RunsFilter(job_name=phase.job, tags={WANTED_TAG: key}), limit=10)
    )


def steps_on_demand(settings: Settings) -> set[str]:
    """Steps that automation leaves to a person: those that would take a GPU or cost money."""
    if settings.automation.gpu == "always":
        return set()
    never = settings.automation.gpu == "never"
    embedding = {"chunk_embeddings"} if never or _uses_gpu(settings) else set()
    return embedding | (WRITTEN if never or settings.author != "rules" else set())


def _uses_gpu(settings: Settings) -> bool:
    if settings.compute == "ray" and settings.ray.gpus_per_actor:
        return True
    device = settings.embedder.device
    if device != "auto":
        return device.startswith("cuda")
    return Path("/dev/nvidia0").exists()  # without importing torch into the daemon
