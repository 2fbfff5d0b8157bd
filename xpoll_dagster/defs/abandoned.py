"""Runs whose process is gone: they are closed, so that what they left is taken up again.

A killed process cannot say that it ended. While the code server lives it says so for the runs
that it started; when it was killed too (a crash of the machine, `kill -9` of the whole tree)
nobody does: Dagster's own run monitoring cannot see the processes of its default launcher.
Such a run would look alive for ever, hold its places in the queue and in the pools, and keep
the sensor waiting.
"""

from __future__ import annotations

import socket

import dagster as dg
import psutil
from dagster._core.launcher import DefaultRunLauncher

PROCESS_TAG = "xpoll/process"

# Between the start of a process and the event that tells its number; also how far the clock may
# have been set back since. A number that was given to another process is younger than that.
_CLOCK_SECONDS = 60.0


def this_process() -> str:
    """What a run is tagged with that is executed in this process: host, number, start."""
    own = psutil.Process()
    return f"{socket.gethostname()} {own.pid} {own.create_time():.2f}"


def close_abandoned_runs(instance: dg.DagsterInstance, *, launched: bool = False) -> int:
    """Mark runs whose process is gone as failed, free what they held; returns how many.

    Those of `xpoll build` and of the schedules carry the tag of their process. With `launched`
    also those that a code server started: that may only be asked on the code server's own
    machine, for a number of a process means nothing on another. In a database (Postgres) the
    runs of other machines stand beside those of this one, and only tagged ones are closed.
    """
    closed = 0
    launched = launched and not _shared_with_other_machines(instance)
    unfinished = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ]
    )
    for run in instance.get_runs(unfinished):
        if PROCESS_TAG in run.tags:
            gone = _is_gone(run.tags[PROCESS_TAG])
        elif launched:
            gone = _launched_process_is_gone(instance, run)
        else:
            gone = False
        if not gone:
            continue
        # It may have ended well between the two looks.
        now = instance.get_run_by_id(run.run_id)
        if now is None or now.is_finished:
            continue
        instance.report_run_failed(now, "The process of this run ended before the run did.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        closed += 1
    return closed


def _shared_with_other_machines(instance: dg.DagsterInstance) -> bool:
    return type(instance.run_storage).__module__.startswith("dagster_postgres")


def _is_gone(process: str) -> bool:
    host, _, rest = process.partition(" ")
    number, _, began = rest.partition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        return not _runs_since(int(number), float(began) + 1.0)
    except ValueError:
        return False


def _launched_process_is_gone(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a run's process has told its number and is no more.

    One that has not is left to Dagster, which gives up on a run that does not start.
    """
    if not isinstance(instance.run_launcher, DefaultRunLauncher):
        return False
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        number = event.engine_event_data.metadata.get("pid") if event else None
        if number is not None and str(number.value).isdigit():
            return not _runs_since(int(str(number.value)), entry.timestamp + _CLOCK_SECONDS)
    return False


def _runs_since(number: int, latest_start: float) -> bool:
    try:
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= latest_start
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
