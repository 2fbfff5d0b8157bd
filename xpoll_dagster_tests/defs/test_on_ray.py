"""The assets on a Ray cluster of two nodes: the same artifacts as in one process, whoever dies."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from xpoll_dagster.compute.loading import keep_compute, open_compute
from xpoll_dagster.compute.ray_compute import RayCompute
from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.books.assets import chunk_embeddings
from xpoll_dagster.defs.building import build
from xpoll_dagster.defs.materialization import FORCE_TAG
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.retrieval.writing_assets import paraphrased_chunks, questions
from xpoll_dagster.settings import get_settings
from xpoll_dagster.storage import Artifact
from xpoll_dagster_tests.compute.ray_nodes import Nodes, free_port, two_nodes
from xpoll_dagster_tests.writing.engines.fault_server import Call, Fault, FaultServer

pytestmark = [pytest.mark.slow, pytest.mark.ray]

DEFINITIONS = defs()
KEY = "a-key-that-stays-at-home"
BOOKS = ("history--a", "history--b", "physics--c", "physics--d", "physics--e", "physics--f")
LONG, WRITTEN = BOOKS[:3], BOOKS[3:]


def _text(name: str, chapters: int) -> str:
    return "\n\n".join(
        f"CHAPTER {n}\n\nThe council of {name} met in {1200 + n} to weigh the salt that came by "
        f"river. Each of the {n + 3} masters brought a tally stick, and the clerk wrote the sums "
        "into a ledger that was locked away in the church until the next spring, when boats came."
        for n in range(1, chapters + 1)
    )


def _answer(body: dict[str, Any]) -> str:
    prompt = str(body["messages"][-1]["content"])
    if body.get("response_format"):
        asked = {
            "answer": "a tally stick",
            "question": f"What did each master bring to council {len(prompt)}?",
            "difficulty": "easy",
        }
        return json.dumps({"questions": [asked]})
    return f"Salt came by river, and the council of {sum(prompt.encode()) % 89} masters weighed it."


TEXTS: tuple[Any, ...] = (paraphrased_chunks, questions)


@dataclass(slots=True)
class Shelf:
    """A library whose books were built in one process, and what they gave there."""

    root: Path
    project: Project
    built: dict[str, dict[str, Artifact]]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Set before the nodes start, for they read their secrets from their own environment."""
    root = tmp_path_factory.mktemp("shelf")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "DATA_DIR": str(root),
            "OPENAI__MODEL": "tiny",
            "OPENAI__BACKOFF_S": "0.01",
            "OPENAI_API_KEY": KEY,
            "WRITING__STYLES": '["short"]',
            "RAY__ACTORS": "4",
            "RAY__CHATS_PER_BATCH": "3",
            "RAY__BOOKS_AT_ONCE": "2",
        }.items():
            patch.setenv(f"XPOLL_{name}", value)
        yield patch
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def shelf(environment: pytest.MonkeyPatch) -> Shelf:
    get_settings.cache_clear()
    settings = get_settings()
    for key in BOOKS:
        domain, _, name = key.partition("--")
        (settings.books_dir / domain).mkdir(parents=True, exist_ok=True)
        text = _text(f"{name}-town", 120 if key in LONG else 8)
        (settings.books_dir / domain / f"{name}.txt").write_text(text, encoding="utf-8")
    with dg.DagsterInstance.ephemeral() as instance:
        chain = ("book_pages", "chunks", "chunk_embeddings", "chunk_concepts")
        report = build(settings, DEFINITIONS.resolve_job_def, instance, assets=chain)
    assert not report.failed
    project = Project.of(settings)
    return Shelf(settings.data_dir, project, {"chunk_embeddings": _built(project)})


def _built(project: Project, asset: str = "chunk_embeddings") -> dict[str, Artifact]:
    return dict(project.store.partitions(asset))


