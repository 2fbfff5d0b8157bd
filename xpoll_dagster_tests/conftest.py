"""Fixtures and settings for all tests. Nothing here is imported by a test by name."""

from __future__ import annotations

from hypothesis import settings

# Timings on a shared machine are no property of the code.
settings.register_profile("xpoll", deadline=None, max_examples=100)
settings.load_profile("xpoll")
