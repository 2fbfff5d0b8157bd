"""Linking book by book gives what linking all at once gives, whatever happened in between."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.linking import ConceptSignal, LexicalSignal, SemanticSignal
from xpoll_dagster.linking.cache import Piece, PieceCache
from xpoll_dagster.linking.library import BookTables, Table, open_library
from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster.linking.options import LinkingOptions, SelectionOptions
from xpoll_dagster.linking.relinking import Reselection, link_into, select_from
from xpoll_dagster.linking.selection import select_pairs
from xpoll_dagster.linking.signals import Linker, Work
from xpoll_dagster.linking.tables import read_tables
from xpoll_dagster.storage import hash_tree
from xpoll_dagster_tests.linking.library import make_chunks, make_concepts

SIGNALS = {"concept": ConceptSignal, "lexical": LexicalSignal, "semantic": SemanticSignal}
LOOSE = SelectionOptions(min_closeness=0.0, signal_quantile=0.2, score_quantile=0.1)
OPTIONS = LinkingOptions(min_words=1, random_pairs=100, selection=LOOSE)
WORDS = [
    f"{a}{b}{c}" for a in ("gal", "tor", "mer") for b in "aeiou" for c in ("nik", "dol", "ves")
]


def make_book(number: int, version: int) -> dict[Table, pl.DataFrame]:
    """A small book; its passages share words, concepts and directions with those of others."""
    rng = np.random.default_rng([number, version])
    domain = ("art", "law", "zoo")[number % 3]
    ids = [f"{domain}/book{number}/{n:03d}" for n in range(int(rng.integers(1, 7)))]
    topics = rng.integers(4, size=len(ids))
    passages = {
        name: " ".join([*rng.choice(WORDS, 5), *WORDS[6 * topic : 6 * topic + 4]])
        for name, topic in zip(ids, topics, strict=True)
    }
    held = {
        name: [f"great {WORDS[topic]}", str(rng.choice(WORDS))]
        for name, topic in zip(ids, topics, strict=True)
    }
    vectors = np.eye(8)[topics] + 0.3 * rng.standard_normal((len(ids), 8))
    return {
        "chunks": make_chunks(passages),
        "chunk_concepts": make_concepts(held),
        "chunk_embeddings": pl.DataFrame(
            {"chunk_id": ids, "embedding": vectors.astype(np.float32)}
        ),
    }


def tables_of(number: int, version: int) -> BookTables:
    tables = make_book(number, version)
    hashes: dict[Table, str] = {name: f"{number}.{version}.{name}" for name in tables}
    return BookTables(f"book{number}", tables.__getitem__, hashes)


class Shelf:
    """A folder in which a library is linked again and again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = PieceCache(root / "cache")

    def link(self, books: dict[int, int]) -> dict[str, Work]:
        """Link these books, by number and version, by all signals."""
        work = {}
        for name, signal in SIGNALS.items():
            domains = open_library([tables_of(*b) for b in books.items()], OPTIONS, self.cache)
            new = self.root / "new"
            new.mkdir()
            linker = Linker(signal(OPTIONS), self.cache)
            work[name] = link_into(new, self.root / name, domains, linker)
            shutil.rmtree(self.root / name, ignore_errors=True)
            new.rename(self.root / name)
        return work

    def select(self, books: dict[int, int]) -> Reselection:
        domains = open_library([tables_of(*b) for b in books.items()], OPTIONS, self.cache)
        return select_from(
            {name: self.root / name for name in SIGNALS}, domains, OPTIONS, self.cache
        )

    def content(self, books: dict[int, int]) -> list[object]:
        selection = self.select(books).selection
        links = [hash_tree(self.root / name) for name in SIGNALS]
        return [*links, selection.pairs.to_dicts(), selection.refused.to_dicts()]


@contextmanager
def shelf() -> Iterator[Shelf]:
    with tempfile.TemporaryDirectory() as folder:
        yield Shelf(Path(folder))


@settings(max_examples=8, deadline=None)
@given(
    steps=st.lists(
        st.dictionaries(st.integers(0, 7), st.integers(0, 2), min_size=2, max_size=7),
        min_size=2,
        max_size=4,
    )
)
@pytest.mark.slow
def test_any_history_of_books_ends_as_linking_them_at_once(steps: list[dict[int, int]]):
    with shelf() as used, shelf() as fresh:
        for books in steps:
            used.link(books)
            used.select(books)
        last = steps[-1]
        turned = dict(reversed(last.items()))
        fresh.link(turned)
        assert used.content(last) == fresh.content(turned)


