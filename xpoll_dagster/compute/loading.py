"""The compute that the options name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xpoll_dagster.compute.local import LocalCompute
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import Compute


@contextmanager
def open_compute(options: ComputeOptions | None = None) -> Iterator[Compute]:
    """What the options name: this process, or a Ray cluster, connected while the block runs.

    Raises:
        ComputeError: Ray is not installed, or no cluster answers.
    """
    options = options or ComputeOptions()
    if options.kind == "local":
        yield LocalCompute(options)
        return
    from xpoll_dagster.compute.ray_cluster import ray_cluster
    from xpoll_dagster.compute.ray_compute import RayCompute

    with ray_cluster(options) as ray:
        yield RayCompute(ray, options)
