"""The whole cleaning of a book: raw pages in, a table of clean pages out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from xpoll_dagster.books.cleaning.finished import finish
from xpoll_dagster.books.cleaning.layout import Layout
from xpoll_dagster.books.cleaning.options import CleaningOptions
from xpoll_dagster.books.cleaning.page_breaks import PageDrafts, join_pages
from xpoll_dagster.books.cleaning.printed import CleanPage, clean_printed
from xpoll_dagster.books.model import PAGES_SCHEMA, Book, RawPage


def _clean_finished(pages: list[RawPage], options: CleaningOptions) -> list[CleanPage]:
    drafts, removed = finish(pages, options)
    made = [PageDrafts(page.page, blocks) for page, blocks in zip(pages, drafts, strict=True)]
    joined = join_pages(made, Layout(), None, join=False)
    result = []
    for page, blocks, gone in zip(pages, joined, removed, strict=True):
        kind = page.kind
        if kind == "body" and not blocks:
            kind = "licence" if gone else "blank"
        result.append(CleanPage(kind, blocks, gone))
    return result


def _row(page: RawPage, clean: CleanPage, book: Book) -> dict[str, Any]:
    blocks = [
        {
            "kind": draft.kind,
            "level": draft.level,
            "text": draft.text + draft.separator,
            "page": draft.page,
            "continues": draft.continues,
        }
        for draft in clean.drafts
    ]
    return {
        "book": book.key,
        "domain": book.domain,
        "page": page.page,
        "label": page.label,
        "text": "".join(block["text"] for block in blocks),
        "method": page.method,
        "confidence": page.confidence,
        "removed": clean.removed,
        "kind": clean.kind,
        "blocks": blocks,
        "warnings": list(page.warnings),
    }


def clean_book(
    pages: Iterable[RawPage], book: Book, options: CleaningOptions | None = None
) -> pl.DataFrame:
    """Clean a book's raw pages.

    Args:
        pages: What a reader gave, in order. Printed pages have a height and blocks of
            kind "lines"; sections of structured formats have finished blocks.
        book: Whose pages they are.
        options: The switches; defaults where None.

    Returns:
        A table of `PAGES_SCHEMA`, one row for each raw page. Joining `text` over the rows
        of kind "body" gives the cleaned text; what was taken out is in `removed`.
    """
    options = options or CleaningOptions()
    raw = list(pages)
    printed = [any(block.lines for block in page.blocks) or page.height > 0 for page in raw]
    by_lines = [page for page, is_printed in zip(raw, printed, strict=True) if is_printed]
    by_blocks = [page for page, is_printed in zip(raw, printed, strict=True) if not is_printed]
    from_lines = iter(clean_printed(by_lines, options) if by_lines else [])
    from_blocks = iter(_clean_finished(by_blocks, options) if by_blocks else [])
    rows = [
        _row(page, next(from_lines if is_printed else from_blocks), book)
        for page, is_printed in zip(raw, printed, strict=True)
    ]
    return pl.DataFrame(rows, schema=PAGES_SCHEMA, orient="row")
