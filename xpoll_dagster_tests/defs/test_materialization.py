"""A run of several partitions: a model is loaded once, one broken book stops no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from xpoll_dagster.compute.protocol import ComputeError
from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.books import assets
from xpoll_dagster.defs.books.assets import chunk_embeddings
from xpoll_dagster.defs.books.checks import every_chunk_has_its_vector
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.defs.materialization import Built
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.several_partitions import several_at_once
from xpoll_dagster.settings import get_settings

defs()  # declares the steps

BOOKS = ("history--a", "physics--b", "physics--c")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    for key in BOOKS:
        domain, _, name = key.partition("--")
        (tmp_path / "books" / domain).mkdir(parents=True, exist_ok=True)
        (tmp_path / "books" / domain / f"{name}.txt").write_text(key, encoding="utf-8")
    # Dagster makes its own copy of the resource, which reads the environment.
    monkeypatch.setenv("XPOLL_DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    settings = get_settings()
    lineage = Lineage(settings)
    for key in BOOKS:
        chunks = pl.DataFrame(
            {"chunk_id": [f"{key}-1"], "passage": [f"Some words of {key}."], "text": [""]}
        )
        for name, frame in (("book_pages", pl.DataFrame({"page": [1]})), ("chunks", chunks)):
            step = STEPS[name]
            inputs = lineage.inputs(step, key)
            assert inputs is not None
            lineage.store.write_table(
                name, key, frame, version=step.version(settings), inputs=inputs
            )
    yield Project.of(settings)
    get_settings.cache_clear()


def _run(project: Project, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions("books", list(BOOKS))
    # The decorated generator is an asset, whatever its annotation says.
    selected: Any = [chunk_embeddings, every_chunk_has_its_vector]
    return dg.materialize(
        selected,
        instance=instance,
        resources={"project": project},
        tags={
            "dagster/asset_partition_range_start": BOOKS[0],
            "dagster/asset_partition_range_end": BOOKS[-1],
        },
        raise_on_error=False,
    )


def _materialised(instance: dg.DagsterInstance) -> dict[str, dict[str, object]]:
    records = instance.fetch_materializations(dg.AssetKey("chunk_embeddings"), limit=50).records
    events = [record.asset_materialization for record in reversed(records)]
    return {
        event.partition: {name: value.value for name, value in event.metadata.items()}
        for event in events
        if event is not None and event.partition is not None
    }


def test_every_partition_of_a_run_is_built_with_numbers_of_its_own(project: Project) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert _run(project, instance).success
        found = _materialised(instance)
        assert set(found) == set(BOOKS)
        assert all(numbers["n_vectors"] == 1 for numbers in found.values())
        assert {Path(str(numbers["path"])).stem for numbers in found.values()} == set(BOOKS)


def test_one_broken_book_stops_no_other_and_is_named(project: Project) -> None:
    # Its chunks are gone: what the embedder needs is missing.
    project.store.path("chunks", "physics--b").unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        result = _run(project, instance)
        assert not result.success
        assert set(_materialised(instance)) == {"history--a", "physics--c"}
    assert set(project.store.partitions("chunk_embeddings")) == {"history--a", "physics--c"}
    failure = project.store.failure("chunk_embeddings", "physics--b")
    assert failure is not None
    assert "materialise what is missing first" in failure.message


def test_several_at_once_overlap_and_each_error_is_that_of_its_partition() -> None:
    taken: list[str] = []

    def keys() -> Iterator[str]:
        for key in ("a", "b", "bad", "c"):
            taken.append(key)
            yield key

    meeting = threading.Barrier(2)

    def build(key: str) -> Built:
        if key in {"a", "b"}:
            meeting.wait(20)  # neither goes on without the other
        if key == "bad":
            raise ValueError("bad")
        return Built(pl.DataFrame({"key": [key]}))

    given: dict[str, object] = {}
    for key, built in several_at_once(build, 2)(keys()):
        # No more is taken than there is room for.
        assert len(taken) <= len(given) + 2
        given[key] = built.content["key"][0] if isinstance(built, Built) else repr(built)  # type: ignore[index]
    assert given == {"a": "a", "b": "b", "c": "c", "bad": "ValueError('bad')"}


def test_an_error_of_the_whole_run_is_that_of_every_partition_that_is_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(keys: Iterator[str]) -> Iterator[tuple[str, Built | Exception]]:
        assert next(keys) == BOOKS[0]
        yield BOOKS[0], Built(pl.DataFrame({"chunk_id": ["1"]}))
        assert next(keys) == BOOKS[1]
        raise ComputeError("The cluster is gone.")

    monkeypatch.setattr(assets, "embedding", lambda context, project: build)
    with dg.DagsterInstance.ephemeral() as instance:
        assert not _run(project, instance).success
        assert set(_materialised(instance)) == {BOOKS[0]}
    store = project.store
    assert set(store.partitions("chunk_embeddings")) == {BOOKS[0]}
    for key in BOOKS[1:]:
        failure = store.failure("chunk_embeddings", key)
        assert failure is not None
        assert failure.message == "The cluster is gone."
