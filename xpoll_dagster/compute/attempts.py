"""A task that is made when it is first needed, and tried again where it fails."""

from __future__ import annotations

import logging

import polars as pl

from xpoll_dagster.compute.protocol import BatchError, Factory, Task

log = logging.getLogger(__name__)


class Attempts:
    """Calls what a factory makes, up to `attempts` times a batch.

    Making the task counts as part of the first attempt: a model that cannot be loaded fails
    the batch with its own message.
    """

    def __init__(self, factory: Factory, attempts: int) -> None:
        self._factory = factory
        self._attempts = attempts
        self._task: Task | None = None

    def __call__(self, frame: pl.DataFrame, place: int) -> pl.DataFrame:
        """The result for batch number `place`.

        Raises:
            BatchError: All attempts failed.
        """
        for attempt in range(1, self._attempts + 1):
            try:
                if self._task is None:
                    self._task = self._factory()
                return self._task(frame)
            except Exception as error:
                if attempt == self._attempts:
                    message = str(error) or type(error).__name__
                    raise BatchError(message, kind=type(error).__name__, place=place) from error
                log.warning("Batch %d failed and is tried again: %s", place, error)
        raise AssertionError("a batch has at least one attempt")


def partition_of(keys: pl.Series, partitions: int) -> pl.Series:
    """The partition of each key: its remainder."""
    return keys % partitions
