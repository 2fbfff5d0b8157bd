"""The benchmark that the page on scaling prints, on little: does it run, and are results equal?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="the extra `ray` is not installed")

CHECKOUT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_benchmark_of_the_page_on_scaling_runs() -> None:
    sizes = ["--books", "2", "--chunks", "8", "--sources", "2", "--rows", "300"]
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.ray_overhead", *sizes],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert json.loads(said.stdout.strip().splitlines()[-1])
