"""Every command that README and docs print is run here, as it is printed.

A command that is new in a page fails `test_every_command_is_known` until it is put into `RUN`
(how it is run here) or `ELSEWHERE` (which test does the same).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster_tests.writing.engines.fault_server import FaultServer

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Run:
    """How a command is run: what of its text is replaced, how it may end, what it must say."""

    replaced: dict[str, str] = field(default_factory=dict)
    ends: tuple[int, ...] = (0,)
    says: str = ""


RUN: dict[str, Run] = {
    "make run": Run(says="Dataset:"),
    ".venv/bin/xpoll build retrieval": Run(),
    ".venv/bin/xpoll status": Run(says="current"),
    ".venv/bin/xpoll why ROW_ID": Run({"ROW_ID": "{sft_row}"}, says="split"),
    '.venv/bin/xpoll search "a question"': Run(says="chunk_"),
    ".venv/bin/xpoll settings": Run(says="XPOLL_DATA_DIR"),
    "XPOLL_CHUNKING__TARGET_TOKENS=150 XPOLL_SFT__SEED=7 .venv/bin/xpoll build": Run(
        says="Dataset:"
    ),
    "xpoll build corpus": Run(),
    "xpoll corpus verify": Run(),
    "xpoll corpus explain gsm8k:1f3a…": Run(
        {"gsm8k:1f3a…": "{corpus_row}"}, says="is in the corpus"
    ),
    "xpoll mix --profile claude_behavior --output mixes/claude --max-total 1200000": Run(
        says="rows"
    ),
    # Without the extra `gpu` there is no vLLM: the texts fail, with a sentence that says so. With
    # it, `make test-vllm` runs the same through the assets' own engine.
    "XPOLL_AUTHOR=vllm xpoll build all": Run(ends=(1, 3), says="vllm"),
    "XPOLL_AUTHOR=openai XPOLL_OPENAI__BASE_URL=http://127.0.0.1:11434/v1 "
    "XPOLL_OPENAI__MODEL=qwen3:8b xpoll build all": Run(
        # A stand-in for the model answers with nonsense, so the gates reject what it writes.
        {"http://127.0.0.1:11434/v1": "{server}"},
        ends=(0, 3),
    ),
    "xpoll probe --base-url http://127.0.0.1:8000/v1 --model my-tuned-model "
    "--baseline-model the-base-model": Run(
        {"http://127.0.0.1:8000/v1": "{server}"}, says="baseline"
    ),
    "xpoll build retrieval": Run(),
    'xpoll search "how far away is the sun"': Run(says="chunk_"),
    "xpoll status": Run(says="current"),
}

# Those that change a setting come last, in order that the others find everything current.
IN_TURN = [
    *(command for command in RUN if "XPOLL_" not in command),
    *(command for command in RUN if "XPOLL_" in command),
]

ELSEWHERE: dict[str, str] = {
    "make test": "these tests are what it runs",
    ".venv/bin/pip install -c constraints.txt -e '.[postgres]'": "the extra `dev` has the same",
    ".venv/bin/pip install -c constraints.txt -e '.[s3]'": "the extra `dev` has the same",
    "export XPOLL_POSTGRES_URL='postgresql://xpoll:PASSWORD@db.example.org:5432/xpoll'": (
        "test_postgres.py sets it to a cluster of its own"
    ),
    "xpoll dev": "test_postgres.py and test_browser.py start it",
    "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…": "test_object_store.py has a key",
    "export XPOLL_DATA_DIR=s3://bucket/library": "test_object_store.py has a bucket",
    "aws s3 cp thermodynamics.pdf s3://bucket/library/books/physics/": (
        "test_object_store.py puts books into its bucket"
    ),
    "xpoll build": "test_object_store.py builds from its bucket",
    "export DAGSTER_HOME=/shared/dagster XPOLL_DATA_DIR=/shared/library "
    "RAY_DASHBOARD_ADDRESS=http://head:8265": "test_steps_on_ray.py sets them to its own",
    "dagster asset materialize -m deploy.steps_on_ray --select book_pages,chunks "
    "--partition physics--thermodynamics": "test_steps_on_ray.py runs it on a sample book",
    "make dev": "test_browser.py starts what it starts",
    "python -m benchmarks.ray_overhead": "compute/test_ray_overhead.py runs it on fewer rows",
}


def _commands() -> dict[str, list[str]]:
    """Each command in a console block, and the pages that print it."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        for block in re.findall(
            r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
        ):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    command = re.sub(r"\s+#\s.*$", "", line[2:])
                    found.setdefault(" ".join(command.split()), []).append(page.name)
    return found


