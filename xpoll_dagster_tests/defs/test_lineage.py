"""What stands and what is stale, told from manifests alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.definitions import defs
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.lineage import BOOK_CHAIN, Lineage
from xpoll_dagster.settings import Settings

defs()  # declares the steps


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for domain, name in (("history", "a"), ("physics", "b")):
        folder = tmp_path / "books" / domain
        folder.mkdir(parents=True)
        (folder / f"{name}.txt").write_text(f"Book {name}.", encoding="utf-8")
    return Settings(data_dir=tmp_path)


def _build(settings: Settings, steps: Sequence[str], books: Sequence[str]) -> None:
    lineage = Lineage(settings)
    for name in steps:
        step = STEPS[name]
        for book in books if step.partitioned_by else [None]:
            inputs = lineage.inputs(step, book)
            assert inputs is not None
            frame = pl.DataFrame({"asset": [name], "book": [book]})
            version = step.version(settings)
            if step.folder:
                lineage.store.write_folder(
                    name, book, lambda _: None, version=version, inputs=inputs
                )
            else:
                lineage.store.write_table(name, book, frame, version=version, inputs=inputs)


BOTH = ("history--a", "physics--b")


def _state(settings: Settings, asset: str, book: str | None = None) -> tuple[str, str]:
    standing = Lineage(settings).standing(STEPS[asset], book)
    return standing.state, standing.reason


def test_a_new_book_is_missing_and_what_follows_waits(settings: Settings) -> None:
    assert _state(settings, "book_pages", "history--a") == ("missing", "not built yet")
    assert _state(settings, "chunks", "history--a")[0] == "waiting"
    assert _state(settings, "concept_links")[0] == "waiting"


def test_a_built_chain_is_current(settings: Settings) -> None:
    _build(settings, BOOK_CHAIN, BOTH)
    assert {_state(settings, asset, book)[0] for asset in BOOK_CHAIN for book in BOTH} == {
        "current"
    }
    assert Lineage(settings).complete_books() == list(BOTH)


def test_a_changed_file_makes_its_own_pages_stale_and_no_others(settings: Settings) -> None:
    _build(settings, BOOK_CHAIN, BOTH)
    (settings.books_dir / "history" / "a.txt").write_text("Another text.", encoding="utf-8")
    assert _state(settings, "book_pages", "history--a") == ("stale", "changed: book")
    assert _state(settings, "book_pages", "physics--b")[0] == "current"


def test_a_changed_setting_makes_exactly_those_stale_that_read_it(settings: Settings) -> None:
    _build(settings, BOOK_CHAIN, BOTH)
    chunking = settings.chunking.model_copy(update={"target_tokens": 150})
    other = settings.model_copy(update={"chunking": chunking})
    assert _state(other, "chunks", "history--a") == ("stale", "a setting that it reads changed")
    for asset in ("book_pages", "chunk_embeddings", "chunk_concepts"):
        assert _state(other, asset, "history--a")[0] == "current"


def test_changed_code_is_told_from_a_changed_setting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _build(settings, BOOK_CHAIN, BOTH)
    newer = replace(STEPS["chunks"], code=STEPS["chunks"].code + 1)
    monkeypatch.setitem(STEPS, "chunks", newer)
    assert _state(settings, "chunks", "history--a") == ("stale", "its code changed")


def test_what_stands_is_current_though_another_attempt_at_it_failed(settings: Settings) -> None:
    """Of two runs at once, say; one that fails at something new is told as before."""
    _build(settings, BOOK_CHAIN, BOTH)
    lineage, step = Lineage(settings), STEPS["chunks"]
    inputs = lineage.inputs(step, "history--a") or {}
    version = step.version(settings)
    lineage.store.record_failure("chunks", "history--a", "No.", version=version, inputs=inputs)
    assert _state(settings, "chunks", "history--a") == ("current", "")
    (settings.books_dir / "history" / "a.txt").write_text("Another text.", encoding="utf-8")
    pages = STEPS["book_pages"]
    lineage.store.record_failure(
        "book_pages",
        "history--a",
        "It is broken.",
        version=pages.version(settings),
        inputs=Lineage(settings).inputs(pages, "history--a") or {},
    )
    assert _state(settings, "book_pages", "history--a") == ("failed", "It is broken.")


def test_where_the_data_lies_makes_nothing_stale(settings: Settings, tmp_path: Path) -> None:
    moved = settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})
    assert all(step.version(settings) == step.version(moved) for step in STEPS.values())


def test_library_wide_steps_see_books_come_and_go(settings: Settings) -> None:
    _build(settings, [*BOOK_CHAIN, "semantic_links"], BOTH)
    assert _state(settings, "semantic_links")[0] == "current"
    (settings.books_dir / "physics" / "b.txt").unlink()
    state, reason = _state(settings, "semantic_links")
    assert state == "stale"
    assert "gone: chunk_embeddings@physics--b, chunks@physics--b" in reason


def test_a_book_whose_chain_does_not_fit_takes_no_part(settings: Settings) -> None:
    _build(settings, BOOK_CHAIN, BOTH)
    lineage = Lineage(settings)
    step = STEPS["chunks"]
    inputs = lineage.inputs(step, "history--a")
    assert inputs is not None
    lineage.store.write_table(
        "chunks",
        "history--a",
        pl.DataFrame({"asset": ["newer chunks"]}),
        version=step.version(settings),
        inputs=inputs,
    )
    assert Lineage(settings).complete_books() == ["physics--b"]


def test_a_failure_is_shown_until_the_book_changes(settings: Settings) -> None:
    lineage = Lineage(settings)
    step = STEPS["book_pages"]
    inputs = lineage.inputs(step, "history--a")
    assert inputs is not None
    lineage.store.record_failure(
        "book_pages", "history--a", "It is torn.", version=step.version(settings), inputs=inputs
    )
    assert _state(settings, "book_pages", "history--a") == ("failed", "It is torn.")
    (settings.books_dir / "history" / "a.txt").write_text("Mended.", encoding="utf-8")
    assert _state(settings, "book_pages", "history--a")[0] == "missing"
