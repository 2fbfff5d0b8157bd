"""HTML books: one file, whatever its name and encoding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xpoll_dagster.books.model import Block, Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import sections
from xpoll_dagster.books.readers.encoding import decode, decoded_head
from xpoll_dagster.books.readers.html_tree import declared_encoding, parse
from xpoll_dagster.books.readers.inline import text_of
from xpoll_dagster.books.readers.markup import read_tree
from xpoll_dagster.books.readers.mathml import local_name

SUFFIXES = (".html", ".htm", ".xhtml")
MAX_BYTES = 64_000_000

_HEAD = 65_536
_OPENING = re.compile(
    r"^\s*(?:<\?xml[^>]{0,300}\?>\s*)?(?:<!--.{0,5000}?-->\s*)*(?:<!doctype\s+html|<html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(
    r"</?(?:html|head|body|title|p|div|h[1-6]|table|br|span|a|ul|ol)\b[^<>]*>", re.IGNORECASE
)
_WHOLE = re.compile(r"<(?:!doctype|head|meta|title)\b", re.IGNORECASE)


def claims(path: Path) -> bool:
    """Whether the file's content is HTML; a Markdown file may begin with some."""
    text = decoded_head(path, _HEAD)
    if text is None:
        return False
    suffix = path.suffix.lower()
    if _OPENING.match(text):
        return suffix not in {".md", ".markdown"} or bool(_WHOLE.search(text[:2000]))
    if suffix in SUFFIXES:
        return bool(_TAG.search(text))
    return suffix not in {".md", ".markdown"} and len(_TAG.findall(text[:8000])) >= 20


def read(
    path: Path,
    book: Book,  # noqa: ARG001
    options: ReadingOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[RawPage]:
    """Give the document's sections one by one.

    Raises `BookError` where it is too large, empty, or no text.
    """
    text, warnings = load(path)
    tree = parse(text, path.name, xhtml=text.lstrip()[:5] == "<?xml")
    reading = read_tree(tree.root)
    if not reading.blocks:
        raise BookError(f"{path.name} holds no text.")
    pages = list(
        to_pages(
            reading.blocks, 1, reading.page_label, (*warnings, *tree.warnings, *reading.warnings)
        )
    )
    check_count(len(pages), path.name, options)
    for done, page in enumerate(pages, start=1):
        if progress is not None:
            progress(done, len(pages))
        yield page


def load(path: Path) -> tuple[str, tuple[str, ...]]:
    """A file's text and what was wrong with its encoding. Raises `BookError`."""
    if path.stat().st_size > MAX_BYTES:
        raise BookError(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB.")
    data = path.read_bytes()
    decoded = decode(data, path.name, declared_encoding(data))
    return decoded.text, decoded.warnings


def to_pages(
    blocks: Sequence[Block], first: int, page_label: str | None, warnings: tuple[str, ...]
) -> Iterator[RawPage]:
    """Cut a document's blocks into sections, numbered from `first`."""
    for offset, section in enumerate(sections.split(sections.mend_headings(blocks))):
        yield RawPage(
            page=first + offset,
            blocks=section,
            label=sections.label_of(section) or (page_label if offset == 0 else None),
            kind=sections.kind_of(section),
            warnings=warnings if offset == 0 else (),
        )


def check_count(count: int, name: str, options: ReadingOptions) -> None:
    """Raise `BookError` where a book has more sections than pages are allowed."""
    if count > options.max_pages:
        raise BookError(
            f"{name} has {count} sections; more than {options.max_pages} are refused "
            "(the limit is a setting)."
        )


def describe(path: Path) -> dict[str, Any]:
    """What the document says of itself: `title`, `authors`, `language`, as far as it does."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        tree = parse(decode(head, path.name, declared_encoding(head)).text, path.name)
    except (BookError, OSError):
        return {}
    found: dict[str, Any] = {}
    for element in tree.root.iter():
        name = local_name(element)
        if name == "html" and (language := (element.get("lang") or "").strip()):
            found["language"] = language[:35]
        elif name == "title" and "title" not in found:
            found["title"] = " ".join(text_of(element).split())[:500]
        elif name == "meta" and (content := " ".join((element.get("content") or "").split())):
            key = (element.get("name") or "").lower().removeprefix("dc.").removeprefix("dcterms.")
            if key in {"author", "creator"}:
                found.setdefault("authors", []).append(content[:200])
            elif key == "language":
                found.setdefault("language", content[:35])
        elif name == "body":
            break
    return {key: value for key, value in found.items() if value}
