"""The compute that the options name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import Compute


@contextmanager
def open_compute(options: ComputeOptions | None = None) -> Iterator[Compute]:
    """What the options name: this process, or a Ray cluster, connected while the block runs.

    Inside `keep_compute` the cluster stays connected for the next block.

    Raises:
        ComputeError: Ray is not installed, or no cluster answers.
    """
    options = options or ComputeOptions()
    if options.kind == "local":
        yield LocalCompute(options)
    elif (kept := _kept) is not None and kept.options == options:
        yield kept.compute()
    else:
        with _connected(options) as compute:
            yield compute


@contextmanager
def keep_compute(options: ComputeOptions) -> Iterator[None]:
    """Let what `open_compute` opens with these options stay open for the whole block.

    One connection then serves many steps of this process, and models stay loaded between
    them. Nothing is opened before it is asked for. Inside a block that keeps the same, nothing
    changes.
    """
    global _kept  # noqa: PLW0603 - as the process has one connection to Ray
    before = _kept
    if before is not None and before.options == options:
        yield
        return
    with ExitStack() as stack:
        _kept = _Kept(options, stack)
        try:
            yield
        finally:
            _kept = before


@dataclass(slots=True)
class _Kept:
    options: ComputeOptions
    stack: ExitStack
    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: Compute | None = None

    def compute(self) -> Compute:
        with self.lock:
            if self.opened is None:
                self.opened = self.stack.enter_context(_connected(self.options))
            return self.opened


_kept: _Kept | None = None


@contextmanager
def _connected(options: ComputeOptions) -> Iterator[Compute]:
    from xpoll_dagster.compute.ray_cluster import ray_cluster
    from xpoll_dagster.compute.ray_compute import RayCompute

    with ray_cluster(options) as ray:
        compute = RayCompute(ray, options)
        try:
            yield compute
        finally:
            compute.close()
