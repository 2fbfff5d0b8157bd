"""The code location: loads everything below `defs/`, and nothing else happens here."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs and resources of xpoll."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
