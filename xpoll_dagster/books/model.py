"""What a book is on its way from a file to chunks: the dataclasses and table schemas.

Readers (`books.readers`) give `RawPage`s; cleaning turns them into rows of
`PAGES_SCHEMA`; chunking turns those into rows of `CHUNKS_SCHEMA`. No reading,
cleaning or chunking happens here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

Method = Literal["text", "ocr"]

BlockKind = Literal[
    "lines",  # raw lines of a page, not yet paragraphs (paged readers only)
    "heading",
    "paragraph",
    "list",
    "table",
    "code",
    "formula",
    "note",  # footnote or endnote
]

PageKind = Literal["body", "contents", "index", "licence", "blank"]


class BookError(Exception):
    """A book that cannot be read, said in one sentence that a person can act on.

    The message names no library and no path outside the book, for it is shown in
    the UI, the summary and the exit report as it stands.
    """


@dataclass(frozen=True, slots=True)
class Book:
    """One book in the library: a file, or a folder of page images or Markdown.

    `key` is the partition key, `<domain>--<name>` in lower-case ASCII; `domain` is
    the name of the folder that holds the book unless its `book.yaml` says otherwise.
    `title` is the file's name where no `book.yaml` gives one (`title_given` is False then,
    and what the document says of itself goes before it).
    """

    key: str
    domain: str
    path: Path
    title: str
    authors: tuple[str, ...] = ()
    language: str = "en"
    licence: str | None = None
    route: Literal["auto", "fast", "careful"] = "auto"
    title_given: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of print. Coordinates in points, origin top left, y downwards.

    `size` is the font size in points that covers most of the line's characters
    (for OCR the line's height); `math` is the share (0-1) of its characters set in
    a mathematical font.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    italic: bool = False
    mono: bool = False
    math: float = 0.0


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page in reading order.

    Paged readers give `kind="lines"` with `lines` filled and `text` empty, one block
    per visual block; cleaning makes paragraphs of them. Structured readers (EPUB,
    HTML, Markdown, text) give finished blocks with `text`. `level` is a heading's
    depth, 1 for the highest.
    """

    kind: BlockKind
    text: str = ""
    level: int = 0
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class RawPage:
    """One page as read: for unpaged formats, one section of the document.

    `page` is 1-based; `label` is the printed page number where the file says it, or
    the section's heading. `confidence` (0-1) is OCR's own, null for a text layer.
    `width` and `height` are in points, 0 for unpaged formats.
    """

    page: int
    blocks: tuple[Block, ...]
    label: str | None = None
    method: Method = "text"
    confidence: float | None = None
    width: float = 0.0
    height: float = 0.0
    kind: PageKind = "body"
    warnings: tuple[str, ...] = field(default=())


BLOCK_STRUCT = pl.Struct(
    {
        "kind": pl.String,
        "level": pl.Int64,
        "text": pl.String,  # with the separator that follows it: "\n\n", "\n", " " or ""
        "page": pl.Int64,  # where it is printed
        "continues": pl.Boolean,  # goes on the paragraph that the page before began
    }
)

PAGES_SCHEMA = pl.Schema(
    {
        "book": pl.String,
        "domain": pl.String,
        "page": pl.Int64,
        "label": pl.String,
        # Concatenating `text` over the pages of kind "body", with nothing in between,
        # gives the book's cleaned text: a page that ends inside a paragraph ends in a
        # space (or in nothing, where a hyphen was undone), any other in a blank line.
        "text": pl.String,
        "method": pl.String,
        "confidence": pl.Float64,
        "removed": pl.List(pl.String),
        "kind": pl.String,
        # The same text as blocks: `text` is their concatenation. A note that stands
        # between the halves of a paragraph is moved behind it, on to the next page's
        # blocks, and keeps the page on which it is printed.
        "blocks": pl.List(BLOCK_STRUCT),
        "warnings": pl.List(pl.String),
    }
)

CHUNKS_SCHEMA = pl.Schema(
    {
        "chunk_id": pl.String,
        "book": pl.String,
        "domain": pl.String,
        "ordinal": pl.Int64,
        "section": pl.List(pl.String),
        "page_start": pl.Int64,
        "page_end": pl.Int64,
        # Concatenating `text` in order of `ordinal`, with nothing in between, gives the
        # cleaned text back, character for character.
        "text": pl.String,
        # The prose alone: paragraphs, lists and formulas without headings, notes,
        # tables and code. It is what is embedded, linked and quoted; empty where the
        # chunk holds none.
        "passage": pl.String,
        "kind": pl.String,  # prose | exercises | table | code | note | heading | list
        "context": pl.String,
        "n_tokens": pl.Int64,
    }
)

EMBEDDING_DIMENSIONS = 384

CONCEPTS_SCHEMA = pl.Schema(
    {
        "chunk_id": pl.String,
        "concept": pl.String,
        "surface": pl.String,
        "kind": pl.String,
        "count": pl.Int64,
    }
)


def embeddings_schema(dimensions: int = EMBEDDING_DIMENSIONS) -> pl.Schema:
    """Schema of `chunk_embeddings`: one L2-normalised float32 vector per chunk."""
    return pl.Schema(
        {
            "chunk_id": pl.String,
            "embedding": pl.Array(pl.Float32, dimensions),
            "model": pl.String,
            "model_sha256": pl.String,
        }
    )
