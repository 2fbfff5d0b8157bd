"""The compute protocol on a Ray cluster of two nodes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xpoll_dagster.books.embedding import embed_chunks, load_embedder
from xpoll_dagster.books.embedding_batches import embed_books
from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import BatchError, Compute, ComputeError, in_order
from xpoll_dagster.writing.completion import CachedEngine, CompletionCache
from xpoll_dagster.writing.engines.distributed import DistributedEngine
from xpoll_dagster.writing.engines.model import ChatRequest
from xpoll_dagster.writing.model import Message
from xpoll_dagster_tests.compute.ray_nodes import (
    Echo,
    Nodes,
    double,
    flaky,
    free_port,
    lethal,
    refuse,
    smallest,
    two_nodes,
)


def batches(count: int) -> list[pl.DataFrame]:
    return [pl.DataFrame({"x": [n, 2**63 + n]}, schema={"x": pl.UInt64}) for n in range(count)]


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ComputeError, match=r"install this package's extra `ray`"),
        open_compute(ComputeOptions(kind="ray", address="127.0.0.1:6379")),
    ):
        pass


def test_where_no_cluster_answers_the_error_says_so():
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    with (
        pytest.raises(ComputeError, match=r"No Ray cluster answers at 127\.0\.0\.1"),
        open_compute(ComputeOptions(kind="ray", address=f"127.0.0.1:{free_port()}")),
    ):
        pass


def chunks(name: str, count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "chunk_id": [f"{name}-{n}" for n in range(count)],
            "passage": ["" if n % 4 == 0 else f"Passage {n} of {name}" for n in range(count)],
            "text": [f" A text about {n} {'things ' * (n % 5)}" for n in range(count)],
        },
        schema={"chunk_id": pl.String, "passage": pl.String, "text": pl.String},
    )


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as found:
        yield found


@pytest.fixture(scope="module")
def compute(nodes: Nodes) -> Iterator[Compute]:
    with open_compute(nodes.options(actors=4)) as connected:
        nodes.wait_for(2)
        yield connected


@pytest.mark.slow
@pytest.mark.ray
class TestTwoNodes:
    def test_a_failing_batch_is_tried_again_and_a_poisoned_one_told(
        self, compute: Compute, tmp_path: Path
    ):
        done = []
        with pytest.raises(BatchError, match="13 cannot be done") as caught:
            for place, _ in compute.map_batches(batches(14), partial(flaky, str(tmp_path))):
                done.append(place)
        assert (caught.value.kind, caught.value.place) == ("ValueError", 13)
        assert done  # though each of them failed the first time

    def test_a_shuffle_decides_as_one_process(self, compute: Compute):
        rng = np.random.default_rng(7)
        keys = rng.integers(0, 2**64, 400, np.uint64)
        given = [
            pl.DataFrame({"key": rng.choice(keys, 300), "row": np.arange(n, n + 300)})
            for n in range(0, 2100, 300)
        ]
        found = pl.concat(compute.shuffle(given, "key", smallest)).sort("key")
        assert found.equals(smallest(pl.concat(given)))
        assert found["len"].sum() == 2100

    def test_a_partition_that_fails_is_told(self, compute: Compute):
        given = [pl.DataFrame({"key": [1, 1]}, schema={"key": pl.UInt64})]
        with pytest.raises(BatchError, match="2 rows are too many"):
            list(compute.shuffle(given, "key", refuse))

    def test_an_actor_that_no_node_has_room_for_is_told(self, nodes: Nodes, compute: Compute):
        with (
            open_compute(nodes.options(gpus_per_actor=1.0)) as wanting,
            pytest.raises(ComputeError, match="GPUs"),
        ):
            list(wanting.map_batches(batches(1), double, model=True))

    def test_chunks_of_many_books_get_the_vectors_of_one_process(self, compute: Compute):
        books = {name: chunks(name, count) for name, count in (("a", 30), ("b", 0), ("c", 9))}
        found = dict(embed_books(books.items(), compute))
        assert set(found) == set(books)
        for name, book in books.items():
            assert found[name].equals(embed_chunks(book, load_embedder()))

    def test_completions_come_through_the_cache_that_stays_here(
        self, compute: Compute, tmp_path: Path
    ):
        asked = [ChatRequest((Message("user", f"question {n}"),)) for n in range(7)]
        engine = DistributedEngine(partial(Echo, str(tmp_path / "log")), compute, 3)
        cached = CachedEngine(engine, CompletionCache(tmp_path / "cache.db"))
        first = cached.complete(asked[:5])
        second = cached.complete(asked)
        assert [c.text for c in second] == [f"0.3 question {n}" for n in range(7)]
        assert [c.cached for c in second] == [True] * 5 + [False] * 2
        assert [c.text for c in first] == [c.text for c in second[:5]]
        # Every question was asked once, whoever asked it.
        assert len((tmp_path / "log").read_text().splitlines()) == 7

    def test_a_model_stays_for_the_next_call(self, compute: Compute):
        calls: list[dict[str, list[int]]] = []
        for _ in range(2):
            done: dict[str, list[int]] = {}
            for _, frame in compute.map_batches(batches(12), partial(double, 0.05), model=True):
                done.setdefault(frame["worker"][0], []).append(frame["call"][0])
            calls.append(done)
        both = calls[0].keys() & calls[1].keys()
        assert both
        assert all(min(calls[1][worker]) > max(calls[0][worker]) for worker in both)

    def test_a_batch_that_ends_its_actors_is_told_and_stops_no_other(self, compute: Compute):
        failed: list[BatchError] = []
        done = [
            place
            for place, _ in compute.map_batches(
                batches(8), lethal, model=True, on_failure=failed.append
            )
        ]
        assert sorted(done) == [0, 1, 2, 3, 4, 6, 7]
        [error] = failed
        assert error.place == 5
        assert "died 3 times" in str(error)

    def test_actors_keep_their_task_and_a_killed_node_loses_no_batch(
        self, nodes: Nodes, compute: Compute
    ):
        found: dict[int, pl.DataFrame] = {}
        killing = threading.Thread(target=nodes.kill_last)
        for place, frame in compute.map_batches(batches(40), partial(double, 0.3), model=True):
            assert place not in found
            found[place] = frame
            on = {done["worker"][0].split("/")[0] for done in found.values()}
            if len(on) == 2 and not killing.ident:
                killing.start()
        assert killing.ident, "all batches were done on one node"
        killing.join()
        here = in_order(LocalCompute().map_batches(batches(40), double))
        assert [found[n]["x"].to_list() for n in range(40)] == [f["x"].to_list() for f in here]
        # An actor makes its task once and keeps it: its calls count up.
        calls: dict[str, list[int]] = {}
        for frame in found.values():
            calls.setdefault(frame["worker"][0], []).append(frame["call"][0])
        assert all(len(set(counts)) == len(counts) for counts in calls.values())
        assert max(map(max, calls.values())) > 3
        nodes.replace_killed()

    def test_a_node_that_comes_later_is_used(self, nodes: Nodes, compute: Compute):
        def nodes_used() -> set[str]:
            work = partial(double, 0.2)
            found = compute.map_batches(batches(40), work, model=True)
            return {frame["worker"][0].split("/")[0] for _, frame in found}

        nodes.kill_last()
        nodes.wait_for(1)
        assert len(nodes_used()) == 1
        nodes.add()
        nodes.wait_for(2)
        deadline = time.monotonic() + 120
        while len(nodes_used()) != 2:
            assert time.monotonic() < deadline, "the new node was never used"
