"""The nightly schedule builds what is stale and says what failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from xpoll_dagster.definitions import defs
from xpoll_dagster.settings import get_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XPOLL_DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def test_the_night_builds_a_book_and_reports_a_broken_one(data: Path) -> None:
    folder = data / "books" / "history"
    folder.mkdir(parents=True)
    sentences = " ".join(f"In the year {1200 + n} the town built its gate." for n in range(60))
    (folder / "towns.txt").write_text(f"TOWNS\n\n{sentences}\n", encoding="utf-8")
    (folder / "torn.pdf").write_bytes(b"%PDF")
    repository = defs().get_repository_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = repository.get_job("nightly_build").execute_in_process(
            instance=instance, raise_on_error=False
        )
        event = result.failure_data_for_node("build_what_is_stale")
        assert event is not None
        assert event.user_failure_data is not None
        assert "history--torn" in str(event.user_failure_data.description)
    assert (data / "artifacts" / "chunks" / "history--towns.parquet").exists()
