"""The compute protocol on a Ray cluster of two nodes."""

from __future__ import annotations

import sys
import threading
from functools import partial

import numpy as np
import polars as pl
import pytest

from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import BatchError, ComputeError, in_order
from xpoll_dagster_tests.compute.ray_nodes import double, flaky, free_port, refuse, smallest, two_nodes


def batches(count: int) -> list[pl.DataFrame]:
    return [pl.DataFrame({"x": [n, 2**63 + n]}, schema={"x": pl.UInt64}) for n in range(count)]


def test_without_ray_the_error_says_what_to_install(monkeypatch):
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


@pytest.fixture(scope="module")
def nodes():
    with two_nodes() as found:
        yield found


@pytest.fixture(scope="module")
def compute(nodes):
    with open_compute(nodes.options()) as connected:
        nodes.wait_for(2)
        yield connected




@pytest.mark.slow
@pytest.mark.ray
class TestTwoNodes:
    def test_batches_give_what_one_process_gives_on_both_nodes(self, compute):
        found = list(in_order(compute.map_batches(batches(40), partial(double, 0.1))))
        here = list(in_order(LocalCompute().map_batches(batches(40), double)))
        assert [frame["x"].to_list() for frame in found] == [f["x"].to_list() for f in here]
        workers = {frame["worker"][0] for frame in found}
        assert len({worker.split("/")[0] for worker in workers}) == 2
        # Each worker made its task once and kept it: its calls count up.
        assert sum(frame["call"][0] == 1 for frame in found) == len(workers)

    def test_a_failing_batch_is_tried_again(self, compute, tmp_path):
        found = dict(compute.map_batches(batches(6), partial(flaky, str(tmp_path))))
        assert sorted(found) == list(range(6))

    def test_a_poisoned_batch_fails_with_its_own_message(self, compute, tmp_path):
        with pytest.raises(BatchError, match="13 cannot be done") as caught:
            list(compute.map_batches(batches(15), partial(flaky, str(tmp_path))))
        assert (caught.value.kind, caught.value.place) == ("ValueError", 13)

    def test_a_shuffle_decides_as_one_process(self, compute):
        rng = np.random.default_rng(7)
        keys = rng.integers(0, 2**64, 400, np.uint64)
        given = [
            pl.DataFrame({"key": rng.choice(keys, 300), "row": np.arange(n, n + 300)})
            for n in range(0, 2100, 300)
        ]
        found = pl.concat(compute.shuffle(given, "key", smallest)).sort("key")
        assert found.equals(smallest(pl.concat(given)))
        assert found["len"].sum() == 2100

    def test_a_partition_that_fails_is_told(self, compute):
        given = [pl.DataFrame({"key": [1, 1]}, schema={"key": pl.UInt64})]
        with pytest.raises(BatchError, match="2 rows are too many"):
            list(compute.shuffle(given, "key", refuse))

    def test_an_actor_that_no_node_has_room_for_is_told(self, nodes, compute):
        with (
            open_compute(nodes.options(gpus_per_actor=1.0)) as wanting,
            pytest.raises(ComputeError, match="GPUs"),
        ):
            list(wanting.map_batches(batches(1), double, model=True))

    def test_a_killed_node_loses_no_batch(self, nodes, compute):
        found: dict[int, int] = {}
        killed = threading.Event()

        def kill() -> None:
            nodes.kill_last()
            killed.set()

        for place, frame in compute.map_batches(batches(60), partial(double, 0.2)):
            assert place not in found
            found[place] = frame["x"][0]
            if len(found) == 10:
                threading.Thread(target=kill).start()
        assert killed.is_set()
        assert found == {n: 2 * n for n in range(60)}
        nodes.add()
        nodes.wait_for(2)

