"""Runs whose process was killed are closed, those of living ones are not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData

from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.abandoned import PROCESS_TAG, close_abandoned_runs, this_process

JOB = defs().resolve_job_def("linking_job")


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path_factory.mktemp("home"))) as instance:
        yield instance


@pytest.fixture
def dead() -> int:
    """The number of a process that is gone."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def _run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED,
    process: str | None = None,
) -> str:
    tags = {} if process is None else {PROCESS_TAG: process}
    return instance.create_run_for_job(JOB, status=status, tags=tags).run_id


def _launched(instance: dg.DagsterInstance, run_id: str, number: int) -> None:
    """What the process of a run says first, as a code server starts it."""
    run = instance.get_run_by_id(run_id)
    instance.report_engine_event("Started process", run, EngineEventData.in_process(number))


def _status(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


def _named(host: str, number: int) -> str:
    return f"{host} {number} {time.time():.2f}"


def test_a_build_that_was_killed_is_closed(instance: dg.DagsterInstance, dead: int) -> None:
    host = this_process().split()[0]
    gone = _run(instance, process=_named(host, dead))
    living = _run(instance, process=this_process())
    elsewhere = _run(instance, process=_named("another-machine", dead))
    assert close_abandoned_runs(instance) == 1
    assert _status(instance, gone) == "FAILURE"
    assert _status(instance, living) == _status(instance, elsewhere) == "STARTED"


def test_a_number_that_another_process_got_since_does_not_keep_a_run_alive(
    instance: dg.DagsterInstance,
) -> None:
    host, number, _ = this_process().split()
    run = _run(instance, process=f"{host} {number} {psutil.Process().create_time() - 500:.2f}")
    assert close_abandoned_runs(instance) == 1
    assert _status(instance, run) == "FAILURE"


@pytest.mark.parametrize("status", ["STARTING", "STARTED", "CANCELING"])
def test_a_launched_run_is_closed_where_it_was_launched(
    instance: dg.DagsterInstance, dead: int, status: str
) -> None:
    gone = _run(instance, dg.DagsterRunStatus(status))
    _launched(instance, gone, dead)
    living = _run(instance, dg.DagsterRunStatus(status))
    _launched(instance, living, psutil.Process().pid)
    silent = _run(instance, dg.DagsterRunStatus(status))  # has not yet told its number
    assert close_abandoned_runs(instance) == 0
    assert close_abandoned_runs(instance, launched=True) == 1
    assert _status(instance, gone) == "FAILURE"
    assert _status(instance, living) == _status(instance, silent) == status


def test_what_has_ended_is_left_as_it_ended(instance: dg.DagsterInstance, dead: int) -> None:
    run = _run(instance, dg.DagsterRunStatus.SUCCESS)
    _launched(instance, run, dead)
    waiting = _run(instance, dg.DagsterRunStatus.NOT_STARTED)
    assert close_abandoned_runs(instance, launched=True) == 0
    assert _status(instance, run) == "SUCCESS"
    assert _status(instance, waiting) == "NOT_STARTED"


def test_a_closed_run_gives_its_place_in_a_pool_back(
    instance: dg.DagsterInstance, dead: int
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("ocr", 1)
    run = _run(instance)
    _launched(instance, run, dead)
    assert storage.claim_concurrency_slot("ocr", run, "book_pages").is_claimed
    assert not storage.claim_concurrency_slot("ocr", "another", "book_pages").is_claimed
    close_abandoned_runs(instance, launched=True)
    assert storage.claim_concurrency_slot("ocr", "another", "book_pages").is_claimed
