"""The compute protocol in one process."""

from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError

from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import BatchError, in_order


def frames(count: int) -> list[pl.DataFrame]:
    return [pl.DataFrame({"x": [number, number + 1]}) for number in range(count)]


def test_every_batch_is_done_once_by_one_task():
    made = []

    def factory():
        made.append(1)
        return lambda frame: frame * 2

    results = list(LocalCompute().map_batches(frames(5), factory))
    assert [place for place, _ in results] == list(range(5))
    assert results[3][1]["x"].to_list() == [6, 8]
    assert len(made) == 1


def test_nothing_is_made_for_no_batches():
    assert list(LocalCompute().map_batches([], lambda: pytest.fail("not needed"))) == []


def test_a_failing_batch_is_tried_again_and_then_told():
    tries: list[int] = []

    def task(frame: pl.DataFrame) -> pl.DataFrame:
        tries.append(frame["x"][0])
        if frame["x"][0] == 2 or tries.count(frame["x"][0]) < 3:
            raise ValueError("not yet")
        return frame

    results = LocalCompute(ComputeOptions(attempts=3)).map_batches(frames(4), lambda: task)
    assert next(results)[0] == 0
    assert next(results)[0] == 1
    with pytest.raises(BatchError, match="not yet") as caught:
        next(results)
    assert (caught.value.place, caught.value.kind) == (2, "ValueError")
    assert tries == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_where_failures_are_taken_the_other_batches_go_on():
    def task(frame: pl.DataFrame) -> pl.DataFrame:
        if frame["x"][0] == 1:
            raise ValueError("not this one")
        return frame

    failed: list[BatchError] = []
    compute = LocalCompute(ComputeOptions(attempts=2))
    done = compute.map_batches(frames(3), lambda: task, on_failure=failed.append)
    assert [place for place, _ in done] == [0, 2]
    assert [(error.place, error.kind, str(error)) for error in failed] == [
        (1, "ValueError", "not this one")
    ]


def test_a_shuffle_brings_rows_of_a_key_together_in_their_order():
    given = [
        pl.DataFrame(
            {"key": [k % 7 for k in range(n, n + 10)], "row": range(n, n + 10)},
            schema={"key": pl.UInt64, "row": pl.Int64},
        )
        for n in (0, 10, 20)
    ]
    seen = list(LocalCompute(ComputeOptions(partitions=3)).shuffle(given, "key", lambda f: f))
    keys = [set(part["key"].unique()) for part in seen]
    assert len(seen) == 3
    assert set.union(*keys) == set(range(7))
    assert sum(map(len, keys)) == 7
    assert all(part["row"].is_sorted() for part in seen)
    assert sum(part.height for part in seen) == 30


def test_results_are_put_in_order():
    shuffled = [(place, frames(5)[place]) for place in (2, 0, 1, 4, 3)]
    assert [frame["x"][0] for frame in in_order(shuffled)] == [0, 1, 2, 3, 4]


def test_the_options_name_the_compute():
    with open_compute() as compute:
        assert isinstance(compute, LocalCompute)


@pytest.mark.parametrize("address", ["nowhere", "ray://host:1", "a b:1", "host:1; rm"])
def test_an_address_that_is_none_is_refused(address: str):
    with pytest.raises(ValidationError, match="address"):
        ComputeOptions(address=address)
