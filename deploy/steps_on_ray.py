"""xpoll's definitions with every step a Ray job (`dagster-ray`'s executor).

For steps that must leave the box as a whole; batches leave it without this (XPOLL_COMPUTE).
`dagster-webserver -m deploy.steps_on_ray`, with `dagster-ray` installed. The cluster's nodes need
this code, the data folder at the same path and, if there is more than one, Postgres for
Dagster's storage. Dagster submits jobs over the dashboard's port of the cluster's head, so that
cluster needs its dashboard, on an address that nobody else reaches.

CPUs and GPUs belong on an asset, `op_tags={"dagster-ray/config": {"num_gpus": 1}}`: values given
to the executor outrank those of every asset.
"""

from __future__ import annotations

import dagster as dg
from dagster_ray import ray_executor

from xpoll_dagster.definitions import defs as xpoll

CONFIG = {"ray": {"address": {"env": "RAY_DASHBOARD_ADDRESS"}}}
ON_RAY = ray_executor.configured(CONFIG)


@dg.definitions
def defs() -> dg.Definitions:
    """The whole project, its steps on Ray."""
    return dg.Definitions.merge(xpoll(), dg.Definitions(executor=ON_RAY))
