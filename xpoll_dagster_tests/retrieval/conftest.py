"""One bundle for all tests of retrieval."""

from __future__ import annotations

import pytest

from xpoll_dagster_tests.retrieval.library import Built, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("bundle")
    return Built(folder, *build(folder))
