"""xpoll's definitions with every step in a pod of its own (Dagster's k8s executor).

`dagster-webserver -m deploy.steps_on_kubernetes`, with `dagster-k8s` installed and the instance
of `deploy/dagster-k8s.yaml`. Steps share the data folder through a volume.
"""

from __future__ import annotations

import dagster as dg
from dagster_k8s import k8s_job_executor

from xpoll_dagster import definitions as xpoll

CONFIG = {
    "job_image": "registry.example.com/xpoll:latest",
    "max_concurrent": 8,
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "xpoll-data"}}],
    "volume_mounts": [{"name": "data", "mountPath": "/data"}],
    "env_vars": ["XPOLL_DATA_DIR=/data"],
    "step_k8s_config": {
        "container_config": {
            "resources": {
                "requests": {"cpu": "2", "memory": "8Gi"},
                "limits": {"memory": "16Gi"},
            }
        }
    },
    # One line for each asset that needs a GPU, by the name of its step.
    "per_step_k8s_config": {
        "chunk_embeddings": {
            "container_config": {"resources": {"limits": {"nvidia.com/gpu": "1"}}},
        }
    },
}
IN_PODS = k8s_job_executor.configured(CONFIG)


@dg.definitions
def defs() -> dg.Definitions:
    """The whole project, its steps in pods."""
    return dg.Definitions.merge(xpoll.defs(), dg.Definitions(executor=IN_PODS))
