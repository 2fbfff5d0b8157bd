"""Markdown books: one file, or a folder ordered by its `SUMMARY.md` or by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from xpoll_dagster.books.model import Block, Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import sections
from xpoll_dagster.books.readers.encoding import decode
from xpoll_dagster.books.readers.html import MAX_BYTES, check_count, load, to_pages
from xpoll_dagster.books.readers.html_tree import parse
from xpoll_dagster.books.readers.images import natural_key
from xpoll_dagster.books.readers.markdown_source import to_html
from xpoll_dagster.books.readers.markup import read_tree

SUFFIXES = (".md", ".markdown")

_HEAD = 65_536
_SUMMARY = "summary.md"
_ENTRY = re.compile(
    r"^(\s*)(?:[-*+]|\d{1,4}[.)])\s[^\[\n]{0,200}\[((?:[^\]\\]|\\.){0,300})\]\(\s*<?([^)\s>]+)"
)
_PLAIN_ENTRY = re.compile(r"^()\[((?:[^\]\\]|\\.){0,300})\]\(\s*<?([^)\s>]+)")
_NO_CHAPTERS = frozenset({"readme", "summary", "license", "licence", "contributing", "changelog"})
_MAX_FILES = 20_000


@dataclass(frozen=True, slots=True)
class _Chapter:
    """A file of a folder: its title in the summary, and how deep it stands there (from 1)."""

    path: Path
    title: str | None = None
    level: int = 1


def claims(path: Path) -> bool:
    """Whether a file is named Markdown and is text, or a folder holds Markdown files."""
    if path.is_dir():
        return next(_files(path), None) is not None
    if path.suffix.lower() not in SUFFIXES:
        return False
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    try:
        return bool(decode(head, path.name).text.strip())
    except BookError:
        return False


def read(
    path: Path,
    book: Book,  # noqa: ARG001
    options: ReadingOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[RawPage]:
    """Give the sections of a file, or the files of a folder, one by one.

    Files of a folder that its summary does not list are left out, with a warning. Raises
    `BookError` where there is no text.
    """
    if path.is_dir():
        yield from _read_folder(path, options, progress)
        return
    text, warnings = load(path)
    fields, blocks, said = _blocks(text, path.name)
    if not any(block.text for block in blocks):
        raise BookError(f"{path.name} holds no text.")
    if fields.get("title") and not any(b.kind == "heading" and b.level == 1 for b in blocks):
        blocks.insert(0, Block("heading", fields["title"], 1))
    pages = list(to_pages(blocks, 1, None, (*warnings, *said)))
    check_count(len(pages), path.name, options)
    for done, page in enumerate(pages, start=1):
        if progress is not None:
            progress(done, len(pages))
        yield page


def _blocks(text: str, name: str) -> tuple[dict[str, Any], list[Block], tuple[str, ...]]:
    fields, html = to_html(text)
    tree = parse(html, name)
    reading = read_tree(tree.root)
    return fields, reading.blocks, (*tree.warnings, *reading.warnings)


def _read_folder(
    folder: Path, options: ReadingOptions, progress: Callable[[int, int], None] | None
) -> Iterator[RawPage]:
    chapters, waiting = _chapters(folder)
    check_count(len(chapters), folder.name, options)
    total = size = texts = 0
    for done, chapter in enumerate(chapters, start=1):
        name = chapter.path.name
        try:
            size += chapter.path.stat().st_size
            if size > 4 * MAX_BYTES:
                raise BookError(f"{folder.name} holds more text than a book may.")
            text, warnings = load(chapter.path)
            fields, blocks, said = _blocks(text, name)
        except (OSError, BookError) as error:
            if size > 4 * MAX_BYTES:
                raise
            waiting.append(
                str(error) if isinstance(error, BookError) else f"{name} cannot be read."
            )
            continue
        blocks = _under(chapter, fields, sections.mend_headings(blocks))
        texts += any(block.kind != "heading" for block in blocks)
        total += 1
        yield RawPage(
            page=total,
            blocks=tuple(blocks),
            label=sections.label_of(blocks[:1]) or name,
            kind=sections.kind_of(blocks),
            warnings=(*waiting, *warnings, *said),
        )
        waiting = []
        if progress is not None:
            progress(done, len(chapters))
    if not texts:
        reason = f" ({waiting[-1].rstrip('.')})" if waiting else ""
        raise BookError(f"{folder.name} holds no text{reason}.")
    if waiting:
        yield RawPage(page=total + 1, blocks=(), kind="blank", warnings=tuple(waiting))


def _under(chapter: _Chapter, fields: dict[str, Any], blocks: list[Block]) -> list[Block]:
    """Hang a file's headings below its own place in the summary."""
    heads = [block.level for block in blocks if block.kind == "heading"]
    title = fields.get("title") or chapter.title
    if (
        blocks
        and blocks[0].kind == "heading"
        and heads.count(heads[0]) == 1
        and heads[0] == min(heads)
        and (heads[0] == 1 or not fields.get("title"))
    ):
        top = heads[0]  # the file brings its title along
    elif title:
        blocks = [Block("heading", title, 0), *blocks]
        top = min(heads, default=1) - 1
        blocks[0] = replace(blocks[0], level=top)
    else:
        top = min(heads, default=1)
    return [
        replace(block, level=max(1, min(block.level - top + chapter.level, 6)))
        if block.kind == "heading"
        else block
        for block in blocks
    ]