BOOKS = dict.fromkeys(range(6), 0)


def test_a_book_added_compares_only_its_own_pairs(tmp_path: Path):
    used = Shelf(tmp_path)
    before = used.link(BOOKS)
    assert before["semantic"] == Work(12, 0, 3, 0)  # two books in each of three domains
    used.select(BOOKS)
    after = used.link(BOOKS | {6: 0})  # with the four books of other domains
    assert after["lexical"] == Work(4, 8, 2, 1)
    work = used.select(BOOKS | {6: 0}).work
    assert (work.domain_pairs_linked, work.domain_pairs_reused) == (2, 1)


def test_the_same_books_again_are_no_work(tmp_path: Path):
    used = Shelf(tmp_path)
    used.link(BOOKS)
    used.select(BOOKS)
    assert all(work == Work(0, 0, 0, 3) for work in used.link(BOOKS).values())
    assert used.select(BOOKS).work.domain_pairs_linked == 0


def test_a_changed_book_is_compared_anew_and_a_removed_one_leaves_nothing(tmp_path: Path):
    used = Shelf(tmp_path)
    used.link(BOOKS)
    assert used.link(BOOKS | {0: 1})["concept"] == Work(4, 4, 2, 1)
    fewer = {number: 0 for number in BOOKS if number not in (2, 5)}  # no "zoo" any more
    used.link(fewer)
    names = {file.name for file in (tmp_path / "semantic").iterdir()}
    assert len(names) == 1
    assert {file.stem for file in (tmp_path / "cache" / "semantic").iterdir()} == {
        Path(name).stem for name in names
    }
    links = read_tables(tmp_path / "semantic", LINKS_SCHEMA)
    assert set(links["left_domain"]) | set(links["right_domain"]) == {"art", "law"}


def test_files_hold_what_the_functions_in_memory_give(tmp_path: Path):
    used = Shelf(tmp_path)
    used.link(BOOKS)
    chosen = used.select(BOOKS).selection
    books = [make_book(number, 0) for number in BOOKS]
    chunks, vectors = (
        pl.concat([book[name] for book in books]) for name in ("chunks", "chunk_embeddings")
    )
    links = [read_tables(tmp_path / name, LINKS_SCHEMA) for name in SIGNALS]
    concept, lexical, semantic = links
    again = select_pairs(
        concept, lexical, semantic, chunks, vectors["embedding"].to_numpy(), OPTIONS
    )
    assert chosen.pairs.height + chosen.refused.height > 10
    assert chosen.pairs.to_dicts() == again.pairs.to_dicts()
    assert chosen.refused.to_dicts() == again.refused.to_dicts()


@pytest.mark.parametrize("damage", ["cut short", "emptied", "of another kind", "gone"])
def test_a_damaged_cache_costs_time_and_nothing_else(tmp_path: Path, damage: str):
    used = Shelf(tmp_path / "used")
    used.root.mkdir()
    used.link(BOOKS)
    expected = used.content(BOOKS)
    for file in sorted((used.root / "cache").rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            broken = {
                "cut short": data[: len(data) // 2],
                "emptied": b"",
                "of another kind": b"x" * 99,
            }
            if damage == "gone":
                file.unlink()
            else:
                file.write_bytes(broken[damage])
    for name in SIGNALS:  # a crash may also have taken half of the links
        for file in sorted((used.root / name).iterdir())[:2]:
            file.unlink()
    used.link(BOOKS)
    assert used.content(BOOKS) == expected


def test_a_killed_write_leaves_the_piece_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = PieceCache(tmp_path)
    cache.save("words", "a", Piece("one", {"x": np.arange(5)}))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            cache.save("words", "a", Piece("two", {"x": np.arange(9)}))
    piece = cache.load("words", "a")
    assert piece is not None
    assert piece.made_of == "one"
    assert piece.arrays["x"].tolist() == [0, 1, 2, 3, 4]
    cache.keep("words", {"a"})
    assert [file.name for file in (tmp_path / "words").glob("*.arrays")] == ["a.arrays"]


def test_without_a_folder_nothing_is_kept():
    cache = PieceCache()
    made = cache.arrays("words", "a", "key", lambda: {"x": np.zeros(2)})
    assert made["x"].tolist() == [0, 0]
    assert cache.load("words", "a") is None
