"""Batches done in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import polars as pl

from xpoll_dagster.compute.attempts import Attempts, partition_of
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import BatchError, Factory, Task


class LocalCompute:
    """The process that asks. Nothing is imported, started or copied."""

    shared_files = True

    def __init__(self, options: ComputeOptions | None = None) -> None:
        self._options = options or ComputeOptions()

    def map_batches(
        self,
        frames: Iterable[pl.DataFrame],
        factory: Factory,
        *,
        model: bool = False,
        on_failure: Callable[[BatchError], None] | None = None,
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        """As `Compute.map_batches`; the batches come in order, each taken when it is due."""
        del model  # there is but one worker
        work = Attempts(factory, self._options.attempts)
        for place, frame in enumerate(frames):
            try:
                result = work(frame, place)
            except BatchError as error:
                if on_failure is None:
                    raise
                on_failure(error)
            else:
                yield place, result

    def shuffle(
        self, frames: Iterable[pl.DataFrame], key: str, decide: Task
    ) -> Iterator[pl.DataFrame]:
        """As `Compute.shuffle`; all rows are in memory."""
        count = self._options.partitions
        parts: list[list[pl.DataFrame]] = [[] for _ in range(count)]
        for frame in frames:
            number = partition_of(frame[key], count)
            for partition in number.unique():
                parts[partition].append(frame.filter(number == partition))
        work = Attempts(lambda: decide, self._options.attempts)
        for part in parts:
            if part:
                yield work(pl.concat(part), -1)
