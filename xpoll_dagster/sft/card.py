"""The dataset card, generated: nothing in it is written by hand for one dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.writing.model import BookInfo

# Licence identifiers of the hub, by what people write in a book.yaml.
_HUB_LICENCES = {
    "cc-by-4.0": "cc-by-4.0",
    "cc by 4.0": "cc-by-4.0",
    "cc-by-sa-4.0": "cc-by-sa-4.0",
    "cc by-sa 4.0": "cc-by-sa-4.0",
    "cc-by-3.0": "cc-by-3.0",
    "cc by 3.0": "cc-by-3.0",
    "cc0-1.0": "cc0-1.0",
    "cc0": "cc0-1.0",
    "mit": "mit",
    "apache-2.0": "apache-2.0",
    "gfdl": "gfdl",
}


def hub_licence(licences: list[str]) -> str:
    """Hub identifier of the whole: a licence all books share, `unknown`, or `other`."""
    if not licences or "unknown" in licences:
        return "unknown"
    known = {_HUB_LICENCES.get(licence.strip().lower()) for licence in licences}
    only = known.pop() if len(known) == 1 else None
    return only or "other"


def dataset_card(
    report: Mapping[str, Any],
    books: Mapping[str, BookInfo],
    options: SftOptions,
    example: Mapping[str, Any] | None,
) -> str:
    """The card as Markdown with its YAML header."""
    licences = sorted({book.licence or "unknown" for book in books.values()})
    header = {
        "license": hub_licence(licences),
        "language": ["en"],
        "task_categories": ["text-generation", "question-answering"],
        "tags": ["cross-domain", "textbooks", "sft"],
        "size_categories": [_size_category(report["rows"])],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"parquet/{split}-*.parquet"}
                    for split, n in report["rows_by_split"].items()
                    if n
                ],
            }
        ],
    }
    rejected = report["texts_rejected"]
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---",
        "# Cross-pollinated textbook passages",
        f"{report['rows']} rows from {len(books)} books in "
        f"{len({book.domain for book in books.values()})} domains: passages of different domains "
        "that share concepts, rare words or meaning, set side by side as expository text, "
        "question and answer, and dialogue, together with standalone passages.",
        "## How the rows came about",
        f"{report['texts_written']} texts were written; {rejected} were rejected by gates, "
        f"{report['left_out']} accepted ones were left out for the reasons below, and "
        f"{report['rows']} are in the dataset. Passages are quoted verbatim, cut at sentence ends "
        "and attributed to book and page. Every row names its chunks, books, pages, signals, "
        "score and author.",
        _table("Rows by split", report["rows_by_split"]),
        _table("Rows by format", report["rows_by_format"]),
        _table("Rows by domain (a cross-domain row counts for both)", report["rows_by_domain"]),
        _table("Cross-domain rows by pair of domains", report["rows_by_domains"]),
        _table("Rows by author", report["rows_by_author"]),
        _table("Accepted texts left out, by reason", report["left_out_by_reason"]),
        _table("Texts rejected, by gate", report["rejected_by"]),
        "## Sources and licences",
        "| book | authors | domain | licence |\n| --- | --- | --- | --- |\n"
        + "\n".join(
            f"| {_cell(book.title)} | {_cell(', '.join(book.authors) or 'not stated')} "
            f"| {_cell(book.domain)} | {_cell(book.licence or 'unknown')} |"
            for book in books.values()
        ),
        "Each row's `licenses` are those of its books; where a licence is unknown, ask before "
        "passing the row on.",
        "## Limits",
        "- Rows with `author` = `rules` are verbatim quotations in templates. They show that two "
        "passages speak of the same things; they claim no cause, no influence and no judgement, "
        "and their connecting sentences are alike by design.",
        "- Pairs were found by statistics over words, names and embeddings. A shared word can "
        "still mean two things; `score` and `signals` say how strong the evidence was.",
        "- What the books say is theirs: statements may be dated, and text recognised from scans "
        "may hold errors.",
        "- No chunk stands in two splits; rows whose passages would have straddled were left out.",
        "## Settings",
        f"```json\n{options.model_dump_json(indent=2)}\n```",
    ]
    if example is not None:
        shown = json.dumps(example, indent=2, ensure_ascii=False, default=str)
        parts += ["## An example row", f"```json\n{shown}\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(title: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    lines = "\n".join(f"| {_cell(name)} | {count} |" for name, count in counts.items())
    return f"**{title}**\n\n| | rows |\n| --- | ---: |\n{lines}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _size_category(rows: int) -> str:
    for limit, name in (
        (1_000, "n<1K"),
        (10_000, "1K<n<10K"),
        (100_000, "10K<n<100K"),
        (1_000_000, "100K<n<1M"),
        (10_000_000, "1M<n<10M"),
    ):
        if rows < limit:
            return name
    return "10M<n<100M"