def test_every_command_is_known() -> None:
    assert set(_commands()) == {*RUN, *ELSEWHERE}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands are typed, with two books and everything built of them."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".venv").symlink_to(sys.prefix)
    for domain in ("astronomy", "history"):
        shutil.copytree(CHECKOUT / "data" / "books" / domain, folder / "data" / "books" / domain)
    # Of the one book those chapters alone that have something in common with the other.
    for file in (folder / "data" / "books" / "astronomy").glob("*/*.md"):
        if not file.name.startswith(("02-", "03-", "04-")):
            file.unlink()
    built = _type(folder, "xpoll build all")
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one chapter of one book: enough to write about, and little to wait for."""
    folder = tmp_path_factory.mktemp("small")
    (folder / ".venv").symlink_to(sys.prefix)
    chapter = next((CHECKOUT / "data" / "books" / "astronomy").glob("*/01-*.md"))
    (folder / "data" / "books" / "astronomy").mkdir(parents=True)
    shutil.copy(chapter, folder / "data" / "books" / "astronomy")
    return folder


def _type(home: Path, command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder or home,
        env=environment
        | {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "XPOLL_DATA_DIR": str(home / "data"),
            "XPOLL_OPENAI_API_KEY": "a-key",
            "COLUMNS": "200",
            # Two books have few pairs: of a twentieth of them nothing might be held out.
            "XPOLL_SFT__SPLITS__TEST": "0.25",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=840,
    )


def _first(pattern: Path, column: str) -> str:
    return str(pl.scan_parquet(pattern).select(column).head(1).collect().item())


@pytest.mark.parametrize("command", IN_TURN)
def test_a_command_does_what_it_says(
    command: str, home: Path, small: Path, server: FaultServer
) -> None:
    artifacts = home / "data" / "artifacts"
    if "XPOLL_AUTHOR" in command:
        home = small
    fill: dict[str, Callable[[], str]] = {
        "{sft_row}": lambda: _first(artifacts / "sft_dataset" / "parquet" / "train-*", "id"),
        "{corpus_row}": lambda: _first(artifacts / "merged_corpus" / "rows" / "*.parquet", "_id"),
        "{server}": lambda: server.base_url,
    }
    run, typed = RUN[command], command
    for printed, meant in run.replaced.items():
        typed = typed.replace(printed, fill[meant]())
    in_checkout = typed.startswith("make ")
    said = _type(home, typed, CHECKOUT if in_checkout else None)
    printed = said.stdout + said.stderr
    assert said.returncode in run.ends, printed
    assert run.says.lower() in printed.lower(), printed
    assert "Traceback" not in printed
    if "{server}" in run.replaced.values():
        assert server.calls


def test_the_code_blocks_of_readme_and_docs_run(home: Path) -> None:
    """Python blocks that load what was built; the others are definitions, and only compile."""
    ran = 0
    for page in PAGES:
        for block in re.findall(
            r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
        ):
            compile(block, page.name, "exec")
            if "data/artifacts" in block:
                ran += 1
                said = subprocess.run(
                    [sys.executable, "-c", block],
                    cwd=home,
                    env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=240,
                )
                assert said.returncode == 0, f"{page.name}: {said.stderr}"
                assert said.stdout.strip()
    assert ran >= 2


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
            if target and "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
