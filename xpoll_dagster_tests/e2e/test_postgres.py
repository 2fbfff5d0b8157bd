"""Runs, events and partitions in Postgres: one variable, and nothing is left in SQLite."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xpoll_dagster_tests.e2e.postgres_cluster import PASSWORD, Cluster, running_cluster

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLES = CHECKOUT / "data" / "books"
XPOLL = [sys.executable, "-m", "xpoll_dagster.cli"]
BOOKS = {"astronomy--measuring-the-heavens", "history--ships-books-and-states"}

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

pytest.importorskip("dagster_postgres", reason="dagster-postgres is not installed")


def _environment(data: Path, url: str | None) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DAGSTER_HOME", "XPOLL_POSTGRES_URL"}
    }
    kept |= {"XPOLL_DATA_DIR": str(data), "COLUMNS": "200"}
    return kept if url is None else {**kept, "XPOLL_POSTGRES_URL": url}


def _xpoll(data: Path, url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*XPOLL, *arguments],
        env=_environment(data, url),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as started:
        yield started


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    for domain in ("astronomy", "history"):
        shutil.copytree(SAMPLES / domain, folder / "books" / domain)
    return folder


@pytest.fixture(scope="module")
def built(data: Path, cluster: Cluster) -> subprocess.CompletedProcess[str]:
    return _xpoll(data, cluster.url(), "build")


def _rows(cluster: Cluster, query: str) -> list[tuple[Any, ...]]:
    import psycopg2

    connection = psycopg2.connect(cluster.url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


def test_runs_events_and_partitions_lie_in_postgres_and_nowhere_else(
    built: subprocess.CompletedProcess[str], data: Path, cluster: Cluster
) -> None:
    assert built.returncode == 0, built.stdout + built.stderr
    runs = _rows(cluster, "select pipeline_name, status from runs")
    assert {status for _, status in runs} == {"SUCCESS"}
    assert {"books_job", "linking_job", "sft_job"} <= {name for name, _ in runs}
    partitions = _rows(
        cluster, "select partition from dynamic_partitions where partitions_def_name = 'books'"
    )
    assert {key for (key,) in partitions} == BOOKS
    made = _rows(
        cluster,
        "select distinct partition from event_logs where dagster_event_type = "
        "'ASSET_MATERIALIZATION' and asset_key = '[\"chunks\"]'",
    )
    assert {key for (key,) in made} == BOOKS
    assert [file for file in (data / ".dagster").rglob("*") if ".db" in file.name] == []


def test_the_password_is_written_nowhere(
    built: subprocess.CompletedProcess[str], data: Path, cluster: Cluster
) -> None:
    assert built.returncode == 0
    secrets = (PASSWORD, "Geheim%40%2Fnis")
    said = built.stdout + built.stderr + _xpoll(data, cluster.url(), "settings").stdout
    for file in (data / ".dagster").rglob("*"):
        if file.is_file():
            said += file.read_text(encoding="utf-8", errors="replace")
    said += json.dumps(_rows(cluster, "select event from event_logs"))
    assert "XPOLL_POSTGRES_URL" in said
    assert not [secret for secret in secrets if secret in said]


def test_the_ui_reads_postgres(
    built: subprocess.CompletedProcess[str], data: Path, cluster: Cluster
) -> None:
    assert built.returncode == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = data / "dev.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*XPOLL, "dev", "--port", str(port)],
            env=_environment(data, cluster.url()),
            cwd=CHECKOUT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        query = """{
          runsOrError(limit: 5) { ... on Runs { results { jobName status } } }
          assetNodes { assetKey { path } partitionStats { numMaterialized } }
          instance { info }
        }"""
        said = _ask(port, query, server, log)
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(30)
    assert [run["status"] for run in said["runsOrError"]["results"]] == ["SUCCESS"] * 5
    stats = {node["assetKey"]["path"][-1]: node["partitionStats"] for node in said["assetNodes"]}
    assert stats["chunks"] == {"numMaterialized": len(BOOKS)}
    assert PASSWORD not in json.dumps(said) + log.read_text(encoding="utf-8")


def _ask(port: int, query: str, server: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                said = json.load(answer)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(1)
            continue
        assert "errors" not in said, said
        if said["data"]["assetNodes"]:
            return said["data"]
        time.sleep(1)
    pytest.fail(f"The UI did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def test_a_history_is_not_split_by_forgetting_the_variable(
    built: subprocess.CompletedProcess[str], data: Path
) -> None:
    assert built.returncode == 0
    said = _xpoll(data, None, "build")
    assert said.returncode == 1
    assert "kept in Postgres: set XPOLL_POSTGRES_URL" in said.stdout
    assert "Traceback" not in said.stdout + said.stderr


def test_what_stood_before_the_switch_is_not_built_again(
    cluster: Cluster, tmp_path: Path, data: Path, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0
    shutil.copytree(data / "books", tmp_path / "books")
    shutil.copytree(data / "artifacts", tmp_path / "artifacts")
    said = _xpoll(tmp_path, cluster.url(), "build")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "Building" not in said.stdout
    assert "Reading" not in said.stdout


@pytest.mark.parametrize("command", ["build", "dev"])
def test_a_wrong_address_is_one_sentence_without_the_password(
    command: str, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "books").mkdir()
    for url, sentence in (
        (cluster.url("hunter2@"), "password authentication failed"),
        (cluster.url("hunter2@", "nowhere"), "password authentication failed"),
        (cluster.url(database="nowhere"), 'database "nowhere" does not exist'),
        ("postgresql://me:hunter2%40@127.0.0.1:1/runs", "Connection refused"),
        ("postgresql://me:hunter2@@127.0.0.1:1/runs", "as %40 and %2F"),
        ("mysql://me:hunter2@127.0.0.1/runs", "no address of a Postgres database"),
        ("hunter2", "no address of a database"),
    ):
        said = _xpoll(tmp_path, url, command)
        shown = said.stdout + said.stderr
        assert said.returncode == 1, shown
        assert sentence in said.stdout, shown
        assert "hunter2" not in shown
        assert PASSWORD not in shown
        assert "Traceback" not in shown
        assert len(said.stdout.strip().splitlines()) == 1
