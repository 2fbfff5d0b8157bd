"""Whole steps elsewhere: a book's chain through `deploy/steps_on_ray.py`, each step a Ray job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from xpoll_dagster_tests.compute.ray_nodes import head_that_takes_jobs

CHECKOUT = Path(__file__).resolve().parents[2]
BOOK = "history--ships-books-and-states"
CHAIN = ("book_pages", "chunks")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (CHECKOUT / "deploy").is_dir(), reason="there is no checkout with deploy/"
    ),
]

pytest.importorskip("dagster_ray", reason="dagster-ray is not installed (extra `ray-steps`)")


def _run(
    arguments: list[str], environment: dict[str, str], timeout: float = 700
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def test_each_step_of_a_book_is_a_ray_job_and_its_artifact_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.job_submission import JobSubmissionClient

    shutil.copytree(CHECKOUT / "data" / "books" / "history", tmp_path / "books" / "history")
    home = tmp_path / ".dagster"
    home.mkdir()
    shutil.copy(CHECKOUT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_dynamic_partitions("books", [BOOK])
    # The step's command is `dagster`, as the node finds it.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    with head_that_takes_jobs() as head:
        environment = os.environ | {
            "XPOLL_DATA_DIR": str(tmp_path),
            "XPOLL_CHUNKING__TARGET_TOKENS": "150",
            "XPOLL_OPENAI_API_KEY": "sk-very-secret",
            "DAGSTER_HOME": str(home),
            "RAY_DASHBOARD_ADDRESS": head.jobs_address,
            "COLUMNS": "200",
        }
        selected = ["--select", ",".join(CHAIN), "--partition", BOOK]
        ran = _run(
            ["dagster", "asset", "materialize", "-m", "deploy.steps_on_ray", *selected], environment
        )
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-6000:]
        client = JobSubmissionClient(head.jobs_address)
        # A step is over when its event says so, a moment before its job's process has ended.
        deadline = time.monotonic() + 60
        jobs = client.list_jobs()
        while not all(job.status.is_terminal() for job in jobs) and time.monotonic() < deadline:
            time.sleep(0.5)
            jobs = client.list_jobs()
        steps = {(job.metadata or {}).get("dagster/op"): str(job.status) for job in jobs}
        assert set(CHAIN) <= set(steps)  # and one for each of their checks
        assert set(steps.values()) == {"SUCCEEDED"}
        assert "sk-very-secret" not in repr(jobs)
    # The settings of the control plane were those of the steps: nothing is stale to it.
    status = _run(["xpoll_dagster.cli", "status"], environment)
    for asset in CHAIN:
        assert (tmp_path / "artifacts" / asset / f"{BOOK}.parquet").exists()
        assert not [line for line in status.stdout.splitlines() if line.startswith(f"{asset} ")]
