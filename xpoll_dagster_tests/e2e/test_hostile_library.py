"""Everything hostile dropped at once into the library of a running daemon.

Each thing is a run of its own, so this takes many minutes: it runs when XPOLL_TEST_EXHAUSTIVE is
set. What becomes of each file by itself is tested quickly in `books/test_reading.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import dagster as dg
import psutil
import pytest

from xpoll_dagster.books.library import Library, shown
from xpoll_dagster.storage import ArtifactStore
from xpoll_dagster_tests.e2e.daemon import CHECKOUT, Dev, manifests
from xpoll_dagster_tests.e2e.hostile_books import Fate, hostile_books
from xpoll_dagster_tests.e2e.processes import processes_of
from xpoll_dagster_tests.e2e.small_library import book_key, write_book

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(
        not os.environ.get("XPOLL_TEST_EXHAUSTIVE"),
        reason="takes many minutes: set XPOLL_TEST_EXHAUSTIVE=1",
    ),
]

HOSTILE = (
    Path(os.environ.get("XPOLL_TEST_LIBRARY", CHECKOUT.parent / "shared" / "data")) / "hostile"
)
MANIFEST = HOSTILE / "MANIFEST.json"
GOOD = (0, 1)
SECONDS, MEMORY = 60.0, 2 << 30  # what one book may take


class Watch:
    """The most memory that one process of the library held, and how busy the machine was."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._end = threading.Event()
        self.memory = 0
        self.busy = 1.0
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.5):
            self.busy = max(self.busy, os.getloadavg()[0] / (os.cpu_count() or 1))
            for process in processes_of(self._data):
                with suppress(psutil.Error):
                    self.memory = max(self.memory, process.memory_info().rss)


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    # Forty books are looked at in a tick: every two seconds would be all that the machine does.
    dev = Dev(tmp_path, XPOLL_AUTOMATION__INTERVAL_SECONDS="10")
    for number in GOOD:
        write_book(tmp_path / "books", number)
    try:
        yield dev
    finally:
        dev.stop()


def _ended(dev: Dev) -> bool:
    """Whether the library has been linked, which waits until no book has anything left to do."""
    with dev.instance() as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name="linking_job"))
    return any(run.is_finished for run in runs)


def _judge(dev: Dev, fates: Mapping[str, Fate]) -> None:
    """Run until all is linked, then hold every book against its fate; names as shown."""
    folder = dev.data / "books"
    with Watch(dev.data) as watch:
        dev.start()
        dev.wait(lambda: _ended(dev), 1800, "the linking of what could be read")
    library = Library.discover(folder)
    store = ArtifactStore(dev.data / "artifacts")
    wrong = []
    for key, book in library.books.items():
        failure = store.failure("book_pages", key)
        built = store.get("chunk_concepts", key) is not None
        said = (
            f"{book.path.name}: {'built' if built else failure.message if failure else 'nothing'}"
        )
        expected = fates.get(shown(book.path.name), "built")
        if failure is None and not built:
            wrong.append(f"{said} (neither built nor refused)")
        elif expected != "either" and built != (expected == "built"):
            wrong.append(f"{said} (expected: {expected})")
        elif failure is not None and not failure.message.endswith((".", ")")):
            wrong.append(f"{said} (no sentence)")
    passed_over = {shown(path.name) for path in library.passed_over}
    found = {shown(book.path.name) for book in library.books.values()}
    for name, fate in fates.items():
        if (name in passed_over) != (fate == "passed over") or (
            name in found and fate in {"passed over", "unseen"}
        ):
            wrong.append(f"{name}: expected {fate}")
    assert wrong == []

    with dev.instance() as instance:
        records = instance.get_run_records(dg.RunsFilter(job_name="books_job"))
        assert set(instance.get_dynamic_partitions("books")) == set(library.books)
    often = Counter(record.dagster_run.tags["dagster/partition"] for record in records)
    assert often == dict.fromkeys(library.books, 1), "no book is tried twice"
    slowest = max((r.end_time or 0) - (r.start_time or 0) for r in records)
    assert slowest < SECONDS * watch.busy
    assert watch.memory < MEMORY

    linked = manifests(dev.data)["cross_domain_pairs"]["inputs"]
    assert isinstance(linked, dict)
    assert {f"chunks@{book_key(number)}" for number in GOOD} <= linked.keys()
    status = dev.status()
    assert "Traceback" not in status
    for name in passed_over:
        assert name in status


def test_made_up_hostile_things(dev: Dev) -> None:
    folder = dev.data / "books" / "hostile"
    folder.mkdir()
    fates = {}
    for hostile in hostile_books():
        hostile.put(folder / hostile.name)
        fates[shown(hostile.name)] = hostile.fate
    _judge(dev, fates)


@pytest.mark.skipif(not MANIFEST.exists(), reason=f"no hostile files at {HOSTILE}")
def test_hostile_files_from_other_projects(dev: Dev) -> None:
    folder = dev.data / "books" / "hostile"
    folder.mkdir()
    fates: dict[str, Fate] = {}
    for entry in json.loads(MANIFEST.read_text(encoding="utf-8")):
        shutil.copy(HOSTILE / entry["file"], folder)
        fates[entry["file"]] = _fate(entry["file"], entry["expected"])
    _judge(dev, fates)


def _fate(name: str, expected: str) -> Fate:
    if name.endswith(".xml"):
        return "passed over"
    if expected in {"reject", "no text"} or expected.startswith("reject:"):
        return "failed"
    return "built" if expected.startswith("readable") and "error" not in expected else "either"
