"""Standalone texts: one of each prose passage, the kinds taking turns."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from xpoll_dagster.writing.model import BookInfo, Passage, TextKind
from xpoll_dagster.writing.options import WritingOptions
from xpoll_dagster.writing.pair_texts import load_passages, write_standalone_texts

KINDS: tuple[TextKind, ...] = ("expository", "qa", "dialogue")


def write_passages(
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    options: WritingOptions,
    concepts: pl.DataFrame,
) -> pl.DataFrame:
    """Write one text of each chunk of prose; returns rows of `PAIR_TEXTS_SCHEMA`.

    The kind goes by the chunk's ordinal, so that each is asked for equally often and a
    change in one place of the book changes no other text.
    """
    prose = chunks.filter(pl.col("kind") == "prose")
    passages = load_passages(prose, prose["chunk_id"], books, concepts)
    wanted: list[tuple[Passage, TextKind]] = [
        (passages[chunk], KINDS[ordinal % len(KINDS)])
        for chunk, ordinal in prose.select("chunk_id", "ordinal").iter_rows()
        if chunk in passages
    ]
    return write_standalone_texts(wanted, options)