def _files(folder: Path) -> Iterator[Path]:
    for number, path in enumerate(folder.rglob("*")):
        if number > _MAX_FILES:
            return
        if path.suffix.lower() not in SUFFIXES or path.is_symlink() or not path.is_file():
            continue
        inside = path.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts):
            continue
        if any(parent.is_symlink() for parent in path.parents if folder in parent.parents):
            continue
        yield path


def _chapters(folder: Path) -> tuple[list[_Chapter], list[str]]:
    """The files of a folder in reading order, and what is to be said about that."""
    files = sorted(
        _files(folder),
        key=lambda file: [natural_key(part) for part in file.relative_to(folder).parts],
    )
    summary = next(
        (file for file in files if file.name.lower() == _SUMMARY and file.parent == folder), None
    )
    if summary is None:
        chapters = [_Chapter(file) for file in files if file.stem.lower() not in _NO_CHAPTERS]
        return chapters or [_Chapter(file) for file in files], []
    known = {file.resolve(): file for file in files}
    listed: dict[Path, _Chapter] = {}
    missing = 0
    indents: list[int] = []
    for line in load(summary)[0].split("\n"):
        match = _ENTRY.match(line) or _PLAIN_ENTRY.match(line)
        target = unquote(match[3].split("#", 1)[0]) if match else ""
        if match is None or not target.lower().endswith(SUFFIXES) or "://" in target:
            continue
        indent = len(match[1].expandtabs(4))
        indents = [*(other for other in indents if other < indent), indent]
        # Only files that were found inside the folder count, wherever the link points.
        file = known.get((folder / target).resolve())
        if file is None:
            missing += 1
            continue
        title = re.sub(r"\\(.)", r"\1", match[2]).strip() or None
        listed.setdefault(file, _Chapter(file, title, len(indents)))
    if not listed:
        raise BookError(
            f"{folder.name} has a SUMMARY.md that lists no Markdown file of the folder."
        )
    warnings = []
    left = [
        f for f in files if f not in listed and f != summary and f.stem.lower() not in _NO_CHAPTERS
    ]
    if left:
        warnings.append(f"{len(left)} Markdown files that SUMMARY.md does not list were left out.")
    if missing:
        warnings.append(f"{missing} files that SUMMARY.md lists are missing.")
    return list(listed.values()), warnings


def describe(path: Path) -> dict[str, Any]:
    """What the front matter says of the book: `title`, `authors`, `language`."""
    try:
        if path.is_dir():
            files = sorted(_files(path))
            path = next((file for file in files if file.name.lower() == _SUMMARY), files[0])
        with path.open("rb") as stream:
            fields, _ = to_html(decode(stream.read(_HEAD), path.name).text)
    except (BookError, OSError, IndexError):
        return {}
    found: dict[str, Any] = {}
    if fields.get("title"):
        found["title"] = fields["title"]
    authors = fields.get("authors") or fields.get("author")
    if isinstance(authors, str):
        found["authors"] = [authors[:200]]
    elif isinstance(authors, list):
        found["authors"] = [str(author)[:200] for author in authors[:100]]
    language = fields.get("lang") or fields.get("language")
    if isinstance(language, str):
        found["language"] = language[:35]
    return found
