"""Dagster's home below the data folder: made on first use, its `dagster.yaml` kept up to date."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from xpoll_dagster.defs.run_storage import storage_section
from xpoll_dagster.settings import Settings
from xpoll_dagster.storage import replace_file
from xpoll_dagster.storage.lock import held_alone

OPENING = ".opening.lock"
"""Held in the home while its tables may be made."""
TEMPLATE = Path(__file__).resolve().parents[2] / "dagster.yaml"


def prepare_home(settings: Settings) -> Path:
    """Make the home and point this process, and those it starts, to it.

    A home that the user has set with DAGSTER_HOME is theirs and is left as it is. Raises
    `StorageError` where Postgres is wanted and cannot be used.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if settings.dagster_home_override is None:
        target = home / "dagster.yaml"
        wanted = TEMPLATE.read_text(encoding="utf-8") if TEMPLATE.exists() else ""
        if section := storage_section(settings, target):
            wanted = f"{wanted}\n{section}"
        if not target.exists() or target.read_text(encoding="utf-8") != wanted:
            with replace_file(target) as temporary:
                temporary.write_text(wanted, encoding="utf-8")
        os.environ["DAGSTER_HOME"] = str(home)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance of this data folder. Raises `StorageError` as `prepare_home` does."""
    home = prepare_home(settings)
    if settings.dagster_home_override is not None:
        return dg.DagsterInstance.get()
    # Two processes that make Dagster's tables at the same time leave them unusable for good.
    with held_alone(home / OPENING):
        return dg.DagsterInstance.get()
