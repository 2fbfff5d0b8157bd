"""One bundle for all tests of retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.retrieval.search import Searcher
from xpoll_dagster_tests.retrieval.library import build


@dataclass(frozen=True)
class Built:
    folder: Path
    clean: Searcher
    noisy: Searcher
    questions: pl.DataFrame


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp("bundle")
    return Built(folder, *build(folder))
