"""xpoll's definitions with every step a Ray job (`dagster-ray`'s executor).

For steps that must leave the box as a whole; batches leave it without this (XPOLL_COMPUTE).
`dagster-webserver -m deploy.steps_on_ray`, with the extra `ray-steps` installed. The cluster's
nodes need this code at the same path, its `dagster` on their PATH, the data (a shared folder at
the same path, or an object store) and, if there is more than one, Postgres for Dagster's storage.
Dagster submits jobs over the dashboard's port of the cluster's head (RAY_DASHBOARD_ADDRESS), so
that cluster needs its dashboard, on an address that nobody else reaches.

Settings travel with each job, or steps would find every artifact stale. Secrets do not: Ray shows
a job's environment to whoever may see the dashboard. Set those on the nodes.

CPUs and GPUs belong on an asset, `op_tags={"dagster-ray/config": {"num_gpus": 1}}`: values given
to the executor outrank those of every asset.
"""

from __future__ import annotations

import os

import dagster as dg
from dagster_ray import ray_executor
from pydantic import SecretStr

from xpoll_dagster import definitions as xpoll
from xpoll_dagster.settings import Settings


def settings_that_travel() -> list[str]:
    """Names of the variables that steps must see, of those that are set here."""
    secret = {
        f"XPOLL_{name}".upper()
        for name, field in Settings.model_fields.items()
        if field.annotation is SecretStr
    }
    return sorted(
        name
        for name, value in os.environ.items()
        if name in {"DAGSTER_HOME", "RAY_DASHBOARD_ADDRESS"}
        # An address with a password in it, like a key, is set on the nodes.
        or (name.startswith("XPOLL_") and name not in secret and "@" not in value)
    )


CONFIG = {
    "ray": {
        "address": {"env": "RAY_DASHBOARD_ADDRESS"},
        "env_vars": settings_that_travel(),
    }
}
ON_RAY = ray_executor.configured(CONFIG)


@dg.definitions
def defs() -> dg.Definitions:
    """The whole project, its steps on Ray."""
    return dg.Definitions.merge(xpoll.defs(), dg.Definitions(executor=ON_RAY))
