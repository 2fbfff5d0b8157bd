"""The passages that the page holds: which, how much of each, and where on the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.report.library import Shelf
from xpoll_dagster.report.limits import CUT, cut, length_that_fits, single_line
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.projection import Projection, project
from xpoll_dagster.report.sources import ReportError, ReportSources, Table

_COLUMNS = ("chunk_id", "book", "ordinal", "section", "page_start", "page_end", "kind", "passage")


@dataclass(frozen=True, slots=True)
class Passages:
    """Passages in order of book and place, and the number of each by its chunk's id.

    `total` counts the library's chunks that hold prose. A row's `length` is where its text
    is cut in the page, `shown` the cut text.
    """

    frame: pl.DataFrame
    number: Mapping[str, int]
    total: int
    projection: Projection | None

    def text(self, chunk: str) -> str:
        """The passage of a chunk as the page shows it."""
        return self.frame["shown"][self.number[chunk]]


def choose_passages(
    sources: ReportSources, in_pairs: pl.Series, asked: pl.Series, options: ReportOptions
) -> Passages:
    """Take the chunks of pairs, those of questions, then a sample of every book.

    Args:
        sources: Chunks and embeddings.
        in_pairs: Ids of the chunks of the shown pairs, no more than `max_passages`.
        asked: Ids of the chunks that questions ask about.
        options: `max_passages`, `passage_characters`, and how to project.
    """
    wanted = pl.concat([in_pairs, asked]).unique(maintain_order=True)
    chunks = sources.chunks.lazy().filter(pl.col("passage").str.len_chars() > 0)
    keys = chunks.select("chunk_id", "book").collect()
    first = keys.filter(pl.col("chunk_id").is_in(wanted.implode()))
    if first.height > options.max_passages:
        first = keys.filter(pl.col("chunk_id").is_in(wanted[: options.max_passages].implode()))
    room = options.max_passages - first.height
    others = keys.join(first, on="chunk_id", how="anti")
    if others.height > room:
        # The same share of every book, by the hash at the end of the id.
        share = (
            pl.col("chunk_id").str.tail(12).rank("ordinal").over("book") - 0.5
        ) / pl.len().over("book")
        others = others.sort(share, "chunk_id").head(room)
    chosen = pl.concat([first, others.select(first.columns)])["chunk_id"]
    frame = (
        chunks.select(_COLUMNS)
        .filter(pl.col("chunk_id").is_in(chosen.implode()))
        .sort("book", "ordinal")
        .collect()
    )
    return Passages(
        frame=_cut(frame, in_pairs, options),
        number={chunk: n for n, chunk in enumerate(frame["chunk_id"])},
        total=keys.height,
        projection=_project(sources.embeddings, frame["chunk_id"], options),
    )


def _cut(frame: pl.DataFrame, in_pairs: pl.Series, options: ReportOptions) -> pl.DataFrame:
    """Add `shown`: pairs may use three quarters of the budget, the others what is left."""
    paired = frame.select(pl.col("chunk_id").is_in(in_pairs.implode())).to_series()
    budget = options.passage_characters
    longest = options.max_text_characters
    of_pairs = length_that_fits(frame["passage"].filter(paired), budget * 3 // 4, longest)
    used = int(frame["passage"].filter(paired).str.len_chars().clip(0, of_pairs).sum() or 0)
    of_others = length_that_fits(frame["passage"].filter(~paired), budget - used, longest)
    shown = [
        cut(text, of_pairs if is_paired else of_others)
        for text, is_paired in zip(frame["passage"], paired, strict=True)
    ]
    return frame.with_columns(shown=pl.Series(shown, dtype=pl.String))


def _project(
    embeddings: Table | None, chosen: pl.Series, options: ReportOptions
) -> Projection | None:
    if embeddings is None or chosen.is_empty():
        return None
    vectors = (
        embeddings.lazy()
        .select("chunk_id", "embedding")
        .filter(pl.col("chunk_id").is_in(chosen.implode()))
        .collect()
    )
    ordered = pl.DataFrame({"chunk_id": chosen}).join(
        vectors, on="chunk_id", how="left", maintain_order="left"
    )
    missing = ordered["embedding"].null_count()
    if missing:
        raise ReportError(
            f"{missing} chunks have no embedding: materialise chunk_embeddings again."
        )
    return project(ordered["embedding"].to_numpy(), options)


def passages_part(passages: Passages, shelf: Shelf) -> dict[str, Any]:
    """The passages as columns for the page's script."""
    frame = passages.frame
    headings = [
        single_line(section[-1] if section else "", 90) for section in frame["section"].to_list()
    ]
    names = sorted(set(headings))
    place = {name: n for n, name in enumerate(names)}
    books = [shelf.number[book] for book in frame["book"]]
    part: dict[str, Any] = {
        "id": [_short_id(*row) for row in frame.select("chunk_id", "book").iter_rows()],
        "book": books,
        "sections": names,
        "section": [place[heading] for heading in headings],
        "from": frame["page_start"].to_list(),
        "to": frame["page_end"].to_list(),
        "text": frame["shown"].to_list(),
        "cut": frame.select(
            (pl.col("shown").str.ends_with(CUT) & ~pl.col("passage").str.ends_with(CUT)).arg_true()
        )
        .to_series()
        .to_list(),
        "total": passages.total,
    }
    if passages.projection is not None:
        part["x"], part["y"] = passages.projection.places.T.tolist()
    return part


def _short_id(chunk: str, book: str) -> str:
    """A chunk's id without its book, which the page knows; whole where it is made otherwise."""
    prefix = f"{book}-"
    return f"-{chunk[len(prefix) :]}" if chunk.startswith(prefix) else chunk
