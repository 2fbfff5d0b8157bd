from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.linking import (
    LinkCache,
    link_concepts,
    link_lexical,
    link_semantic,
    select_pairs,
)
from xpoll_dagster.linking.options import LinkingOptions, SelectionOptions, SemanticOptions
from xpoll_dagster.linking.passages import eligible_passages, shelf_number
from xpoll_dagster.storage import fingerprint
from xpoll_dagster_tests.linking.library import make_chunks, make_concepts

OPTIONS = LinkingOptions(
    min_words=1,
    random_pairs=100,
    shelves=3,
    semantic=SemanticOptions(candidates=4),
    selection=SelectionOptions(min_closeness=-9.0, signal_quantile=0.2),
)
WORDS = [f"{a}{b}" for a in ("lunar", "solar", "tidal", "polar") for b in ("orb", "arc", "ray")]


@dataclass(frozen=True)
class Volume:
    """A made-up book: what it holds follows from these numbers alone."""

    domain: str
    name: str
    size: int
    seed: int

    @property
    def key(self) -> str:
        return f"{self.domain}--{self.name}"


def tables(books: list[Volume]) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """Chunks, concepts and vectors of a library."""
    passages: dict[str, str] = {}
    held: dict[str, list[str]] = {}
    vectors = [np.zeros((0, 8), np.float32)]
    for book in books:
        rng = np.random.default_rng(book.seed)
        for number in range(book.size):
            chunk = f"{book.domain}/{book.name}/{book.seed}-{number}"
            passages[chunk] = " ".join(rng.choice(WORDS, 8))
            held[chunk] = [f"grand {word}" for word in rng.choice(WORDS, 2)]
        vectors.append(rng.standard_normal((book.size, 8)).astype(np.float32))
    joined = np.concatenate(vectors)
    lengths = np.linalg.norm(joined, axis=1, keepdims=True)
    return make_chunks(passages), make_concepts(held), joined / lengths


def link_all(
    books: list[Volume], folder: Path | None, options: LinkingOptions = OPTIONS
) -> list[pl.DataFrame]:
    """The five tables of a linking, with or without what is kept in a folder."""
    chunks, concepts, vectors = tables(books)
    versions = {book.key: fingerprint(repr(book)) for book in books}
    cache = LinkCache(folder, versions) if folder is not None else None
    links = (
        link_concepts(chunks, concepts, vectors, options, cache),
        link_lexical(chunks, options, cache),
        link_semantic(chunks, vectors, options, cache),
    )
    selection = select_pairs(*links, chunks, vectors, options, cache)
    return [*links, selection.pairs, selection.refused]


def assert_equal(found: list[pl.DataFrame], expected: list[pl.DataFrame]) -> None:
    """To the last bit."""
    for table, other in zip(found, expected, strict=True):
        assert table.equals(other)


VOLUMES = st.builds(
    Volume,
    st.sampled_from(["art", "law", "tea"]),
    st.sampled_from(["one", "two", "three", "four"]),
    st.integers(1, 9),
    st.integers(0, 4),
)
LIBRARIES = st.lists(VOLUMES, max_size=6, unique_by=lambda book: book.name + book.domain)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(LIBRARIES, min_size=2, max_size=3), centre=st.booleans())
def test_whatever_happened_before_the_links_are_those_of_a_full_linking(
    tmp_path: Path, history: list[list[Volume]], centre: bool
):
    semantic = OPTIONS.semantic.model_copy(update={"centre": centre})
    options = OPTIONS.model_copy(update={"semantic": semantic})
    shutil.rmtree(tmp_path, ignore_errors=True)
    for books in history:
        assert_equal(link_all(books, tmp_path, options), link_all(books, None, options))


BOOKS = [Volume(domain, name, 9, n) for n, domain in enumerate("abc") for name in ("one", "two")]


