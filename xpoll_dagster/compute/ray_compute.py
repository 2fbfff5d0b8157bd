"""Batches on Ray: Ray Data for maps and shuffles, standing actors where a model is held.

Frames are handed over by this process, which owns them in the object store; a node that dies
takes no row with it, because Ray does again what was lost. The same batch may so be
done twice, and its result comes once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import polars as pl

from xpoll_dagster.compute.attempts import Attempts
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import BatchError, ComputeError, Factory, Task
from xpoll_dagster.compute.ray_actors import ModelActors
from xpoll_dagster.compute.ray_frames import Row, failed, pack, rows_of, split_by_key, table


class RayCompute:
    """A Ray cluster. Made by `loading.open_compute`, which connects to it and closes it."""

    def __init__(self, ray: Any, options: ComputeOptions) -> None:
        self._ray = ray
        self._options = options
        self._lock = threading.Lock()
        self._models: dict[bytes, ModelActors] = {}  # by their factory
        self._users: Counter[bytes] = Counter()  # calls that use them now
        self.shared_files = options.shared_files

    def map_batches(
        self,
        frames: Iterable[pl.DataFrame],
        factory: Factory,
        *,
        model: bool = False,
        on_failure: Callable[[BatchError], None] | None = None,
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        """As `Compute.map_batches`.

        A model lives in actors that stay (`ray_actors`): it is loaded once per actor, however
        many calls ask for it. Other tasks are made anew for every batch, in processes that Ray
        keeps, with a window of batches at a time on the cluster.
        """
        if model:
            with self._actors_of(factory) as actors:
                yield from actors.map(frames, on_failure)
            return
        self._free_idle_models()
        for window in self._windows(frames):
            dataset = self._ray.data.from_arrow_refs(window).map_batches(
                partial(_do, factory=factory, attempts=self._options.attempts),
                batch_size=1,
                batch_format="pyarrow",
                num_cpus=1,
            )
            arrived = 0
            for row in self._rows(dataset):
                arrived += 1
                try:
                    frame = row.open()
                except BatchError as error:
                    if on_failure is None:
                        raise
                    on_failure(error)
                else:
                    yield row.place, frame
            _conserved(len(window), arrived, "batches")

    def close(self) -> None:
        """End the actors that hold models."""
        with self._lock:
            for actors in self._models.values():
                actors.close()
            self._models.clear()

    def shuffle(
        self, frames: Iterable[pl.DataFrame], key: str, decide: Task
    ) -> Iterator[pl.DataFrame]:
        """As `Compute.shuffle`; all rows are in the object store, which spills to disk."""
        self._free_idle_models()
        refs, given = [], 0
        for ref, frame in self._put(frames):
            refs.append(ref)
            given += frame.height
        if not refs:
            return
        count = self._options.partitions
        dataset = (
            self._ray.data.from_arrow_refs(refs)
            .map_batches(
                partial(_split, key=key, partitions=count), batch_size=1, batch_format="pyarrow"
            )
            .groupby("partition", num_partitions=count)
            .map_groups(
                partial(_decide, decide=decide, attempts=self._options.attempts),
                batch_format="pyarrow",
            )
        )
        decided = 0
        for row in self._rows(dataset):
            decided += row.height
            yield row.open()
        _conserved(given, decided, "rows")

    def _put(self, frames: Iterable[pl.DataFrame]) -> Iterator[tuple[Any, pl.DataFrame]]:
        for place, frame in enumerate(frames):
            yield self._ray.put(table([Row(place, pack(frame))])), frame

    def _windows(self, frames: Iterable[pl.DataFrame]) -> Iterator[list[Any]]:
        window: list[Any] = []
        size = 0
        for ref, frame in self._put(frames):
            window.append(ref)
            size += int(frame.estimated_size())
            if size >= self._options.window_mb << 20:
                yield window
                window, size = [], 0
        if window:
            yield window

    @contextmanager
    def _actors_of(self, factory: Factory) -> Iterator[ModelActors]:
        """The actors of a model, in use; those of other models make room where they are idle."""
        key = self._ray.cloudpickle.dumps(factory)
        with self._lock:
            actors = self._models.get(key)
            if actors is None:
                self._demand_room()
                self._close_idle_models()
                actors = ModelActors(self._ray, factory, self._options, self._room())
                self._models[key] = actors
            else:
                # Nodes may have come since, or come back.
                actors.grow(self._room())
            self._users[key] += 1
        try:
            yield actors
        finally:
            with self._lock:
                self._users[key] -= 1

    def _free_idle_models(self) -> None:
        """Give Ray Data the CPUs that models hold and nobody uses."""
        with self._lock:
            self._close_idle_models()

    def _close_idle_models(self) -> None:
        for key in [key for key in self._models if not self._users[key]]:
            self._models.pop(key).close()

    def _demand_room(self) -> None:
        """Refuse actors larger than the whole cluster."""
        room = self._ray.cluster_resources()
        options = self._options
        for name, wanted, field in (
            ("CPU", options.cpus_per_actor, "CPUS"),
            ("GPU", options.gpus_per_actor, "GPUS"),
        ):
            if wanted > room.get(name, 0.0):
                raise ComputeError(
                    f"An actor is to have {wanted:g} {name}s, and the cluster has "
                    f"{room.get(name, 0.0):g}: lower XPOLL_RAY__{field}_PER_ACTOR."
                )

    def _room(self) -> int:
        """How many actors with a model the cluster has room for, or the options allow."""
        room = self._ray.cluster_resources()
        options = self._options
        # One CPU stays free for Ray's own tasks.
        most = max(room.get("CPU", 0.0) - 1, 1.0) / options.cpus_per_actor
        if options.gpus_per_actor:
            most = min(most, room.get("GPU", 0.0) / options.gpus_per_actor)
        return max(min(int(most), options.actors or int(most)), 1)

    def _rows(self, dataset: Any) -> Iterator[Row]:
        try:
            for arrow in dataset.iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                yield from rows_of(arrow)
        except self._ray.exceptions.RayError as error:
            reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
            raise ComputeError(
                f"The Ray cluster could not finish the work ({reason.rstrip('.')}): look at its "
                "nodes and run again."
            ) from error


def _conserved(given: int, arrived: int, what: str) -> None:
    if given != arrived:
        raise ComputeError(
            f"The Ray cluster was given {given} {what} and gave back {arrived}: run again."
        )


def _do(arrow: Any, factory: Factory, attempts: int) -> Any:
    work = Attempts(factory, attempts)
    return table([_done(row, work) for row in rows_of(arrow)])


def _done(row: Row, work: Attempts) -> Row:
    try:
        return Row(row.place, pack(work(row.open(), row.place)))
    except BatchError as error:
        return failed(error)


def _split(arrow: Any, key: str, partitions: int) -> Any:
    return table([part for row in rows_of(arrow) for part in split_by_key(row, key, partitions)])


def _decide(arrow: Any, decide: Task, attempts: int) -> Any:
    rows = sorted(rows_of(arrow), key=lambda row: row.place)
    try:
        whole = pl.concat([row.open() for row in rows])
        decided = Attempts(lambda: decide, attempts)(whole, -1)
        return table([Row(-1, pack(decided), whole.height)])
    except BatchError as error:
        return table([failed(error)])
