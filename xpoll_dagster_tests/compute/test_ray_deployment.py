"""What lies in `deploy/` is valid for the versions installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from types import ModuleType

import dagster as dg
import pytest
import yaml
from dagster._config import process_config
from dagster._core.workspace.autodiscovery import loadable_targets_from_loaded_module

DEPLOY = Path(__file__).parents[2] / "deploy"

pytestmark = pytest.mark.skipif(not DEPLOY.is_dir(), reason="there is no checkout with deploy/")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DEPLOY / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_cluster_has_the_ray_that_is_installed_and_a_token():
    cluster = yaml.safe_load((DEPLOY / "raycluster.yaml").read_text())["spec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["rayStartParams"]["disable-usage-stats"] == "true"
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    assert cluster["rayVersion"] == importlib.metadata.version("ray")


def test_the_instance_for_kubernetes_is_valid(monkeypatch: pytest.MonkeyPatch):
    kubernetes = pytest.importorskip("dagster_k8s", reason="dagster-k8s is not installed")
    instance = yaml.safe_load((DEPLOY / "dagster-k8s.yaml").read_text())
    monkeypatch.setenv("XPOLL_POSTGRES_URL", "postgresql://nobody@127.0.0.1/none")
    from dagster._core.instance.config import dagster_instance_config_schema

    for schema, config in (
        (dagster_instance_config_schema(), instance),
        (kubernetes.K8sRunLauncher.config_type(), instance["run_launcher"]["config"]),
    ):
        checked = process_config(dg.Field(schema).config_type, config)
        assert checked.success, checked.errors


@pytest.mark.parametrize(
    ("module", "package", "executor"),
    [
        ("steps_on_kubernetes", "dagster_k8s", "k8s_job_executor"),
        ("steps_on_ray", "dagster_ray", "ray_executor"),
    ],
)
def test_steps_elsewhere_load(
    module: str, package: str, executor: str, monkeypatch: pytest.MonkeyPatch
):
    found = pytest.importorskip(package, reason=f"{package.replace('_', '-')} is not installed")
    monkeypatch.setenv("RAY_DASHBOARD_ADDRESS", "http://127.0.0.1:8265")
    loaded = load(module)
    # As `dagster-webserver -m` looks for them: one set of definitions to a module.
    assert [target.attribute for target in loadable_targets_from_loaded_module(loaded)] == ["defs"]
    definitions = loaded.defs()
    dg.Definitions.validate_loadable(definitions)
    assert isinstance(definitions.executor, dg.ExecutorDefinition)
    schema = getattr(found, executor).config_schema.config_type
    checked = process_config(schema, loaded.CONFIG)
    assert checked.success, checked.errors