@pytest.mark.parametrize(
    "after",
    [
        [*BOOKS, Volume("a", "three", 5, 7)],
        BOOKS[:-1],
        [*BOOKS[:-1], Volume("c", "two", 7, 9)],
        [*BOOKS[:-1], Volume("d", "two", 9, 2)],
    ],
    ids=["added", "removed", "changed", "moved to another domain"],
)
def test_one_book_makes_the_comparisons_of_its_shelf_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: list[Volume]
):
    link_all(BOOKS, tmp_path)
    compared: list[int] = []

    def counted(left: np.ndarray, right: np.ndarray, options: SemanticOptions):
        compared.append(len(left) * len(right))
        return search(left, right, options)

    from xpoll_dagster.linking import semantic

    search = semantic.search_both_ways
    monkeypatch.setattr(semantic, "search_both_ways", counted)
    found = link_all(after, tmp_path)
    assert len(compared) == len(comparisons(after) - comparisons(BOOKS))
    assert len(comparisons(BOOKS) & comparisons(after)) > 0
    compared.clear()
    link_all(after, tmp_path)
    assert compared == []
    assert_equal(found, link_all(after, None))


def comparisons(books: list[Volume]) -> set[tuple[str, str]]:
    """Every two shelves of different domains, told by what stands on them."""
    shelves: dict[tuple[str, int], list[Volume]] = {}
    for book in sorted(books, key=lambda book: book.key):
        shelves.setdefault((book.domain, shelf_number(book.key, OPTIONS.shelves)), []).append(book)
    return {
        (repr(one), repr(other))
        for one in shelves.values()
        for other in shelves.values()
        if one[0].domain < other[0].domain
    }


def test_what_no_library_needs_is_removed_and_what_is_kept_does_not_grow(tmp_path: Path):
    def kept() -> set[Path]:
        return set(tmp_path.rglob("*.parquet"))

    link_all(BOOKS, tmp_path)
    first = kept()
    for seed in range(2):
        link_all([*BOOKS[:-1], Volume("c", "two", 9, 20 + seed)], tmp_path)
        assert len(kept()) == len(first)
    link_all(BOOKS, tmp_path)
    assert kept() == first
    link_all(BOOKS[:2], tmp_path)
    assert not list((tmp_path / "semantic_shelves").iterdir())


def test_damaged_files_are_made_anew(tmp_path: Path):
    expected = link_all(BOOKS, tmp_path)
    for number, path in enumerate(sorted(tmp_path.rglob("*.parquet"))):
        if number % 3 == 0:
            path.write_bytes(path.read_bytes()[:50])
        elif number % 3 == 1:
            pl.DataFrame({"another": [1]}).write_parquet(path)
    assert_equal(link_all(BOOKS, tmp_path), expected)


def test_other_options_are_other_links(tmp_path: Path):
    link_all(BOOKS, tmp_path)
    other = OPTIONS.model_copy(update={"semantic": SemanticOptions(candidates=2, per_chunk=2)})
    assert_equal(link_all(BOOKS, tmp_path, other), link_all(BOOKS, None, other))


def test_a_book_without_a_version_is_an_error(tmp_path: Path):
    chunks, _, _ = tables(BOOKS)
    with pytest.raises(ValueError, match="No version is known of the book c--two"):
        link_lexical(chunks, OPTIONS, LinkCache(tmp_path, {b.key: "1" for b in BOOKS[:-1]}))


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    assert_equal(link_all(BOOKS, in_the_way / "cache"), link_all(BOOKS, None))


def test_a_book_keeps_its_shelf_whatever_else_the_library_holds():
    passages = eligible_passages(tables(BOOKS)[0], OPTIONS)
    for of_domain in passages.shelves:
        numbers = [{shelf_number(book, OPTIONS.shelves) for book in s.books} for s in of_domain]
        assert all(len(found) == 1 for found in numbers)
        assert len({found.pop() for found in numbers}) == len(of_domain)
