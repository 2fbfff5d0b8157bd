"""Ten books copied in while the daemon runs, and the daemon killed in between."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from xpoll_dagster_tests.e2e.daemon import Dev, manifests
from xpoll_dagster_tests.e2e.small_library import book_key, book_path, book_text

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(3000)]

CHAIN = ("book_pages", "chunks", "chunk_embeddings", "chunk_concepts")
LINKING = ("concept_links", "lexical_links", "semantic_links", "cross_domain_pairs")
BOOKS = 10


def _copy_slowly(folder: Path, number: int) -> None:
    """Write a book in three parts, as a slow copy does."""
    path, text = book_path(folder, number), book_text(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    third = len(text) // 3
    with path.open("w", encoding="utf-8") as stream:
        for part in (text[:third], text[third : 2 * third], text[2 * third :]):
            stream.write(part)
            stream.flush()
            time.sleep(0.7)


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    dev = Dev(tmp_path)
    try:
        yield dev
    finally:
        dev.stop()


def _runs(dev: Dev, job: str) -> list[dg.DagsterRun]:
    with dev.instance() as instance:
        return list(instance.get_runs(dg.RunsFilter(job_name=job)))


def _started(dev: Dev, job: str) -> bool:
    return any(run.status is dg.DagsterRunStatus.STARTED for run in _runs(dev, job))


def _finished(dev: Dev, job: str) -> bool:
    return any(run.is_finished for run in _runs(dev, job))


def _built_anew(dev: Dev) -> Counter[str]:
    """How often each library-wide linking asset was really built, not only looked at."""
    counts: Counter[str] = Counter()
    with dev.instance() as instance:
        for asset in LINKING:
            for record in instance.fetch_materializations(dg.AssetKey(asset), limit=100).records:
                said = record.asset_materialization
                counts[asset] += bool(said and said.metadata["built_anew"].value)
    return counts


def test_ten_books_land_while_the_daemon_is_killed_in_between(dev: Dev) -> None:
    """Ten partitions, ten chains, one re-linking.

    What is guaranteed: while the files of some book have changed less than `settle_seconds`
    ago, or a book has a step left to build, nothing is linked. So books that land with
    shorter gaps than that cause one linking together, whatever becomes of the daemon; a book
    that lands later causes one more.
    """
    books = dev.data / "books"
    books.mkdir()
    dev.start()
    for number in range(BOOKS // 2):
        _copy_slowly(books, number)
    dev.wait(lambda: _started(dev, "books_job"), 120, "the run of a first book")
    # The other half goes on being copied while the daemon and its runs are dead.
    dev.kill()
    dead = [run.run_id for run in _runs(dev, "books_job") if not run.is_finished]
    assert dead
    for number in range(BOOKS // 2, BOOKS - 2):
        _copy_slowly(books, number)
    dev.start()
    for number in range(BOOKS - 2, BOOKS):
        _copy_slowly(books, number)
    dev.wait(lambda: _finished(dev, "linking_job"), 1500, "the linking of the ten")

    keys = {book_key(number) for number in range(BOOKS)}
    with dev.instance() as instance:
        assert set(instance.get_dynamic_partitions("books")) == keys
        runs = {run.run_id: run for run in instance.get_runs(dg.RunsFilter(job_name="books_job"))}
    assert all(run.is_finished for run in runs.values())
    assert any(runs[run_id].status is dg.DagsterRunStatus.FAILURE for run_id in dead)
    built = manifests(dev.data)
    for asset in CHAIN:
        assert {name.split("@")[1] for name in built if name.startswith(f"{asset}@")} == keys
    assert len(_runs(dev, "linking_job")) == 1
    assert _built_anew(dev) == dict.fromkeys(LINKING, 1)
    for asset in LINKING:
        inputs = built[asset]["inputs"]
        assert isinstance(inputs, dict)
        assert {name.split("@")[1] for name in inputs if name.startswith("chunks@")} == keys
    # The library goes on to what is made of the pairs, and comes back to nothing before it.
    dev.wait(lambda: len(_runs(dev, "pair_texts_job")) >= BOOKS, 600, "the texts of the pairs")
    dev.wait(lambda: _finished(dev, "pair_texts_job"), 600, "the first texts")
    assert len(_runs(dev, "books_job")) == len(runs)
    assert len(_runs(dev, "linking_job")) == 1
    listed = [line for line in dev.status().splitlines() if line.startswith("│")]
    not_current = {line.strip("│").split("│")[0].strip() for line in listed}
    assert not_current  # the products that are still to come
    assert not not_current & {*CHAIN, *LINKING}
