"""The dataset from its texts: balance, standalone rows, splits, order, and the account of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.sft.balance import cap_groups, water_fill
from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.rows import make_rows
from xpoll_dagster.sft.splits import STRADDLES, TEST, TRAIN, VALIDATION, assign_splits
from xpoll_dagster.writing.model import BookInfo

SPLITS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True, slots=True)
class SftResult:
    """The rows of each split (`ROWS_SCHEMA`, shuffled), what was left out, and the account.

    `left_out` has `id` and `reason` for every accepted text that is in no split; `report` is
    JSON-like. Accepted texts = rows + left out, and `report` says both.
    """

    splits: Mapping[str, pl.DataFrame]
    left_out: pl.DataFrame
    report: Mapping[str, Any]


def assemble(
    pair_texts: pl.DataFrame,
    standalone_texts: pl.DataFrame,
    pairs: pl.DataFrame,
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    options: SftOptions,
) -> SftResult:
    """Balance accepted texts by settings and split them so that no chunk stands on two sides."""
    cross = make_rows(pair_texts, pairs, chunks, books)
    single = make_rows(standalone_texts, pairs, chunks, books)
    left_out: list[pl.DataFrame] = []
    available = {"cross_domain": cross.height, "standalone": single.height}
    for group, reason in (
        (pl.col("domains").list.sort().list.join(" - "), "over the cap for domains"),
        (pl.col("format"), "over the cap for format"),
    ):
        cross, out = cap_groups(cross, group, options.max_over_mean, reason)
        left_out.append(out)
    single, out = _fill_with_standalone(cross, single, options)
    left_out.append(out)
    rows = pl.concat([cross, single]).sort("id").sample(fraction=1, shuffle=True, seed=options.seed)
    split = assign_splits(
        _on_texts(rows, chunks), options.validation_share, options.test_share, options.seed
    )
    rows = rows.with_columns(pl.Series("split", split, dtype=pl.String))
    left_out.append(
        rows.filter(pl.col("split") == STRADDLES).select("id", pl.col("split").alias("reason"))
    )
    splits = {name: rows.filter(pl.col("split") == name).drop("split") for name in SPLITS}
    gone = pl.concat(left_out)
    return SftResult(splits, gone, _account(splits, gone, available, pair_texts, standalone_texts))


def _on_texts(rows: pl.DataFrame, chunks: pl.DataFrame) -> list[list[str]]:
    """The chunks of each row, with chunks of the same wording under one name.

    Two books may print the same passage; were it two chunks to the splits, one could be
    trained on and the other tested.
    """
    folded = chunks.select(
        "chunk_id",
        same=pl.col("chunk_id")
        .first()
        .over(pl.col("text").str.to_lowercase().str.replace_all(r"\W+", " ").str.strip_chars()),
    )
    named = (
        rows.select(pl.col("chunk_ids"))
        .with_row_index("row")
        .explode("chunk_ids")
        .join(folded, left_on="chunk_ids", right_on="chunk_id", how="left", maintain_order="left")
        .group_by("row", maintain_order=True)
        .agg(pl.col("same").unique(maintain_order=True))
    )
    return named["same"].to_list()


def _fill_with_standalone(
    cross: pl.DataFrame, single: pl.DataFrame, options: SftOptions
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take standalone rows where the domains have fewest rows; the others are left out."""
    wanted = round(options.standalone_ratio * cross.height) if cross.height else single.height
    if single.is_empty():
        return single, pl.DataFrame(schema={"id": pl.String, "reason": pl.String})
    domain = pl.col("domains").list.first()
    present = dict(cross.select(pl.col("domains").explode()).to_series().value_counts().iter_rows())
    available = dict(single.select(domain.alias("domain")).to_series().value_counts().iter_rows())
    quota = water_fill(present, available, wanted)
    # One row of every passage comes before the second of any; within that, by a seeded order.
    drawn = (
        single.sort("id")
        .sample(fraction=1, shuffle=True, seed=options.seed)
        .with_columns(domain.alias("_domain"))
        .with_columns(pl.int_range(pl.len()).over(pl.col("chunk_ids").list.first()).alias("_turn"))
        .sort("_turn", maintain_order=True)
        .with_columns(pl.int_range(pl.len()).over("_domain").alias("_place"))
        .with_columns(pl.col("_domain").replace_strict(quota, default=0).alias("_quota"))
    )
    taken = pl.col("_place") < pl.col("_quota")
    out = drawn.filter(~taken).select(
        "id", (pl.lit("standalone rows enough for ") + pl.col("_domain")).alias("reason")
    )
    return drawn.filter(taken).select(single.columns), out


def _account(
    splits: Mapping[str, pl.DataFrame],
    left_out: pl.DataFrame,
    available: Mapping[str, int],
    pair_texts: pl.DataFrame,
    standalone_texts: pl.DataFrame,
) -> dict[str, Any]:
    rows = pl.concat(list(splits.values()))
    cross = rows.filter(pl.col("cross_domain"))
    texts = pl.concat([pair_texts, standalone_texts])
    rejected = texts.filter(~pl.col("accepted"))
    gates = rejected.select(pl.col("rejected_by").explode()).to_series().drop_nulls()

    def counts(values: pl.Series) -> dict[str, int]:
        return dict(sorted(values.drop_nulls().value_counts().iter_rows()))

    return {
        "texts_written": texts.height,
        "texts_rejected": rejected.height,
        "rejected_by": counts(gates),
        "accepted": dict(available),
        "rows": rows.height,
        "left_out": left_out.height,
        "left_out_by_reason": counts(left_out["reason"]),
        "rows_by_split": {name: frame.height for name, frame in splits.items()},
        "cross_domain_rows_by_split": {
            name: int(frame["cross_domain"].sum()) for name, frame in splits.items()
        },
        "rows_by_format": counts(
            rows.select(
                pl.when("cross_domain")
                .then(pl.col("format"))
                .otherwise(pl.lit("standalone ") + pl.col("format"))
                .alias("format")
            ).to_series()
        ),
        "rows_by_domain": counts(rows.select(pl.col("domains").explode()).to_series()),
        "rows_by_domains": counts(
            cross.select(pl.col("domains").list.sort().list.join(" - ")).to_series()
        ),
        "rows_by_license": counts(
            rows.select(pl.col("licenses").list.sort().list.join(", ")).to_series()
        ),
        "rows_by_author": counts(rows["author"]),
    }