def _same(found: dict[str, Artifact], before: dict[str, Artifact]) -> bool:
    """Whether contents and manifests are equal, but for times."""

    def said(artifact: Artifact) -> tuple[object, ...]:
        numbers = {
            name: value
            for name, value in artifact.numbers.items()
            if name not in {"tokens_per_second", "n_cached", "prompt_tokens", "completion_tokens"}
        }
        return artifact.content_hash, artifact.version, artifact.inputs, numbers

    return {key: said(one) for key, one in found.items()} == {
        key: said(one) for key, one in before.items()
    }


def _run(
    asset: Any, keys: tuple[str, ...], *, force: bool = True
) -> tuple[dg.ExecuteInProcessResult, dict[str, dict[str, Any]]]:
    """A run of these partitions, and the metadata of each that was materialised."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("books", list(BOOKS))
        result = dg.materialize(
            [asset],
            instance=instance,
            resources={"project": Project()},
            tags={
                "dagster/asset_partition_range_start": keys[0],
                "dagster/asset_partition_range_end": keys[-1],
                FORCE_TAG: str(force).lower(),
            },
            raise_on_error=False,
        )
        events = [
            record.asset_materialization
            for record in instance.fetch_materializations(asset.key, limit=50).records
        ]
    return result, {
        event.partition: {label: value.value for label, value in event.metadata.items()}
        for event in events
        if event is not None and event.partition is not None
    }


@pytest.fixture
def no_cluster(environment: pytest.MonkeyPatch) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XPOLL_COMPUTE", "ray")
        patch.setenv("XPOLL_RAY__ADDRESS", address)
        get_settings.cache_clear()
        yield address
    get_settings.cache_clear()


def test_where_no_cluster_answers_every_partition_says_so_and_keeps_what_it_had(
    shelf: Shelf, no_cluster: str
) -> None:
    result, found = _run(chunk_embeddings, BOOKS)
    assert not result.success
    assert not found
    for key in BOOKS:
        failure = shelf.project.store.failure("chunk_embeddings", key)
        assert failure is not None
        assert failure.message == (
            f"No Ray cluster answers at {no_cluster}: start its head, or correct "
            "XPOLL_RAY__ADDRESS."
        )
    assert _same(_built(shelf.project), shelf.built["chunk_embeddings"])


@pytest.mark.usefixtures("no_cluster")
def test_where_it_is_computed_makes_nothing_stale(shelf: Shelf) -> None:
    # No cluster is needed for what stands.
    result, found = _run(chunk_embeddings, BOOKS, force=False)
    assert result.success
    assert [found[key]["built_anew"] for key in BOOKS] == [False] * len(BOOKS)
    assert _same(_built(shelf.project), shelf.built["chunk_embeddings"])


@pytest.fixture(scope="module")
def nodes(shelf: Shelf, environment: pytest.MonkeyPatch) -> Iterator[Nodes]:
    with two_nodes() as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XPOLL_COMPUTE", "ray")
        patch.setenv("XPOLL_RAY__ADDRESS", found.address)
        get_settings.cache_clear()
        options = get_settings().compute_options
        with keep_compute(options):
            with open_compute(options):
                found.wait_for(2)
            yield found
    get_settings.cache_clear()


def _all_up(count: int) -> None:
    """Wait until so many actors hold the model of the last call."""
    deadline = time.monotonic() + 400
    with open_compute(get_settings().compute_options) as compute:
        assert isinstance(compute, RayCompute)
        while [actors._alive for actors in compute._models.values()] != [count]:
            assert time.monotonic() < deadline, "the actors did not come up"
            time.sleep(0.1)


def _died_at_work(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether a batch was under way on the node that was killed."""
    return any("An actor died" in record.getMessage() for record in caplog.records)


def _asked(server: FaultServer) -> set[str]:
    return {json.dumps(call.body["messages"]) for call in server.calls}


