"""Fixtures and settings for all tests. Nothing here is imported by a test by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Timings on a shared machine are no property of the code. `make test` asks for the thorough one.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For `--dist loadfile`: a file's tests share what they build, and one Ray runs at a time.

    Not by marks: pytest-xdist 3.8 leaves out `xdist_group` under pytest 9.2.
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneRay(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            words = set(Path(file).stem.split("_"))
            return "ray" if words & {"ray", "distributed"} else file

    return OneRay(config, log)
