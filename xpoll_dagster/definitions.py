"""The code location: loads everything below `defs/`, and nothing else happens here."""

import warnings
from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs and resources of xpoll."""
    definitions = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    # Meant so: a book's chain is one run for each book, while a backfill of embeddings alone
    # puts many books into a run. (Loading puts the filters back that it found.)
    warnings.filterwarnings("ignore", message=".*varying BackfillPolicies", category=UserWarning)
    return definitions
