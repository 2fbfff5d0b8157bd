"""Putting the dataset together: gates, balance, splits, standalone passages, and the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from xpoll_dagster.sft.balance import balance
from xpoll_dagster.sft.model import LEFT_OUT_SCHEMA, ROWS_SCHEMA, SPLITS, SftResult
from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.report import account
from xpoll_dagster.sft.splits import assign_splits, stable_order, twin_groups
from xpoll_dagster.sft.standalone import Standalone, choose_standalone
from xpoll_dagster.writing.model import BookInfo

_PAIR_COLUMNS = ("left_domain", "right_domain", "signals", "score")


def assemble(
    pair_texts: pl.DataFrame,
    pairs: pl.DataFrame,
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    options: SftOptions | None = None,
    concepts: pl.DataFrame | None = None,
) -> SftResult:
    """Make the dataset.

    Args:
        pair_texts: Rows of `PAIR_TEXTS_SCHEMA`, rejected ones among them.
        pairs: Rows of `PAIRS_SCHEMA`, all pairs that the texts are about.
        chunks: Rows of `CHUNKS_SCHEMA`: those of the pairs, and all that may stand alone.
        books: What to say about each book, by key.
        options: Formats, caps, ratio, splits and seed.
        concepts: Rows of `CONCEPTS_SCHEMA`, for the questions about single passages.

    Returns:
        Rows by split, everything left out with its reason, and the report. Nothing is
        drawn twice; available = kept + left out, for both kinds of row.

    Raises:
        ValueError: A text names a pair or a chunk that is not there, or ids repeat.
    """
    options = options or SftOptions()
    _check(pair_texts, pairs, chunks)
    cross = pair_texts.join(
        pairs.select("pair_id", *_PAIR_COLUMNS), on="pair_id", how="left", maintain_order="left"
    ).with_columns(
        pl.concat_str("left_domain", "right_domain", separator=" + ").alias("domain_pair")
    )
    rejected = cross.filter(~pl.col("accepted"))
    balanced = balance(cross.filter("accepted"), options)
    kept = balanced.frame.filter(pl.col("reason").is_null()).drop("reason")

    candidates = chunks.filter(
        (pl.col("kind") == "prose")
        & (
            pl.col("passage").fill_null("").str.count_matches(r"\S+")
            >= options.writing.quotation.floor_words
        )
    )
    used = pl.concat([kept["left_chunk"], kept["right_chunk"]]).unique()
    known = chunks.filter(
        pl.col("chunk_id").is_in(used.implode())
        | pl.col("chunk_id").is_in(candidates["chunk_id"].implode())
    )
    twins = twin_groups(known.select("chunk_id", "passage"), options.splits)
    links: dict[tuple[str, str], int] = {}
    for left, right, rows in kept.group_by("left_chunk", "right_chunk").len().iter_rows():
        link = (min(twins[left], twins[right]), max(twins[left], twins[right]))
        links[link] = links.get(link, 0) + rows
    group_split = assign_splits(links, sorted(set(twins.values())), options.splits, options.seed)
    split_of = {chunk: group_split[group] for chunk, group in twins.items()}
    sides = pl.DataFrame(
        {"chunk_id": list(split_of), "split": list(split_of.values())},
        schema={"chunk_id": pl.String, "split": pl.String},
    )
    kept = kept.join(
        sides.rename({"chunk_id": "left_chunk"}), on="left_chunk", maintain_order="left"
    ).join(
        sides.rename({"chunk_id": "right_chunk", "split": "other"}),
        on="right_chunk",
        maintain_order="left",
    )
    straddling = kept.filter(pl.col("split") != pl.col("other"))
    kept = kept.filter(pl.col("split") == pl.col("other"))
    by_split = {split: kept.filter(pl.col("split") == split) for split in SPLITS}
    alone = choose_standalone(candidates, split_of, by_split, books, options, concepts)

    pages = _pages(chunks, books)
    splits = {
        split: _shuffled(_rows(by_split[split], _alone_in(alone, split), pages), options)
        for split in SPLITS
    }
    left_out = pl.concat(
        [
            _left_out(rejected, "rejected by the gates", detail="rejected_by"),
            *(
                _left_out(group, str(reason[0]))
                for reason, group in balanced.frame.drop_nulls("reason").group_by(
                    "reason", maintain_order=True
                )
            ),
            _left_out(straddling, "straddles splits"),
            _passages_left_out(candidates, alone, split_of, splits),
        ]
    )
    report = account(pair_texts, candidates, splits, left_out, balanced.constraints, alone, options)
    return SftResult(splits, left_out, report)


def _check(pair_texts: pl.DataFrame, pairs: pl.DataFrame, chunks: pl.DataFrame) -> None:
    for frame, column, name in (
        (pair_texts, "id", "texts"),
        (pairs, "pair_id", "pairs"),
        (chunks, "chunk_id", "chunks"),
    ):
        if frame[column].n_unique() != frame.height:
            raise ValueError(f"Two {name} share an id.")
    lost = pair_texts.join(pairs, on="pair_id", how="anti").height
    if lost:
        raise ValueError(f"{lost} texts belong to pairs that are not there.")
    for column in ("left_chunk", "right_chunk"):
        lost = pair_texts.join(chunks, left_on=column, right_on="chunk_id", how="anti").height
        if lost:
            raise ValueError(f"{lost} texts are made from chunks that are not there.")


def _pages(chunks: pl.DataFrame, books: Mapping[str, BookInfo]) -> pl.DataFrame:
    """For every chunk where it stands, as one struct, its domain and its book."""
    about = pl.DataFrame(
        [
            {"book": key, "title": book.title, "paged": book.paged, "licence": book.licence}
            for key, book in books.items()
        ],
        schema={"book": pl.String, "title": pl.String, "paged": pl.Boolean, "licence": pl.String},
    )
    section = pl.col("section").list.join(" > ", ignore_nulls=True)
    return chunks.join(about, on="book", how="left", maintain_order="left").select(
        "chunk_id",
        "domain",
        "book",
        "title",
        pl.col("licence").fill_null("unknown"),
        pl.struct(
            "chunk_id",
            "book",
            "title",
            section.alias("section"),
            "page_start",
            "page_end",
            "paged",
            pl.col("licence").fill_null("unknown"),
        ).alias("page"),
    )


def _alone_in(alone: Standalone, split: str) -> pl.DataFrame:
    ids = [row for row, side in alone.split_of.items() if side == split]
    return alone.texts.filter(pl.col("id").is_in(ids))


def _rows(cross: pl.DataFrame, alone: pl.DataFrame, pages: pl.DataFrame) -> pl.DataFrame:
    """Texts as rows of `ROWS_SCHEMA`."""
    nothing = alone.with_columns(
        pl.lit(None, pl.List(pl.String)).alias("signals"), pl.lit(None, pl.Float64).alias("score")
    )
    texts = pl.concat([cross.select(nothing.columns), nothing])
    sides = (
        texts.select("id", pl.concat_list("left_chunk", "right_chunk").alias("chunk_id"))
        .explode("chunk_id")
        .drop_nulls("chunk_id")
        .join(pages, on="chunk_id", how="left", maintain_order="left")
        .group_by("id", maintain_order=True)
        .agg(
            pl.col("domain").unique(maintain_order=True).alias("domains"),
            pl.col("book").unique(maintain_order=True).alias("books"),
            pl.col("title").unique(maintain_order=True).alias("titles"),
            pl.col("licence").unique(maintain_order=True).alias("licences"),
            pl.col("chunk_id").alias("chunk_ids"),
            pl.col("page").alias("pages"),
        )
    )
    rows = texts.join(sides, on="id", how="left", maintain_order="left").with_columns(
        pl.col("kind").alias("format"),
        pl.col("pair_id").is_not_null().alias("cross_domain"),
        pl.col("signals").fill_null([]),
        *(
            pl.when(pl.col("kind") == "qa").then(pl.col(name)).alias(name)
            for name in ("instruction", "response")
        ),
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in ROWS_SCHEMA.items())


def _shuffled(rows: pl.DataFrame, options: SftOptions) -> pl.DataFrame:
    order = [stable_order(row, options.seed) for row in rows["id"]]
    return (
        rows.with_columns(pl.Series("order", order, dtype=pl.UInt64))
        .sort("order", "id")
        .drop("order")
    )


def _left_out(texts: pl.DataFrame, reason: str, detail: str | None = None) -> pl.DataFrame:
    empty = pl.lit([], pl.List(pl.String))
    return texts.select(
        "id",
        "pair_id",
        pl.concat_list("left_chunk", "right_chunk").alias("chunk_ids"),
        pl.col("kind").alias("format"),
        pl.lit(value=True).alias("cross_domain"),
        pl.lit(reason).alias("reason"),
        (pl.col(detail) if detail else empty).alias("detail"),
    ).select(pl.col(name).cast(kind) for name, kind in LEFT_OUT_SCHEMA.items())


def _passages_left_out(
    candidates: pl.DataFrame,
    alone: Standalone,
    split_of: Mapping[str, str],
    splits: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    """Passages that could have stood alone and do not, and why."""
    used = set(alone.texts["left_chunk"])
    rows: list[dict[str, Any]] = []
    for chunk in candidates["chunk_id"]:
        if chunk in used:
            continue
        if chunk in alone.refused:
            reason, detail = "rejected by the gates", alone.refused[chunk]
        elif splits[split_of[chunk]].is_empty():
            reason, detail = "its split has no rows", []
        else:
            reason, detail = "enough standalone rows", []
        rows.append(
            {
                "id": chunk,
                "chunk_ids": [chunk],
                "cross_domain": False,
                "reason": reason,
                "detail": detail,
            }
        )
    return pl.DataFrame(rows, schema=LEFT_OUT_SCHEMA)
