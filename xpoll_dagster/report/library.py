"""The library's part of the page: books, domains, pages, OCR, licences, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.report.inlining import printable
from xpoll_dagster.report.limits import single_line
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.sources import ReportError, ReportSources

UNKNOWN_LICENCE = "not stated"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The books in order of domain and key, and the number of each book and domain."""

    books: tuple[dict[str, Any], ...]
    domains: tuple[str, ...]
    number: Mapping[str, int]

    def domain_number(self, domain: str) -> int:
        """Place of a domain among all; its colour on the map."""
        return self.domains.index(domain)


def shelve(sources: ReportSources) -> Shelf:
    """Count what is known of each book that has chunks.

    Raises:
        ReportError: There is no chunk at all.
    """
    chunks = (
        sources.chunks.lazy()
        .group_by("book")
        .agg(
            pl.col("domain").first(),
            pl.len().alias("chunks"),
            pl.col("passage").str.len_chars().sum().alias("characters"),
        )
        .sort("domain", "book")
        .collect()
    )
    if chunks.is_empty():
        raise ReportError("No book has been read yet: run the books job first.")
    pages = _pages(sources)
    books = []
    for row in chunks.iter_rows(named=True):
        info = sources.books.get(row["book"])
        books.append(
            row
            | {
                "title": single_line(info.title if info else row["book"]),
                "authors": single_line(", ".join(info.authors) if info else "", 120),
                "licence": single_line((info.licence if info else None) or UNKNOWN_LICENCE, 80),
                "paged": info.paged if info else True,
                **pages.get(row["book"], {"pages": None, "ocr": None, "confidence": None}),
            }
        )
    domains = tuple(sorted({book["domain"] for book in books}))
    return Shelf(tuple(books), domains, {book["book"]: n for n, book in enumerate(books)})


def _pages(sources: ReportSources) -> dict[str, dict[str, Any]]:
    if sources.pages is None:
        return {}
    by_ocr = pl.col("method") == "ocr"
    counts = (
        sources.pages.lazy()
        .group_by("book")
        .agg(
            pl.len().alias("pages"),
            by_ocr.sum().alias("ocr"),
            pl.col("confidence").mean().alias("confidence"),
        )
        .collect()
    )
    return {row.pop("book"): row for row in counts.iter_rows(named=True)}


def library_part(sources: ReportSources, shelf: Shelf, options: ReportOptions) -> dict[str, Any]:
    """What the template shows of the library."""
    shown = shelf.books[: options.max_table_rows]
    licences = Counter(book["licence"] for book in shelf.books)
    per_domain = [
        {
            "domain": domain,
            "books": len(of_domain),
            "chunks": sum(book["chunks"] for book in of_domain),
        }
        for domain in shelf.domains
        for of_domain in [[book for book in shelf.books if book["domain"] == domain]]
    ]
    return {
        "books": shown,
        "books_not_shown": len(shelf.books) - len(shown),
        "n_books": len(shelf.books),
        "domains": per_domain,
        "chunks": sum(book["chunks"] for book in shelf.books),
        "pages": _total(shelf, "pages"),
        "ocr": _total(shelf, "ocr"),
        "licences": licences.most_common(),
        "failed": _reasons(sources.failed, options),
        "passed_over": _reasons(sources.passed_over, options),
    }


def _total(shelf: Shelf, name: str) -> int | None:
    known = [book[name] for book in shelf.books if book[name] is not None]
    return sum(known) if known else None


def _reasons(reasons: Mapping[str, str], options: ReportOptions) -> list[tuple[str, str]]:
    shown = sorted(reasons.items())[: options.max_table_rows]
    return [(single_line(name), printable(reason)[:500]) for name, reason in shown]
