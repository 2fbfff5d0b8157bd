"""Actors that hold a model each and stay: batches come and go, the model is loaded once.

Ray Data's own actors end with each pipeline, so that a model would be loaded anew for every
batch that an author gives (a style of one book, say). These stay until the cluster is let go
or another model needs their place. Each is driven by a thread of this process, which gives it
one batch after the other and sees to another actor where it dies.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from xpoll_dagster.compute.attempts import Attempts
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import BatchError, ComputeError, Factory
from xpoll_dagster.compute.ray_frames import Row, failed, pack

log = logging.getLogger(__name__)

_LOOK_S = 0.5  # between two looks at whether the work was ended meanwhile
_LET_GO = "The Ray cluster was let go before the work was done: run again."


@dataclass(slots=True)
class _Job:
    row: Row
    result: Future[Row] = field(default_factory=Future)
    deaths: int = 0


class ModelActors:
    """A pool of actors of one model.

    Args:
        ray: The module, connected.
        factory: Makes the task (and loads its model), in each actor.
        options: CPUs and GPUs of an actor, attempts, how long to wait for the first one.
        count: How many; more can be added (`grow`).
    """

    def __init__(self, ray: Any, factory: Factory, options: ComputeOptions, count: int) -> None:
        self._ray = ray
        self._factory = factory
        self._options = options
        self._actor = ray.remote(_Actor).options(
            num_cpus=options.cpus_per_actor,
            num_gpus=options.gpus_per_actor or None,
            max_restarts=0,
            scheduling_strategy="SPREAD",
        )
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._alive = 0
        self._last_alive = time.monotonic()
        self._refused = 0  # starts that failed since one succeeded
        self._reason = ""
        self._threads: list[threading.Thread] = []
        self.grow(count)

    @property
    def count(self) -> int:
        """How many actors there are or shall be."""
        return len(self._threads)

    def grow(self, count: int) -> None:
        """Add actors until there are so many, for a cluster that has more room than before.

        A cluster with less needs nothing: whose actor has no node waits for one, and the others
        do its batches. Not to be called by several threads at once, nor after `close`.
        """
        for number in range(self.count, count):
            thread = threading.Thread(target=self._drive, name=f"ray-actor-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def map(
        self, frames: Iterable[pl.DataFrame], on_failure: Callable[[BatchError], None] | None
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        """As `Compute.map_batches`; several threads may do so at once.

        Twice as many batches as there are actors are taken at a time. After a failure that
        ends the work, what is under way is still given.
        """
        waiting: dict[Future[Row], _Job] = {}
        source = enumerate(frames)
        failure: BatchError | None = None
        try:
            while True:
                while failure is None and len(waiting) < 2 * self.count:
                    given = next(source, None)
                    if given is None:
                        break
                    job = _Job(Row(given[0], pack(given[1])))
                    waiting[job.result] = job
                    self._jobs.put(job)
                if not waiting:
                    break
                for result in self._finished(waiting):
                    del waiting[result]
                    if result.cancelled():
                        continue
                    row = result.result()
                    try:
                        frame = row.open()
                    except BatchError as error:
                        if on_failure is not None:
                            on_failure(error)
                        elif failure is None:
                            failure = error
                            for other in waiting:
                                other.cancel()  # those that no actor has taken yet
                        continue
                    yield row.place, frame
            if failure is not None:
                raise failure
        finally:
            for result in waiting:
                result.cancel()

    def _finished(self, waiting: Iterable[Future[Row]]) -> set[Future[Row]]:
        while True:
            done, _ = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            if done:
                return done
            if self._closed.is_set():
                raise ComputeError(_LET_GO)
            if self._alive:
                continue
            if self._refused >= self._options.attempts * self.count:
                raise ComputeError(
                    f"The Ray cluster could not start an actor ({self._reason}): its nodes need "
                    "this package, with the versions of this machine."
                )
            idle = time.monotonic() - self._last_alive
            if idle > self._options.actor_seconds:
                raise ComputeError(
                    f"The Ray cluster had no room for an actor within {idle:.0f} seconds: look at "
                    "its nodes and at what else runs there, or lower XPOLL_RAY__CPUS_PER_ACTOR or "
                    "XPOLL_RAY__GPUS_PER_ACTOR."
                )

    def close(self) -> None:
        """End the actors; what is under way is lost."""
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    # -- one thread for each actor -------------------------------------------------------

    def _drive(self) -> None:
        actor: Any = None
        while not self._closed.is_set():
            if actor is None:
                actor = self._started()
                continue
            job = self._jobs.get()
            if job is None:
                break
            # One that died while it had nothing to do is no batch's fault.
            if not self._is_up(actor):
                self._jobs.put(job)
                self._ended()
                actor = None
                continue
            if not job.result.running() and not job.result.set_running_or_notify_cancel():
                continue
            if not self._do(actor, job):
                actor = None
        if actor is not None:
            self._ended()
            self._ray.kill(actor)

    def _started(self) -> Any:
        """An actor that is up, or None where it could not be started or the pool was closed."""
        try:
            actor = self._actor.remote(self._factory, self._options.attempts)
            up = self._answers(actor)
        except Exception as error:  # noqa: BLE001 - told when nobody could be started
            with self._lock:
                self._refused += 1
                self._reason = _line(error, -1)
            self._closed.wait(1.0)
            return None
        if not up:
            self._ray.kill(actor)
            return None
        with self._lock:
            self._alive += 1
            self._refused = 0
        return actor

    def _is_up(self, actor: Any) -> bool:
        try:
            return self._answers(actor)
        except self._ray.exceptions.RayError:
            return False

    def _answers(self, actor: Any) -> bool:
        """Wait until an actor answers; False where the pool was closed. Raises what Ray does."""
        answer = actor.__ray_ready__.remote()
        while not self._ray.wait([answer], timeout=_LOOK_S)[0]:
            if self._closed.is_set():
                return False
        self._ray.get(answer)
        return True

    def _ended(self) -> None:
        with self._lock:
            self._alive -= 1
            self._last_alive = time.monotonic()

    def _do(self, actor: Any, job: _Job) -> bool:
        """Have a batch done; False where the actor is no more."""
        try:
            result = actor.do.remote(job.row)
            while not self._ray.wait([result], timeout=_LOOK_S)[0]:
                if self._closed.is_set():
                    job.result.set_exception(ComputeError(_LET_GO))
                    return True
            job.result.set_result(self._ray.get(result))
        except self._ray.exceptions.RayTaskError as error:
            # Our own code catches what the task raises, so this is about the journey.
            job.result.set_result(
                failed(BatchError(_line(error), kind=type(error).__name__, place=job.row.place))
            )
        except self._ray.exceptions.RayError as error:
            self._ended()
            job.deaths += 1
            if job.deaths < self._options.attempts:
                log.warning("An actor died; its batch is done again: %s", _line(error))
                self._jobs.put(job)
            else:
                message = f"The actors that worked on it died {job.deaths} times ({_line(error)})."
                job.result.set_result(
                    failed(BatchError(message, kind=type(error).__name__, place=job.row.place))
                )
            return False
        except Exception as error:  # noqa: BLE001 - whoever waits for the batch is told
            job.result.set_exception(error)
        return True


class _Actor:
    def __init__(self, factory: Factory, attempts: int) -> None:
        self._work = Attempts(factory, attempts)

    def do(self, row: Row) -> Row:
        """The result of a batch, or what became of it."""
        try:
            return Row(row.place, pack(self._work(row.open(), row.place)))
        except BatchError as error:
            return failed(error)


def _line(error: BaseException, which: int = 0) -> str:
    """A line of what Ray says: the first tells that something died, the last of a trace why."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[which].strip().rstrip(".:")
