"""The linking job when a book comes: what it says is stale, what it does, what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from xpoll_dagster.books.model import PAGES_SCHEMA
from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.building import build
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.settings import Settings, get_settings
from xpoll_dagster.storage import hash_file
from xpoll_dagster_tests.linking.test_relinking import make_book

SIGNALS = ("concept_links", "lexical_links", "semantic_links")
LINKING = (*SIGNALS, "cross_domain_pairs")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    # Dagster makes its own copy of the resource, which reads the environment.
    monkeypatch.setenv("XPOLL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XPOLL_LINKING__MIN_WORDS", "1")
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


def store(settings: Settings, number: int) -> None:
    """Put a small book into the folder, and its chain as if it had been built."""
    tables = make_book(number, 0)
    domain = tables["chunks"]["domain"][0]
    file = settings.books_dir / domain / f"book{number}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(number), encoding="utf-8")
    chain = {"book_pages": pl.DataFrame(schema=PAGES_SCHEMA), **tables}
    for name in ("book_pages", "chunks", "chunk_embeddings", "chunk_concepts"):
        lineage = Lineage(settings)
        key = f"{domain}--book{number}"
        inputs = lineage.inputs(STEPS[name], key)
        assert inputs is not None
        version = STEPS[name].version(settings)
        lineage.store.write_table(name, key, chain[name], version=version, inputs=inputs)


def link(settings: Settings, *, force: bool = False) -> dict[str, str]:
    """Run the job; the content hashes of what it leaves."""
    with dg.DagsterInstance.ephemeral() as instance:
        report = build(settings, defs().resolve_job_def, instance, assets=LINKING, force=force)
    assert not report.failed
    lineage = Lineage(settings)
    found = {}
    for name in LINKING:
        artifact = lineage.store.get(name, suffix=STEPS[name].suffix)
        assert artifact is not None
        found[name] = artifact.content_hash
    left_out = lineage.store.path("cross_domain_pairs").with_suffix(".left_out.parquet")
    return found | {"left out": hash_file(left_out)}


@pytest.mark.slow
def test_a_book_added_is_linked_with_the_others_and_with_nothing_else(settings: Settings):
    defs()  # declares the steps
    for number in range(5):
        store(settings, number)
    link(settings)
    store(settings, 5)
    standing = Lineage(settings).standing(STEPS["lexical_links"], None)
    assert standing.state == "stale"
    assert standing.reason.startswith("new: ")
    added = link(settings)
    lineage = Lineage(settings)
    assert all(lineage.standing(STEPS[name], None).state == "current" for name in LINKING)
    for name in SIGNALS:
        artifact = lineage.store.get(name, suffix="")
        assert artifact is not None
        # Two books in each of three domains: the sixth meets the four of other domains, and so
        # has the other book of its own domain.
        assert artifact.numbers["book_pairs_compared"] == 4
        assert artifact.numbers["book_pairs_reused"] == 4
        assert artifact.numbers["domain_pairs_reused"] == 1
    assert link(settings, force=True) == added
