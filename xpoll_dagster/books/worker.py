"""Reading and cleaning one book, run in a child process under limits (`compute.sandbox`).

The parent never parses a book: it sends a request (plain JSON) and gets a Parquet file of
`PAGES_SCHEMA` back, so a parser that crashes, hangs or is taken over costs one book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from xpoll_dagster.books.cleaning import CleaningOptions, clean_book
from xpoll_dagster.books.model import Book, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import describe_book, read_book


def to_request(
    book: Book, reading: ReadingOptions, cleaning: CleaningOptions, out: Path
) -> dict[str, Any]:
    """Say what `main` is to do, as JSON."""
    return {
        "book": {
            "key": book.key,
            "domain": book.domain,
            "path": str(book.path.absolute()),
            "title": book.title,
            "authors": list(book.authors),
            "language": book.language,
            "licence": book.licence,
            "route": book.route,
            "title_given": book.title_given,
        },
        "reading": reading.model_dump(mode="json"),
        "cleaning": cleaning.model_dump(mode="json"),
        "out": str(out.absolute()),
    }


def main(request: dict[str, Any], progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Read and clean the book of the request into its Parquet file.

    Returns what `reading.ReadBook` holds besides the pages. Raises `BookError` where the
    book cannot be read.
    """
    fields = request["book"]
    book = Book(**{**fields, "path": Path(fields["path"]), "authors": tuple(fields["authors"])})
    reading = ReadingOptions.model_validate(request["reading"])
    cleaning = CleaningOptions.model_validate(request["cleaning"])
    paged = False

    def watched() -> Iterator[RawPage]:
        nonlocal paged
        for page in read_book(book, reading, progress):
            paged = paged or page.width > 0
            yield page

    pages = clean_book(watched(), book, cleaning)
    pages.write_parquet(request["out"])
    said = describe_book(book.path)
    return {
        "paged": paged,
        "title": book.title if book.title_given else said.get("title") or book.title,
        "authors": list(book.authors) or said.get("authors") or [],
    }
