"""Dagster's home below the data folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xpoll_dagster.defs.home import OPENING
from xpoll_dagster.storage.lock import held_alone

OPEN = """
from xpoll_dagster.defs.home import open_instance
from xpoll_dagster.settings import get_settings

settings = get_settings()
print("ready", flush=True)
with open_instance(settings) as instance:
    print(instance.get_runs_count())
"""


@pytest.mark.slow
def test_a_home_that_another_process_is_opening_is_waited_for(tmp_path: Path) -> None:
    """Two that make Dagster's tables at once have been seen to leave them with two versions."""
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    home = tmp_path / ".dagster"
    with held_alone(home / OPENING):
        process = subprocess.Popen(
            [sys.executable, "-c", OPEN],
            env=environment | {"XPOLL_DATA_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(2)
        assert process.poll() is None
        assert not (home / "history").exists()
    assert process.communicate(timeout=120)[0] == "0\n"
