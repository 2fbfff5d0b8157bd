"""Dagster's home below the data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OPEN = """
import dagster as dg
from xpoll_dagster.defs.home import open_instance
from xpoll_dagster.settings import get_settings

input()
with open_instance(get_settings()) as instance:
    print(instance.get_runs_count())
"""


@pytest.mark.slow
def test_a_new_home_is_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN],
            env=environment | {"XPOLL_DATA_DIR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    said = [process.communicate("go\n", timeout=300) for process in processes]
    assert [output for output, _ in said] == ["0\n"] * 4, said
