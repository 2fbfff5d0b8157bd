"""A book to its clean pages, safely: the child process, its limits and its result."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from xpoll_dagster.books.cleaning import CleaningOptions
from xpoll_dagster.books.model import PAGES_SCHEMA, Book, BookError
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.worker import to_request
from xpoll_dagster.compute.sandbox import ChildFailed, LimitExceeded, Limits, run_limited


@dataclass(frozen=True, slots=True)
class ReadBook:
    """A book's clean pages (`PAGES_SCHEMA`) and what is said about it.

    `title` and `authors` are those of the `book.yaml`, else the document's own; `paged` is
    False for formats without pages, whose `page` is a section's ordinal.
    """

    pages: pl.DataFrame
    title: str
    authors: tuple[str, ...]
    paged: bool


def read_pages(
    book: Book,
    reading: ReadingOptions,
    cleaning: CleaningOptions,
    limits: Limits,
    progress: Callable[[int, int], None] | None = None,
) -> ReadBook:
    """Read and clean a book in a child process.

    Raises `BookError` with a sentence for a person where the book is broken, empty, or
    exceeds a limit.
    """
    with tempfile.TemporaryDirectory(prefix="xpoll-book-") as folder:
        out = Path(folder) / "pages.parquet"
        try:
            said = run_limited(
                "xpoll_dagster.books.worker:main",
                to_request(book, reading, cleaning, out),
                limits,
                progress,
            )
        except ChildFailed as error:
            # A BookError of the child already is the sentence for the user.
            known = error.kind == BookError.__name__
            raise BookError(
                str(error) if known else f"{book.path.name}: {_in_short(str(error))}"
            ) from error
        except LimitExceeded as error:
            raise BookError(f"{book.path.name}: {error}") from error
        pages = pl.read_parquet(out)
    if pages.schema != PAGES_SCHEMA:
        raise BookError(f"{book.path.name}: its pages came back in an unknown form.")
    readable = (pl.col("kind") == "body") & (pl.col("text").str.strip_chars() != "")
    if pages.filter(readable).is_empty():
        raise BookError(f"{book.path.name} holds no text that can be used.")
    return ReadBook(
        pages,
        str(said["title"])[:500],
        tuple(str(author)[:200] for author in said["authors"][:100]),
        bool(said["paged"]),
    )


def _in_short(message: str) -> str:
    """An error's message without the path that the system puts behind it, and not too long."""
    said = re.sub(r"^\[Errno \d+\] ([^:]+):.*", r"\1", message, flags=re.DOTALL).strip()[:300]
    return said if said.endswith((".", ")")) else f"{said}."
