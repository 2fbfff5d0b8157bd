"""Splits by chapter: no chunk, and so no paraphrase of one, stands in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

from xpoll_dagster.retrieval.options import SplitOptions

SPLITS = ("train", "validation", "test")
_DEEPEST = 4
_SLACK = 1.5  # a chapter that overshoots what its split still needs by more is passed over


def chapters(table: pl.DataFrame, options: SplitOptions) -> pl.DataFrame:
    """The chapter of every chunk.

    A chapter is the top heading of a book. One that holds too much of its book is divided at the
    headings below, and where those give out into runs of neighbouring chunks.

    Args:
        table: From `chunk_table`.
        options: `largest_chapter`, `run`.

    Returns:
        `number` and `chapter`: the book's name and the headings down to the chapter.
    """
    size = pl.len().over("book")
    found = table.sort("number").select("number", "book", "section", chapter=pl.lit(""))
    for depth in range(_DEEPEST):
        too_large = (pl.len().over("book", "chapter") > options.largest_chapter * size) | (
            pl.lit(depth == 0)
        )
        heading = pl.col("section").list.get(depth, null_on_oob=True).fill_null("")
        found = found.with_columns(
            chapter=pl.when(too_large).then(_below("chapter", heading)).otherwise("chapter")
        )
    place = pl.int_range(pl.len()).over("book", "chapter")
    too_large = (pl.len().over("book", "chapter") > options.largest_chapter * size) & (
        pl.len().over("book", "chapter") > options.run
    )
    return found.select(
        "number",
        chapter=pl.when(too_large)
        .then(_below("book", "chapter", pl.format("run {}", place // options.run)))
        .otherwise(_below("book", "chapter")),
    )


def _below(*names: str | pl.Expr) -> pl.Expr:
    """A path of headings, without the empty ones."""
    parts = [pl.col(name) if isinstance(name, str) else name for name in names]
    there = [pl.when(part != "").then(part) for part in parts]
    return pl.concat_str(there, separator=" › ", ignore_nulls=True)


def assign_splits(questions: Mapping[str, int], options: SplitOptions) -> dict[str, str]:
    """Put whole chapters into splits until each has its share of the questions.

    Args:
        questions: How many questions each chapter has.
        options: Shares and seed.

    Returns:
        The split of every chapter; those without a question go to train.
    """
    total = sum(questions.values())
    order = sorted(questions, key=lambda name: _chance(name, options.seed))
    taken: dict[str, str] = {}
    for split, share in (("test", options.test), ("validation", options.validation)):
        need = share * total
        for name in order:
            count = questions[name]
            # One chapter always stays for training, however few there are.
            if len(taken) >= len(order) - 1:
                break
            if name not in taken and need > 0 and 0 < count <= max(1.0, _SLACK * need):
                taken[name] = split
                need -= count
    return {name: taken.get(name, "train") for name in questions}


def _chance(key: str, seed: int) -> int:
    """A number that orders things at random, the same in every run of the same seed."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\x1f{key}".encode(), digest_size=8).digest())
