"""What heavy batches are asked of: frames in, frames out, wherever the work is done.

A batch is a Polars frame and what is done with it a function from frame to frame, so that a
batch can travel. Neither this process nor a cluster is seen in the result: both give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import polars as pl

Task = Callable[[pl.DataFrame], pl.DataFrame]
"""What is done with one batch. It must depend on nothing but the batch."""

Factory = Callable[[], Task]
"""Makes a task, once in each worker: this is where a model is loaded.

It travels to the workers, so it is a function of a module, or a `functools.partial` of one,
with arguments that can be pickled.
"""


class ComputeError(Exception):
    """There is nothing to compute on; the message is one sentence that says what to do."""


class BatchError(Exception):
    """A batch failed as often as it was tried.

    The message is that of the last failure; `kind` is the class of its exception, `place` the
    number of the batch (-1 for a partition of a shuffle).
    """

    def __init__(self, message: str, *, kind: str, place: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.place = place


class Compute(Protocol):
    """Where heavy batches run."""

    @property
    def shared_files(self) -> bool:
        """Whether the workers see this process's files at the same paths."""
        ...

    def map_batches(
        self,
        frames: Iterable[pl.DataFrame],
        factory: Factory,
        *,
        model: bool = False,
        on_failure: Callable[[BatchError], None] | None = None,
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        """Do the same with every batch.

        Threads may do so at once.

        Args:
            frames: The batches; taken as there is room for them, not all at once.
            factory: Makes the task in each worker.
            model: Whether the task holds a model: then it gets the CPUs and GPUs that the
                options give to one, and stays loaded for calls with an equal factory. Other
                tasks get a CPU each.
            on_failure: Told of each batch that failed as often as it was tried, while the
                others go on; without it the first failure ends the work.

        Yields:
            The number of a batch, counted from 0, and its result, as they are finished: in any
            order, each once.

        Raises:
            BatchError: A batch failed as often as it was tried, and there is no `on_failure`.
                What was yielded stands.
            ComputeError: The cluster is gone.
        """
        ...

    def shuffle(
        self, frames: Iterable[pl.DataFrame], key: str, decide: Task
    ) -> Iterator[pl.DataFrame]:
        """Bring rows of equal keys together, wherever they come from, and decide on them.

        Args:
            frames: Frames of one schema.
            key: A column of unsigned integers whose values are spread evenly (hashes). Rows of
                equal keys come into the same partition.
            decide: Called once for each partition with all its rows, in the order in which
                they were given.

        Yields:
            What was decided, partition by partition, in any order.

        Raises:
            BatchError: A partition failed as often as it was tried.
            ComputeError: The cluster is gone.
        """
        ...


def in_order(results: Iterable[tuple[int, pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """Results of `map_batches` in the order of the batches; early ones wait in memory."""
    waiting: dict[int, pl.DataFrame] = {}
    due = 0
    for place, frame in results:
        waiting[place] = frame
        while due in waiting:
            yield waiting.pop(due)
            due += 1
