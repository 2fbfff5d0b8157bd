"""Small books of two domains, chapters of the sample books' sources: real prose, quick to build."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = CHECKOUT / "data" / "sample_sources"
DOMAINS = ("astronomy", "history")


def book_text(number: int, chapters: int = 1) -> str:
    """Chapters of astronomy for even numbers, of history for odd ones, from the number's own on.

    There are eight of each. Two books of one chapter may have nothing in common; of eight, they
    give a dataset.
    """
    files = sorted((SOURCES / DOMAINS[number % 2]).rglob("*.md"))
    first = number // 2
    return "\n\n".join(file.read_text(encoding="utf-8") for file in files[first : first + chapters])


def book_path(books: Path, number: int) -> Path:
    """Where the book of a number lies."""
    return books / DOMAINS[number % 2] / f"book-{number:02d}.md"


def book_key(number: int) -> str:
    """The book's partition."""
    return f"{DOMAINS[number % 2]}--book-{number:02d}"


def write_book(books: Path, number: int, chapters: int = 1) -> Path:
    """Put the book of a number into the folder."""
    path = book_path(books, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(book_text(number, chapters), encoding="utf-8")
    return path
