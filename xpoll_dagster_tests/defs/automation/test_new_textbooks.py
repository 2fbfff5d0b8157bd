"""The sensor and its plan: nothing lost, nothing run twice, the library once for ten books."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.automation.planning import MAX_ATTEMPTS, WANTED_TAG, plan
from xpoll_dagster.defs.automation.sensors import new_textbooks
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.lineage import BOOK_CHAIN, Lineage
from xpoll_dagster.defs.phases import PHASES
from xpoll_dagster.settings import Settings, get_settings

DEFINITIONS = defs()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("XPOLL_DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def _land(settings: Settings, key: str, text: str = "A text.", *, age: float = 3600) -> Path:
    domain, _, name = key.partition("--")
    path = settings.books_dir / domain / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


class Sensor:
    """The sensor with its cursor, as the daemon keeps it."""

    def __init__(self, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instance = instance
        self.cursor: str | None = None
        self.seen: set[str] = set()
        # A file's change time cannot be set back; what is tested here is the second look.
        monkeypatch.setattr("xpoll_dagster.defs.automation.sensors.time.time", lambda: 4e9)

    def look(self) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, definitions=DEFINITIONS
        )
        result = new_textbooks(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or []:
            if isinstance(request, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions("books", list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition("books", key)
        # The daemon launches a run key once.
        requests = [r for r in result.run_requests or [] if r.run_key not in self.seen]
        self.seen |= {str(request.run_key) for request in requests}
        return requests


@pytest.fixture
def sensor(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Sensor:
    return Sensor(instance, monkeypatch)


def _work(settings: Settings, request: dg.RunRequest) -> None:
    """What a run does, as far as the lineage sees it."""
    for key in request.asset_selection or ():
        step = STEPS[key.to_user_string()]
        lineage = Lineage(settings)
        inputs = lineage.inputs(step, request.partition_key)
        assert inputs is not None
        version = step.version(settings)
        if step.folder:
            lineage.store.write_folder(
                step.asset,
                None,
                lambda folder, name=step.asset: _write(folder / "x", name),
                version=version,
                inputs=inputs,
            )
            continue
        frame = pl.DataFrame({"asset": [step.asset], "made": [str(sorted(inputs.items()))]})
        lineage.store.write_table(
            step.asset, request.partition_key, frame, version=version, inputs=inputs
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _record(instance: dg.DagsterInstance, request: dg.RunRequest, status: str) -> None:
    job = DEFINITIONS.resolve_job_def(str(request.job_name))
    tags = dict(request.tags or {})
    if request.partition_key is not None:
        tags["dagster/partition"] = request.partition_key
    instance.create_run_for_job(job, status=dg.DagsterRunStatus(status), tags=tags)


def _names(requests: list[dg.RunRequest]) -> list[tuple[Any, Any]]:
    return [(request.job_name, request.partition_key) for request in requests]


def test_a_book_still_being_copied_is_left_until_it_is_still(
    settings: Settings, sensor: Sensor
) -> None:
    path = _land(settings, "history--a")
    assert sensor.look() == []
    path.write_text("More of it.", encoding="utf-8")
    assert sensor.look() == []
    assert _names(sensor.look()) == [("books_job", "history--a")]
    assert sensor.instance.get_dynamic_partitions("books") == ["history--a"]


def test_a_book_that_never_comes_to_rest_holds_the_library_up_for_a_while_only(
    settings: Settings, sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("history--a", "physics--b"):
        _land(settings, key)
    sensor.look()
    for request in sensor.look():
        _work(settings, request)
    restless = _land(settings, "physics--log")
    now = 4e9
    monkeypatch.setattr("xpoll_dagster.defs.automation.sensors.time.time", lambda: now)
    for minute in range(29):
        now = 4e9 + 60 * minute
        restless.write_text("line\n" * (minute + 1), encoding="utf-8")
        assert sensor.look() == []
    now += 120
    restless.write_text("one more\n", encoding="utf-8")
    assert _names(sensor.look()) == [("linking_job", None)]


def test_a_landing_is_requested_once(settings: Settings, sensor: Sensor) -> None:
    _land(settings, "history--a")
    sensor.look()
    requests = sensor.look()
    assert len(requests) == 1
    _record(sensor.instance, requests[0], "STARTED")
    assert sensor.look() == []


@pytest.mark.slow
def test_ten_books_cause_one_relinking(settings: Settings, sensor: Sensor) -> None:
    for number in range(10):
        _land(settings, f"history--b{number}")
    sensor.look()
    requests = sensor.look()
    assert len(requests) == 10
    jobs = []
    _record(sensor.instance, requests[-1], "STARTED")
    for request in requests[:-1]:
        _work(settings, request)
        assert sensor.look() == [], "the library must wait for the last book"
    sensor.instance.report_run_failed(sensor.instance.get_runs()[0])
    _work(settings, requests[-1])
    for _ in range(20):
        found = sensor.look()
        jobs += [request.job_name for request in found]
        for request in found:
            _work(settings, request)
    library_jobs = [
        phase.job
        for phase in PHASES
        if phase.partitioned_by is None and phase.products != ("corpus",)
    ]
    assert [job for job in jobs if job in library_jobs] == library_jobs


def test_a_run_that_is_half_done_is_not_requested_again(settings: Settings, sensor: Sensor) -> None:
    """What it makes on the way must not look like new inputs."""
    for key in ("history--a", "physics--b"):
        _land(settings, key)
    sensor.look()
    for request in sensor.look():
        _work(settings, request)
    (linking,) = sensor.look()
    assert linking.job_name == "linking_job"
    _record(sensor.instance, linking, "STARTED")
    for asset in list(linking.asset_selection or ()):
        _work(settings, linking._replace(asset_selection=[asset]))
        assert sensor.look() == []


def test_a_killed_run_counts_as_tried_however_far_it_came(
    settings: Settings, sensor: Sensor
) -> None:
    for key in ("history--a", "physics--b"):
        _land(settings, key)
    sensor.look()
    for request in sensor.look():
        _work(settings, request)
    keys = []
    for asset in (*PHASES[1].steps[:3], None, None):
        for request in sensor.look():
            if request.job_name != "linking_job":
                continue
            keys.append((request.tags or {})[WANTED_TAG])
            _record(sensor.instance, request, "FAILURE")
            if asset is not None:
                _work(settings, request._replace(asset_selection=[dg.AssetKey(asset)]))
    assert len(keys) == MAX_ATTEMPTS
    assert len(set(keys)) == 1


def test_a_changed_book_runs_again_and_the_library_with_it(
    settings: Settings, sensor: Sensor
) -> None:
    for key in ("history--a", "physics--b"):
        _land(settings, key)
    for _ in range(8):
        for request in sensor.look():
            _work(settings, request)
    assert sensor.look() == []
    _land(settings, "history--a", "Another text, and a longer one.")
    sensor.look()
    found = sensor.look()
    assert _names(found) == [("books_job", "history--a")]
    _work(settings, found[0])
    assert [request.job_name for request in sensor.look()] == ["linking_job"]


def test_a_book_that_is_gone_drops_out_and_keeps_its_artifacts(
    settings: Settings, sensor: Sensor
) -> None:
    path = _land(settings, "history--a")
    _land(settings, "physics--b")
    for _ in range(8):
        for request in sensor.look():
            _work(settings, request)
    path.unlink()
    assert [request.job_name for request in sensor.look()] == ["linking_job"]
    assert sensor.instance.get_dynamic_partitions("books") == ["physics--b"]
    assert Lineage(settings).store.get("chunks", "history--a") is not None


def test_a_failed_book_is_left_until_it_changes_and_stops_no_other(
    settings: Settings, sensor: Sensor
) -> None:
    _land(settings, "history--a")
    _land(settings, "physics--b")
    sensor.look()
    broken, good = sensor.look()
    lineage = Lineage(settings)
    lineage.store.record_failure(
        "book_pages",
        broken.partition_key,
        "It is broken.",
        version=STEPS["book_pages"].version(settings),
        inputs=lineage.inputs(STEPS["book_pages"], broken.partition_key) or {},
    )
    _work(settings, good)
    assert [request.job_name for request in sensor.look()] == ["linking_job"]
    _land(settings, "history--a", "Mended.")
    sensor.look()
    assert ("books_job", "history--a") in _names(sensor.look())


def test_a_killed_run_is_tried_again_but_not_for_ever(settings: Settings, sensor: Sensor) -> None:
    _land(settings, "history--a")
    sensor.look()
    for _ in range(MAX_ATTEMPTS):
        (request,) = sensor.look()
        _record(sensor.instance, request, "FAILURE")
    assert sensor.look() == []
    assert any("without a reason" in n for n in plan(Lineage(settings), sensor.instance).notes)


def test_a_cursor_that_cannot_be_read_loses_nothing(settings: Settings, sensor: Sensor) -> None:
    _land(settings, "history--a")
    sensor.look()
    sensor.cursor = '{"half a cur'
    assert sensor.look() == []
    assert _names(sensor.look()) == [("books_job", "history--a")]


def test_gpu_work_is_left_to_a_person_unless_a_setting_says_otherwise(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    _land(settings, "history--a")
    never = settings.automation.model_copy(update={"gpu": "never"})
    found = plan(Lineage(settings.model_copy(update={"automation": never})), instance)
    steps = {key.to_user_string() for key in found.runs[0].asset_selection or ()}
    assert steps == set(BOOK_CHAIN) - {"chunk_embeddings"}
    assert any("on demand" in note for note in found.notes)
    always = settings.automation.model_copy(update={"gpu": "always"})
    found = plan(Lineage(settings.model_copy(update={"automation": always})), instance)
    assert {k.to_user_string() for k in found.runs[0].asset_selection or ()} == set(BOOK_CHAIN)


def test_an_empty_library_has_nothing_to_do(settings: Settings, sensor: Sensor) -> None:
    shutil.rmtree(settings.books_dir, ignore_errors=True)
    assert sensor.look() == []
