"""Fixtures and settings for all tests. Nothing here is imported by a test by name."""

from __future__ import annotations

import pytest
from hypothesis import settings

# Timings on a shared machine are no property of the code. `make test` asks for the thorough one.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `--dist loadgroup`: a file's tests share what they build, and one Ray runs at a time."""
    for item in items:
        group = "ray" if item.get_closest_marker("ray") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
