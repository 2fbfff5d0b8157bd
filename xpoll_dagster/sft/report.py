"""The account of a dataset: what was available, what was kept, what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.standalone import Standalone
from xpoll_dagster.writing.diversity import measure_diversity

_QUOTED = r"(?s)“[^”]{60,}”|(?m)^> .*$"


def account(
    pair_texts: pl.DataFrame,
    candidates: pl.DataFrame,
    splits: Mapping[str, pl.DataFrame],
    left_out: pl.DataFrame,
    constraints: list[dict[str, Any]],
    alone: Standalone,
    options: SftOptions,
) -> dict[str, Any]:
    """The report as JSON-like values. Raises `AssertionError` where counts do not conserve."""
    rows = pl.concat(splits.values())
    cross = rows.filter("cross_domain")
    books: dict[str, Any] = {
        "cross_domain": _conserved("texts", pair_texts.height, cross.height, left_out, cross=True),
        "standalone": _conserved(
            "passages", candidates.height, rows.height - cross.height, left_out, cross=False
        ),
    }
    gates = (
        left_out.filter(pl.col("cross_domain") & (pl.col("reason") == "rejected by the gates"))
        .explode("detail")
        .group_by("detail")
        .len()
        .sort("len", "detail", descending=[True, False])
    )
    asked = {"validation": options.splits.validation, "test": options.splits.test}
    all_rows = max(1, cross.height)
    return {
        "rows": rows.height,
        "rows_by_split": {name: frame.height for name, frame in splits.items()},
        "accounts": books,
        "rejected_by_gate": dict(gates.iter_rows()),
        "constraints": [
            *constraints,
            {
                "constraint": "splits",
                "asked": asked,
                "reached": {
                    name: splits[name].filter("cross_domain").height / all_rows for name in asked
                },
                "binds": bool((left_out["reason"] == "straddles splits").any()),
                "rows_cut": int((left_out["reason"] == "straddles splits").sum()),
            },
            {
                "constraint": "standalone_ratio",
                "asked": options.standalone_ratio,
                "reached": (rows.height - cross.height) / all_rows,
                "binds": bool(alone.short),
                "missing_by_split": alone.short,
            },
        ],
        "by_format": _counts(rows, "format"),
        "by_format_and_kind": {
            "cross_domain": _counts(cross, "format"),
            "standalone": _counts(rows.filter(~pl.col("cross_domain")), "format"),
        },
        "by_style": _counts(rows, "style"),
        "by_domain": _counts(rows.explode("domains"), "domains"),
        "by_domain_pair": _counts(
            cross.with_columns(pl.col("domains").list.sort().list.join(" + ")), "domains"
        ),
        "by_book": _counts(rows.explode("books"), "books"),
        "by_licence": _counts(rows.explode("licences"), "licences"),
        "by_author": _counts(rows, "author"),
        "words": int(rows["text"].str.count_matches(r"\S+").sum()),
        "diversity": asdict(measure_diversity(cross["text"].str.replace_all(_QUOTED, "¶"))),
        # Where the user's notes lie is no property of the dataset, and would change its bytes.
        "settings": options.model_dump(mode="json", exclude={"writing": {"epistemology_dir"}}),
    }


def _conserved(
    what: str, available: int, kept: int, left_out: pl.DataFrame, *, cross: bool
) -> dict[str, Any]:
    own = left_out.filter(pl.col("cross_domain") == cross)
    reasons = _counts(own, "reason")
    if available != kept + own.height:
        raise AssertionError(
            f"{available} {what} were available, but {kept} were kept and {own.height} left out."
        )
    return {"available": available, "kept": kept, "left_out": reasons}


def _counts(rows: pl.DataFrame, column: str) -> dict[str, int]:
    counted = rows.drop_nulls(column).group_by(column).len()
    return dict(counted.sort("len", column, descending=[True, False]).iter_rows())
