"""EPUB books: the sections of their spine, in order."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xpoll_dagster.books.model import Book, BookError, PageKind, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers.encoding import decode
from xpoll_dagster.books.readers.epub_archive import Archive
from xpoll_dagster.books.readers.html import check_count, to_pages
from xpoll_dagster.books.readers.html_tree import declared_encoding, parse
from xpoll_dagster.books.readers.inline import types
from xpoll_dagster.books.readers.markup import read_tree
from xpoll_dagster.books.readers.mathml import local_name

SUFFIXES = (".epub",)

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_DOCUMENTS = frozenset(
    {"application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/xml"}
)
_FONT_ALGORITHMS = frozenset(
    {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
)
_KINDS: dict[str, PageKind] = {
    "toc": "contents",
    "loi": "contents",
    "lot": "contents",
    "landmarks": "contents",
    "doc-toc": "contents",
    "index": "index",
    "doc-index": "index",
    "copyright-page": "licence",
    "copyright": "licence",
}


@dataclass(slots=True)
class _Package:
    """What the package document says: documents in reading order, and what they are."""

    documents: list[str]
    kinds: dict[str, PageKind] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def claims(path: Path) -> bool:
    """Whether the file is a ZIP that holds an EPUB, or is named one."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name == _CONTAINER or name.endswith(".opf") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def read(
    path: Path,
    book: Book,  # noqa: ARG001
    options: ReadingOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[RawPage]:
    """Give the sections of an EPUB one by one: each file of the spine, cut at its headings.

    A file that is missing or damaged is passed over with a warning. Raises `BookError` where
    the EPUB is protected, damaged, or holds no text.
    """
    with Archive(path) as archive:
        _refuse_protection(archive)
        package = _package(archive)
        number, texts = 0, 0
        waiting = list(package.warnings)
        for done, document in enumerate(package.documents, start=1):
            try:
                pages = _document(archive, document, number + 1, package.kinds.get(document))
            except BookError as error:
                waiting.append(str(error))
                continue
            for page in pages:
                number += 1
                texts += bool(page.blocks)
                check_count(number, path.name, options)
                if waiting:
                    page = replace(page, warnings=(*waiting, *page.warnings))  # noqa: PLW2901
                    waiting = []
                yield page
            if progress is not None:
                progress(done, len(package.documents))
        if not texts:
            reason = f" ({waiting[-1].rstrip('.')})" if waiting else ""
            raise BookError(f"{path.name} holds no text{reason}.")
        if waiting:
            yield RawPage(page=number + 1, blocks=(), kind="blank", warnings=tuple(waiting))


def _document(archive: Archive, name: str, first: int, kind: PageKind | None) -> list[RawPage]:
    data = archive.read(name)
    decoded = decode(data, name.rsplit("/", 1)[-1], declared_encoding(data))
    tree = parse(decoded.text, name.rsplit("/", 1)[-1], xhtml=True)
    said = kind or _said_kind(tree.root)
    reading = read_tree(tree.root, navigation=said == "contents")
    warnings = (*decoded.warnings, *tree.warnings, *reading.warnings)
    pages = list(to_pages(reading.blocks, first, reading.page_label, warnings))
    if said is not None:
        pages = [replace(page, kind=said) for page in pages]
    if not pages and warnings:
        pages = [RawPage(page=first, blocks=(), kind="blank", warnings=warnings)]
    return pages


def _said_kind(root: Any) -> PageKind | None:
    """What a document says it is, on its body or on the only element of that."""
    for element in root.iter():
        if local_name(element) not in {"body", "section", "nav", "div"}:
            continue
        for said in types(element):
            if said in _KINDS:
                parent = element.getparent()
                alone = local_name(element) == "body" or (
                    parent is not None and local_name(parent) == "body" and len(parent) == 1
                )
                return _KINDS[said] if alone else None
    return None


def _refuse_protection(archive: Archive) -> None:
    if archive.find(_ENCRYPTION) is None:
        return
    for element in archive.read_xml(str(archive.find(_ENCRYPTION))).iter():
        if local_name(element) == "encryptionmethod" and (
            element.get("Algorithm") not in _FONT_ALGORITHMS
        ):
            raise BookError(
                f"{archive.name} is protected (DRM) and cannot be read: get a copy without it."
            )


def _package(archive: Archive) -> _Package:
    name, root = _package_document(archive)
    items: dict[str, tuple[str, Any]] = {}
    spine: list[str] = []
    has_spine = False
    warnings: list[str] = []
    kinds: dict[str, PageKind] = {}
    missing = 0
    for element in root.iter():
        tag = local_name(element)
        if tag == "item" and (identifier := element.get("id")):
            target = archive.resolve(name, element.get("href") or "")
            if target is not None:
                items.setdefault(identifier, (target, element))
        elif tag == "spine":
            has_spine = True
        elif tag == "itemref" and (reference := element.get("idref")):
            spine.append(reference)
        elif tag == "reference" and (said := (element.get("type") or "").lower()) in _KINDS:
            target = archive.resolve(name, element.get("href") or "")
            if target is not None and "#" not in (element.get("href") or ""):
                kinds[target] = _KINDS[said]
    documents: list[str] = []
    for reference in spine:
        if reference not in items:
            missing += 1
        elif items[reference][0] not in documents and _is_document(items[reference][1]):
            documents.append(items[reference][0])
    if not documents:
        documents = [target for target, item in items.values() if _is_document(item)]
        what = "lists no files in its spine" if has_spine else "has no spine"
        warnings.append(f"The EPUB {what}: its files were read in the order of the manifest.")
    if not documents:
        raise BookError(f"{archive.name} is damaged: its package names no readable documents.")
    for target, item in items.values():
        if "nav" in (item.get("properties") or "").split():
            kinds[target] = "contents"
    if missing:
        warnings.append(f"{missing} files that the spine names are missing.")
    if archive.duplicates:
        warnings.append(
            f"{archive.duplicates} files stand twice in the archive: the last was read."
        )
    if archive.find("mimetype") is None:
        warnings.append("The EPUB lacks its `mimetype` file.")
    return _Package(documents, kinds, warnings)


def _is_document(item: Any) -> bool:
    kind = (item.get("media-type") or "").lower()
    suffix = (item.get("href") or "").lower().rsplit(".", 1)[-1]
    return kind in _DOCUMENTS or (not kind and suffix in {"xhtml", "html", "htm"})


def _package_document(archive: Archive) -> tuple[str, Any]:
    container = archive.find(_CONTAINER)
    if container is None:
        raise BookError(f"{archive.name} is no EPUB, or damaged: it has no {_CONTAINER}.")
    for element in archive.read_xml(container).iter():
        if local_name(element) == "rootfile":
            name = archive.resolve("", element.get("full-path") or "")
            if name is not None:
                return name, archive.read_xml(name)
    raise BookError(f"{archive.name} is damaged: its package document is missing.")


def describe(path: Path) -> dict[str, Any]:
    """What the package says of the book: `title`, `authors`, `language`, as far as it does."""
    found: dict[str, Any] = {}
    try:
        with Archive(path) as archive:
            root = _package_document(archive)[1]
    except (BookError, OSError):
        return found
    for element in root.iter():
        name = local_name(element)
        text = " ".join((element.text or "").split())
        if not text:
            continue
        if name == "title":
            found.setdefault("title", text[:500])
        elif name == "creator":
            found.setdefault("authors", []).append(text[:200])
        elif name == "language":
            found.setdefault("language", text[:35])
    return found