class TestTwoNodes:
    def test_embeddings_are_those_of_one_process_but_for_a_broken_book(
        self, shelf: Shelf, nodes: Nodes
    ) -> None:
        broken = shelf.project.store.path("chunks", "physics--d")
        whole = broken.read_bytes()
        broken.write_bytes(whole[: len(whole) // 2])
        began = time.time()
        try:
            result, found = _run(chunk_embeddings, BOOKS)
        finally:
            broken.write_bytes(whole)
        assert not result.success
        assert set(found) == set(BOOKS) - {"physics--d"}
        failure = shelf.project.store.failure("chunk_embeddings", "physics--d")
        assert failure is not None
        assert failure.message.startswith("Unexpected ComputeError: parquet")
        built = _built(shelf.project)
        assert {key for key, one in built.items() if one.created > began} == set(found)
        assert _same(built, shelf.built["chunk_embeddings"])

    def test_a_build_uses_one_cluster_for_all_books(self, shelf: Shelf, nodes: Nodes) -> None:
        _all_up(4)
        began = time.time()
        with dg.DagsterInstance.ephemeral() as instance:
            report = build(
                get_settings(),
                DEFINITIONS.resolve_job_def,
                instance,
                assets=["chunk_embeddings"],
                force=True,
            )
        assert sorted(report.built) == sorted(BOOKS)
        built = _built(shelf.project)
        assert all(one.created > began for one in built.values())
        assert _same(built, shelf.built["chunk_embeddings"])

    def test_a_node_killed_while_books_are_embedded_loses_and_doubles_nothing(
        self, shelf: Shelf, nodes: Nodes, caplog: pytest.LogCaptureFixture
    ) -> None:
        began = time.time()

        def kill() -> None:
            # A short book is the first; the long ones are under way.
            while not any(one.created > began for one in _built(shelf.project).values()):
                time.sleep(0.01)
            nodes.kill_last()

        killing = threading.Thread(target=kill, daemon=True)
        killing.start()
        with caplog.at_level(logging.WARNING, "xpoll_dagster.compute"):
            result, _ = _run(chunk_embeddings, BOOKS)
        assert result.success
        killing.join()
        assert _died_at_work(caplog)
        built = _built(shelf.project)
        assert all(one.created > began for one in built.values())
        assert _same(built, shelf.built["chunk_embeddings"])
        nodes.replace_killed()

    def test_an_author_writes_what_one_process_does_though_a_node_is_killed(
        self,
        shelf: Shelf,
        nodes: Nodes,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        killing = threading.Thread(target=nodes.kill_last)
        kill_at = 0

        def script(call: Call) -> Fault | None:
            if call.number == kill_at:
                killing.start()
            return Fault(delay_s=0.5) if kill_at else None

        monkeypatch.setenv("XPOLL_AUTHOR", "openai")
        with FaultServer(script, answer=_answer, key=KEY) as server:
            monkeypatch.setenv("XPOLL_OPENAI__BASE_URL", server.base_url)
            monkeypatch.setenv("XPOLL_COMPUTE", "local")
            get_settings.cache_clear()
            for asset in TEXTS:
                assert _run(asset, WRITTEN)[0].success
            here = {
                asset.key.path[-1]: _built(shelf.project, asset.key.path[-1]) for asset in TEXTS
            }
            asked = _asked(server)
            assert len(asked) == len(server.calls) > 30

            shutil.rmtree(get_settings().completions_file.parent)
            server.calls.clear()
            monkeypatch.setenv("XPOLL_COMPUTE", "ray")
            get_settings.cache_clear()
            result, found = _run(questions, WRITTEN)
            assert result.success
            for key, numbers in found.items():
                alone = here["questions"][key].numbers
                assert numbers["n_requests"] == alone["n_requests"]
                assert numbers["completion_tokens"] == alone["completion_tokens"] > 0
                assert numbers["n_cached"] == 0
            _all_up(4)
            kill_at = len(server.calls) + 10
            with caplog.at_level(logging.WARNING, "xpoll_dagster.compute"):
                assert _run(paraphrased_chunks, WRITTEN)[0].success
            killing.join()
            assert _died_at_work(caplog)
            assert _asked(server) == asked
            for name, built in here.items():
                assert _same(_built(shelf.project, name), built)

            # The cache is in this process: nobody is asked again.
            server.calls.clear()
            for asset in TEXTS:
                assert _run(asset, WRITTEN)[0].success
            assert not server.calls
            for name, built in here.items():
                assert _same(_built(shelf.project, name), built)
