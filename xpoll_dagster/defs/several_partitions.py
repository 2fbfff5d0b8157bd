"""Several partitions of one run: one model loaded for all, and one broken book stops no other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.materialization import Built, Order, described
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.storage import Artifact, fingerprint

DATA_VERSION_TAG = "dagster/data_version"

# A backfill of assets that load a model, or work on two partitions at once, takes so many a run.
MANY_PARTITIONS_A_RUN = dg.BackfillPolicy.multi_run(max_partitions_per_run=32)

ManyResults = Iterator[dg.MaterializeResult | dg.AssetMaterialization]

BuildMany = Callable[[Iterator[str]], Iterator[tuple[str, Built | Exception]]]
"""Builds partitions: takes the keys of those that do not stand, as it has room for them, and
gives each with what was built or why it failed, in any order."""


def materialise_each(
    context: dg.AssetExecutionContext,
    project: Project,
    build: BuildMany,
    describe: Callable[[Path], Mapping[str, Any]] | None = None,
) -> ManyResults:
    """As `materialise`, for every partition of the run.

    Each artifact is put in place as soon as it is given, so a run that is broken off costs only
    what was under way. One partition that fails does not keep the others from
    being built: the step fails at the end with the sentences of all that failed, and those
    that were built are recorded as such. In a run of several partitions all of them get one
    data version, of their contents together. An error that `build` itself raises is that of
    every partition that it has not given.
    """
    run = _Run(context, project, describe)
    try:
        for key, built in build(run.to_build()):
            run.finish(key, built)
        run.fail_the_rest(RuntimeError("nothing was built"))
    except Exception as error:  # noqa: BLE001 - of all that are left, each of which keeps it
        run.fail_the_rest(error)
    return run.results()


def one_by_one(build: Callable[[str], Built]) -> BuildMany:
    """Each partition by itself, in this thread."""

    def build_all(keys: Iterator[str]) -> Iterator[tuple[str, Built | Exception]]:
        for key in keys:
            yield key, _tried(build, key)

    return build_all


def several_at_once(build: Callable[[str], Built], at_once: int) -> BuildMany:
    """So many partitions at the same time, each in a thread: for work that waits for others."""
    if at_once == 1:
        return one_by_one(build)

    def build_all(keys: Iterator[str]) -> Iterator[tuple[str, Built | Exception]]:
        under_way: dict[Future[Built | Exception], str] = {}
        pool = ThreadPoolExecutor(at_once, thread_name_prefix="partition")
        try:
            while True:
                for key in itertools.islice(keys, at_once - len(under_way)):
                    under_way[pool.submit(_tried, build, key)] = key
                if not under_way:
                    return
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield under_way.pop(future), future.result()
        finally:
            # After an interrupt nobody waits: what the threads wait for is ended by its owner.
            pool.shutdown(wait=False, cancel_futures=True)

    return build_all


def _tried(build: Callable[[str], Built], key: str) -> Built | Exception:
    try:
        return build(key)
    except Exception as error:  # noqa: BLE001 - it is that of one partition
        return error


@dataclass(slots=True)
class _Run:
    context: dg.AssetExecutionContext
    project: Project
    describe: Callable[[Path], Mapping[str, Any]] | None
    keys: list[str] = field(init=False)
    _left: Iterator[str] = field(init=False)
    _orders: dict[str, Order] = field(default_factory=dict)  # of partitions under way
    _done: dict[str, tuple[Artifact, bool]] = field(default_factory=dict)  # and: built anew
    _failed: dict[str, Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = list(self.context.partition_keys)
        self._left = iter(self.keys)

    def to_build(self) -> Iterator[str]:
        """Keys of partitions that do not stand; their inputs are looked at as they are taken."""
        step = STEPS[self.context.asset_key.path[-1]]
        for key in self._left:
            if len(self.keys) > 1:
                number = self.keys.index(key) + 1
                self.context.log.info("%s of %s: %s", number, len(self.keys), key)
            order = self._orders[key] = Order(self.context, self.project, step, key)
            try:
                standing = order.standing()
            except Exception as error:  # noqa: BLE001 - of this partition alone
                self.finish(key, error)
                continue
            if standing is None:
                yield key
            else:
                del self._orders[key]
                self._done[key] = (standing, False)

    def finish(self, key: str, built: Built | Exception) -> None:
        """Put a partition in place, or keep why there is none."""
        order = self._orders.pop(key)
        try:
            if isinstance(built, Exception):
                raise built
            self._done[key] = (order.put(built), True)
        except Exception as error:
            self._failed[key] = failure = order.failed(error)
            if not isinstance(failure, dg.Failure):
                self.context.log.error("%s failed", key, exc_info=failure)

    def fail_the_rest(self, error: Exception) -> None:
        """Nothing more can be built; partitions that stand do so all the same."""
        for key in [*self._orders, *self.to_build()]:
            self.finish(key, error)

    def results(self) -> ManyResults:
        """What Dagster is told."""
        if len(self.keys) == 1:
            for error in self._failed.values():
                raise error
            for artifact, built_anew in self._done.values():
                yield dg.MaterializeResult(
                    data_version=dg.DataVersion(artifact.content_hash),
                    metadata=self._described(artifact, built_anew),
                )
            return
        done = {key: self._done[key] for key in self.keys if key in self._done}
        if self._failed:
            for key, (artifact, built_anew) in done.items():
                yield dg.AssetMaterialization(
                    self.context.asset_key,
                    metadata=self._described(artifact, built_anew),
                    partition=key,
                    tags={DATA_VERSION_TAG: artifact.content_hash},
                )
            sentences = "\n".join(
                f"{key}: {_sentence(self._failed[key])}" for key in self.keys if key in self._failed
            )
            raise dg.Failure(
                f"{len(self._failed)} of {len(self.keys)} partitions failed.\n{sentences}",
                allow_retries=False,
            )
        for key, (artifact, built_anew) in done.items():
            self.context.add_asset_metadata(
                self._described(artifact, built_anew), partition_key=key
            )
        contents = {key: artifact.content_hash for key, (artifact, _) in done.items()}
        yield dg.MaterializeResult(data_version=dg.DataVersion(fingerprint(contents)))

    def _described(self, artifact: Artifact, built_anew: bool) -> dict[str, Any]:  # noqa: FBT001
        return dict(described(artifact, self.describe, built_anew=built_anew))


def _sentence(error: Exception) -> str:
    if isinstance(error, dg.Failure):
        return error.description or "failed"
    return f"Unexpected {type(error).__name__}: {error}"
