"""From a file, or a folder, to its raw pages: one module per format behind one function.

A format is a module of this package with `SUFFIXES`, `claims(path)` and
`read(path, book, options, progress)`; it is registered by its name in `_FORMATS`. What a file
is, its content decides, not its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions

Progress = Callable[[int, int], None]

# In the order in which they are asked: what has an unmistakable mark comes first.
_FORMATS = ("pdf", "epub", "images", "html", "markdown", "text")

# What is named so and is neither this nor any other format is no plain text either.
_BINARY_SUFFIXES = frozenset({".pdf", ".epub"})


class Reader(Protocol):
    """What a format's module offers."""

    SUFFIXES: tuple[str, ...]

    def claims(self, path: Path) -> bool:
        """Whether the content of a file, or of a folder, is this format's."""
        ...

    def read(
        self, path: Path, book: Book, options: ReadingOptions, progress: Progress | None = None
    ) -> Iterator[RawPage]:
        """Give the pages one by one."""
        ...


def read_book(
    book: Book, options: ReadingOptions, progress: Progress | None = None
) -> Iterator[RawPage]:
    """Give the raw pages of a book one by one, in order.

    `progress(done, total)` is called behind each page. Raises `BookError`, some of them only
    after the last page (a scan without any legible page).
    """
    reader = find_reader(book.path)
    yield from reader.read(book.path, book, options, progress)


def find_reader(path: Path) -> Reader:
    """The format's module that reads this file or folder, by content.

    Raises `BookError` where it is absent, empty, or no format's.
    """
    name = path.name
    if not path.exists():
        raise BookError(f"{name} does not exist.")
    readers = map(_reader, _FORMATS)  # lazily: most books need only the first to be imported
    if path.is_dir():
        claiming = [reader for reader in readers if reader.claims(path)]
        if not claiming:
            raise BookError(f"{name} is a folder without page images or Markdown files.")
        if len(claiming) > 1:
            raise BookError(f"{name} mixes page images and Markdown files: keep one kind.")
        return claiming[0]
    if not path.is_file():
        raise BookError(f"{name} is neither a file nor a folder.")
    if path.stat().st_size == 0:
        raise BookError(f"{name} is empty (0 bytes).")
    for format_, reader in zip(_FORMATS, readers, strict=False):
        if reader.claims(path):
            if format_ == "text" and path.suffix.lower() in _BINARY_SUFFIXES:
                break  # a few stray characters under the name of a PDF are no book
            return reader
    if path.suffix.lower() in _BINARY_SUFFIXES:
        raise BookError(
            f"{name} is damaged or not what its name says: it does not begin as a "
            f"{path.suffix[1:].upper()} file does."
        )
    raise BookError(
        f"{name} is not a book that can be read: it is no PDF, EPUB, HTML, Markdown or plain text."
    )


def _reader(name: str) -> Reader:
    return cast("Reader", importlib.import_module(f"{__name__}.{name}"))


def describe_book(path: Path) -> dict[str, Any]:
    """What a document says of itself: `title`, `authors`, `language`, as far as it does.

    Empty for formats that say nothing, and never an error: a book is not lost for its title.
    """
    describe = getattr(find_reader(path), "describe", None)
    return describe(path) if describe is not None else {}
