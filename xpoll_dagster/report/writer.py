"""Writing the report: its parts gathered, its page rendered, put in place whole."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from xpoll_dagster.report.attempts import attempt_counts, rejected_part
from xpoll_dagster.report.inlining import inline_json, printable, security_policy
from xpoll_dagster.report.library import library_part, shelve
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.pairs import choose_pairs, pair_counts, pairs_part
from xpoll_dagster.report.passages import choose_passages, passages_part
from xpoll_dagster.report.retrieval import (
    choose_questions,
    question_counts,
    questions_part,
    score_tables,
)
from xpoll_dagster.report.rows import choose_rows, row_counts, rows_part
from xpoll_dagster.report.sources import ReportError, ReportSources
from xpoll_dagster.report.training_corpus import corpus_part, mixes_part
from xpoll_dagster.storage.atomic import replace_file

PAGE = "index.html"

_SCRIPTS = (
    "elements", "passages", "paging", "pairs", "rejected", "map_view", "map",
    "search_index", "search", "start",
)  # fmt: skip
_STYLES = ("base", "parts", "map")


@dataclass(frozen=True, slots=True)
class ReportNumbers:
    """What the page holds, beside how much there is; `bytes` is the page's size.

    `parts` names the parts for which something was built, in order of the page.
    """

    books: int
    failed: int
    chunks: int
    passages: int
    passages_total: int
    pairs: int
    pairs_total: int
    rows: int
    rows_total: int
    questions: int
    questions_total: int
    rejected: int
    rejected_total: int
    bytes: int
    parts: tuple[str, ...]


def write_report(
    folder: Path, sources: ReportSources, options: ReportOptions | None = None
) -> ReportNumbers:
    """Write `index.html`, which opens offline and asks for nothing beyond itself.

    Args:
        folder: Where the page goes; it is made where it does not exist, and the page that
            lies there is replaced whole.
        sources: Whatever is built; parts that are not are left out with a sentence.
        options: How much the page holds.

    Returns:
        What the page shows, and how much there was.

    Raises:
        ReportError: A part that is there cannot be read, there is no chunk, or the page
            cannot be written.
    """
    options = options or ReportOptions()
    shelf = shelve(sources)
    pairs = choose_pairs(sources, options)
    rows = choose_rows(sources.sft_dataset, options)
    questions = choose_questions(sources, options)
    nothing = pl.Series("chunk_id", [], pl.String)
    passages = choose_passages(
        sources,
        nothing if pairs is None else pairs.chunks,
        nothing if questions is None else questions.frame["chunk_id"],
        options,
    )
    data: dict[str, Any] = {
        "library": {
            "titles": [book["title"] for book in shelf.books],
            "keys": [book["book"] for book in shelf.books],
            "paged": [book["paged"] for book in shelf.books],
            "domain": [shelf.domain_number(book["domain"]) for book in shelf.books],
            "domains": [printable(name) for name in shelf.domains],
        },
        "passages": passages_part(passages, shelf),
        "rejected": rejected_part(sources, passages.number, options),
    }
    place: dict[str, int] = {}
    if pairs is not None:
        data["pairs"] = pairs_part(pairs, sources, passages)
        place = {pair: n for n, pair in enumerate(data["pairs"]["id"])}
    if rows is not None:
        data["rows"] = rows_part(rows, shelf, place, options)
    if questions is not None:
        data["questions"] = questions_part(questions, passages.number)
    attempts = attempt_counts(sources)
    parts: dict[str, Any] = {
        "library": library_part(sources, shelf, options),
        "map": passages.projection
        and {
            "method": passages.projection.method,
            "shown": passages.frame.height,
            "total": passages.total,
        },
        "pairs": pair_counts(sources, shelf),
        "dataset": None if sources.sft_dataset is None else row_counts(sources.sft_dataset),
        "attempts": attempts,
        "questions": None if questions is None else question_counts(questions),
        "scores": score_tables(sources.retrieval_scores),
        "corpus": corpus_part(sources, options),
        "mixes": mixes_part(sources.mixes),
    }
    page = _render(options, parts, data)
    _write(folder, page)
    return ReportNumbers(
        books=len(shelf.books),
        failed=len(sources.failed),
        chunks=parts["library"]["chunks"],
        passages=passages.frame.height,
        passages_total=passages.total,
        pairs=0 if pairs is None else pairs.frame.height,
        pairs_total=0 if pairs is None else pairs.total,
        rows=0 if rows is None else rows.frame.height,
        rows_total=0 if rows is None else rows.total,
        questions=0 if questions is None else questions.frame.height,
        questions_total=0 if questions is None else questions.total,
        rejected=len(data["rejected"]["text"]),
        rejected_total=sum(kind["attempts"] - kind["accepted"] for kind in attempts),
        bytes=len(page.encode()),
        parts=tuple(name for name, part in parts.items() if part),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("xpoll_dagster.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["grouped"] = lambda number: "–" if number is None else f"{number:,}"
    environment.filters["percent"] = _percent
    return environment


def _percent(share: float | None) -> str:
    """A share in per cent; never a rounded 0 or 100 where it is neither."""
    if share is None:
        return "–"
    percent = 100 * share
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


@cache
def _assets() -> tuple[str, str]:
    """The page's script, in a scope of its own, and its style."""
    folder = resources.files("xpoll_dagster.report") / "page"
    scripts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    styles = [(folder / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES]
    body = "\n".join(scripts)
    return f'(() => {{\n"use strict";\n{body}\n}})();', "\n".join(styles)


def _render(options: ReportOptions, parts: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    script, style = _assets()
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=printable(options.title),
            policy=security_policy(script, style),
            script=script,
            style=style,
            data={name: inline_json(part) for name, part in data.items()},
            shown={name: len(part["id"]) for name, part in data.items() if "id" in part},
            n_rejected=len(data["rejected"]["text"]),
            **parts,
        )
    )


def _write(folder: Path, page: str) -> None:
    try:
        with replace_file(folder / PAGE) as temporary:
            temporary.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ReportError(
                f"The disk that holds {folder} is full: free some space and run again."
            ) from error
        raise ReportError(f"The report cannot be written to {folder}: {error.strerror}.") from error
