"""Builds that are killed at random moments, and what is found right after and at the end."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import polars as pl

from xpoll_dagster.storage import hash_tree
from xpoll_dagster_tests.e2e.processes import kill_all, processes_of

CHECKOUT = Path(__file__).resolve().parents[2]
XPOLL = [sys.executable, "-m", "xpoll_dagster.cli"]

How = Literal["parent", "all"]
"""Whether only the build's own process is killed, or every process below it too."""

_ORPHANS_SECONDS = 30.0


@dataclass(slots=True)
class Kill:
    """One kill: when and how, what stood then, and what was wrong right after."""

    seconds: float
    how: How
    stood: dict[str, dict[str, Any]]
    processes: int
    orphans: int = 0
    """Processes that were alive half a minute later."""
    orphan_seconds: float = 0.0
    """How long the last one outlived its parent."""
    torn: list[str] = field(default_factory=list)
    """Artifacts whose manifest described other content, and tables that could not be read."""
    written_later: list[str] = field(default_factory=list)
    """Artifacts that changed after the kill, before the next build."""


def environment(data: Path) -> dict[str, str]:
    """For `xpoll` over a data folder, with Dagster's home in it."""
    kept = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return {**kept, "XPOLL_DATA_DIR": str(data), "COLUMNS": "250"}


def start(data: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `xpoll build …` in a session of its own; its output goes to `build.log`."""
    with (data / "build.log").open("ab") as log:
        return subprocess.Popen(
            [*XPOLL, "build", *arguments],
            env=environment(data),
            cwd=CHECKOUT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def manifests(data: Path) -> dict[str, dict[str, Any]]:
    """What the store says of every artifact, by `asset` or `asset@partition`."""
    found = {}
    for file in sorted((data / "artifacts" / ".manifests").glob("*.json")):
        if not file.name.endswith(".failed.json"):
            found[file.name.removesuffix(".json")] = json.loads(file.read_text(encoding="utf-8"))
    return found


def hashes(data: Path) -> dict[str, str]:
    """Content hash of every artifact."""
    return {name: said["content_hash"] for name, said in manifests(data).items()}


def artifact_path(data: Path, name: str) -> Path:
    """Where the artifact of a manifest lies."""
    base = data / "artifacts" / Path(*name.split("@"))
    table = base.with_name(f"{base.name}.parquet")
    return table if table.exists() else base


def torn_artifacts(data: Path) -> list[str]:
    """What a reader could take for whole and is not.

    Every manifest must be of the content that lies there, and every table must open, with or
    without a manifest; files still being written (`.writing-`) and caches are nobody's reading.
    """
    wrong = [
        name
        for name, said in manifests(data).items()
        if not artifact_path(data, name).exists()
        or hash_tree(artifact_path(data, name)) != said["content_hash"]
    ]
    root = data / "artifacts"
    for file in root.rglob("*.parquet"):
        if any(part.startswith(".") for part in file.relative_to(root).parts):
            continue
        try:
            pl.read_parquet_schema(file)
        except (OSError, pl.exceptions.PolarsError) as error:
            wrong.append(f"{file.relative_to(root)}: {error}")
    return wrong


def kill(process: subprocess.Popen[bytes], data: Path, how: How, seconds: float) -> Kill:
    """Kill a build and look: at once, and again when all its processes are gone."""
    count = len(processes_of(data))
    process.kill()
    if how == "all":
        kill_all(data)
    died = time.monotonic()
    process.wait()
    seen = Kill(seconds, how, manifests(data), count, torn=torn_artifacts(data))
    looked = _listing(data)
    while left := processes_of(data):
        seen.orphan_seconds = time.monotonic() - died
        if seen.orphan_seconds > _ORPHANS_SECONDS:
            seen.orphans = len(left)
            kill_all(data)
            break
        time.sleep(0.05)
    later = _listing(data)
    seen.written_later = sorted(
        name for name in looked.keys() | later.keys() if looked.get(name) != later.get(name)
    )
    return seen


def _listing(data: Path) -> dict[str, tuple[int, int]]:
    """Size and time of all that readers see; caches and half-written files left out."""
    root = data / "artifacts"
    found = {}
    for file in root.rglob("*"):
        relative = file.relative_to(root)
        hidden = [part for part in relative.parts if part.startswith(".")]
        if (hidden and hidden != [".manifests"]) or not file.is_file() or file.name == ".lock":
            continue
        stat = file.stat()
        found[str(relative)] = (stat.st_size, stat.st_mtime_ns)
    return found


def redone(before: Kill, data: Path) -> list[str]:
    """Artifacts that stood when the build was killed and have been made again since."""
    now = manifests(data)
    return [
        name
        for name, said in before.stood.items()
        if name not in now or now[name]["created"] != said["created"]
    ]


def unfinished_runs(data: Path) -> list[str]:
    """Runs that the instance still takes for alive."""
    with dg.DagsterInstance.from_config(str(data / ".dagster")) as instance:
        return [run.run_id for run in instance.get_runs() if not run.is_finished]


@dataclass(slots=True)
class Killed:
    """One build, killed once or several times and then let end."""

    kills: list[Kill]
    code: int
    seconds: float
    differing: list[str]
    """Artifacts that are not those of the undisturbed build."""
    redone: list[str]
    alive: list[str]


def build_killed(
    books: Path,
    data: Path,
    product: str,
    reference: dict[str, str],
    length: float,
    ways: Sequence[How],
    draw: random.Random,
    tell: Callable[[Kill], None] = lambda _: None,
) -> Killed:
    """Build a copy of the books, kill it at random moments, once for each of the `ways`.

    The moments are drawn uniformly from the `length` (seconds) of an undisturbed build. A build
    that is taken up again counts from when it has something to do, so that no moment falls into
    the loading of libraries alone; one that ends before its moment comes is not killed.
    """
    shutil.copytree(books, data / "books")
    began = time.monotonic()
    kills: list[Kill] = []
    again: list[str] = []
    moments = sorted(draw.uniform(0, length) for _ in ways)
    for how, before, moment in zip(ways, [0.0, *moments], moments, strict=False):
        process = start(data, product)
        if kills:
            _until_it_works(process, data / "build.log")
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment - before)
        if process.poll() is not None:
            break
        if kills:
            again += redone(kills[-1], data)
        kills.append(kill(process, data, how, moment))
        tell(kills[-1])
    code = start(data, product).wait()
    if kills:
        again += redone(kills[-1], data)
    ended = hashes(data)
    differing = sorted(
        name for name in ended.keys() | reference.keys() if ended.get(name) != reference.get(name)
    )
    seconds = time.monotonic() - began
    return Killed(kills, code, seconds, differing, sorted(set(again)), unfinished_runs(data))


def _until_it_works(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the first line of a build that has found something to do."""
    said = log.stat().st_size
    while process.poll() is None and log.stat().st_size == said:
        time.sleep(0.05)
