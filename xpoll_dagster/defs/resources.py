"""The one resource of the assets: settings, library and artifact store of this data folder."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl
from pydantic import PrivateAttr

from xpoll_dagster.books.library import Library
from xpoll_dagster.books.model import Book, BookError
from xpoll_dagster.corpus.catalogue import Catalogue, load_catalogue
from xpoll_dagster.defs.lineage import Lineage
from xpoll_dagster.defs.places import follow_inputs, open_store
from xpoll_dagster.settings import Settings, get_settings
from xpoll_dagster.sft.model import SPLITS
from xpoll_dagster.storage import ArtifactStore, StorageError
from xpoll_dagster.writing.model import BookInfo


class Project(dg.ConfigurableResource):
    """Where the books are and where artifacts go."""

    _settings: Settings | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, settings: Settings) -> Project:
        """A project with settings of its own, for tests and for the command line."""
        project = cls()
        project._settings = settings
        return project

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings or get_settings()

    @property
    def store(self) -> ArtifactStore:
        """The store of everything built."""
        return open_store(self.settings)

    @property
    def lineage(self) -> Lineage:
        """What stands and what is stale; reads the books folder anew."""
        return Lineage(self.settings)

    @property
    def library(self) -> Library:
        """The books as they lie in the folder now."""
        follow_inputs(self.settings)
        return Library.discover(self.settings.books_dir)

    def catalogue(self) -> Catalogue:
        """The catalogue of instruction datasets. Raises `SourceError` where it is wrong."""
        follow_inputs(self.settings)
        return load_catalogue(self.settings.corpus_dir / "catalogue.yaml")

    def folder(self, asset: str) -> Path:
        """Where the artifact of an asset that fills a folder lies to be read, built or not."""
        return self.store.content(asset, suffix="")

    def book(self, key: str) -> Book:
        """The book of a partition. Raises `BookError` where its file is gone."""
        book = self.library.books.get(key)
        if book is None:
            raise BookError(f"No book {key} lies in {self.settings.books_dir} any more.")
        return book

    def book_infos(self) -> dict[str, BookInfo]:
        """What to say about each book that takes part: from `book.yaml`, else the document."""
        infos = {}
        lineage = self.lineage  # one look at the folder, not one for each book
        for key in lineage.complete_books():
            book = lineage.library.books[key]
            artifact = self.store.get("book_pages", key)
            said = artifact.numbers if artifact else {}
            infos[key] = BookInfo(
                title=str(said.get("title") or book.title),
                domain=book.domain,
                authors=tuple(said.get("authors") or book.authors),
                licence=book.licence,
                paged=bool(said.get("paged", True)),
            )
        return infos

    def read_all(self, asset: str) -> pl.LazyFrame:
        """A per-book table over all complete books that have it."""
        artifacts = self.store.partitions(asset)
        taking_part = self.lineage.complete_books()
        paths = [artifacts[key].path for key in taking_part if key in artifacts]
        if not paths:
            raise StorageError(f"{asset} is not built for any book: materialise it first.")
        return pl.scan_parquet(paths)

    def dataset_splits(self) -> dict[str, pl.DataFrame]:
        """The rows of the built dataset, by split; empty splits are left out."""
        artifact = self.store.get("sft_dataset", suffix="")
        if artifact is None:
            raise StorageError("sft_dataset is not built yet: materialise it first.")
        folder = artifact.path / "parquet"
        splits = {
            split: pl.concat([pl.read_parquet(file) for file in files])
            for split in SPLITS
            if (files := sorted(folder.glob(f"{split}-*.parquet")))
        }
        return {split: rows for split, rows in splits.items() if rows.height}

    def read_books(self, asset: str) -> pl.LazyFrame:
        """A per-book table of the complete chain over all books that take part."""
        paths = [self.store.content(asset, key) for key in self.lineage.complete_books()]
        if not paths:
            raise BookError("No book has been read yet: run the books job first.")
        return pl.scan_parquet(paths)


@dg.definitions
def resources() -> dg.Definitions:
    """The resources of the code location."""
    return dg.Definitions(resources={"project": Project()})
