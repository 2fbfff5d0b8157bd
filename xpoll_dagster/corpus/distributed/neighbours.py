"""Near-duplicates on many machines: rows that share a band are brought together by its hash.

The rules are those of `near_duplicates`: each row of a bucket is compared with the bucket's
best row and with the next better one, word by word, and gone through from the best row on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import polars as pl

from xpoll_dagster.compute.protocol import Compute, Task
from xpoll_dagster.corpus.fates import numbering
from xpoll_dagster.corpus.merge_options import NearDuplicateOptions
from xpoll_dagster.corpus.near_duplicates import _NEAR_SCHEMA, _ROUNDS, _resolve, _row_texts
from xpoll_dagster.corpus.signatures import TEXT_COLUMNS, band_names, source_signatures
from xpoll_dagster.corpus.similarity import row_similarity
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.winners import rank_rows, standings

_ROWS_AT_ONCE = 100_000  # whose bands travel in one batch
_PAIRS_AT_ONCE = 2_000
_COLUMNS = (*TEXT_COLUMNS, "system")
_BUCKETS_SCHEMA = {"band": pl.UInt8, "value": pl.UInt64, "row": pl.Int64}
_SCORES_SCHEMA = {"better": pl.Int64, "worse": pl.Int64, "score": pl.Float64}


def near_duplicates_on(
    compute: Compute, sources: Sequence[Source], out: np.ndarray, options: NearDuplicateOptions
) -> pl.DataFrame:
    """As `near_duplicates.near_duplicates`, which it equals; signatures must be there.

    Args:
        compute: Where.
        sources: The sources, in order of name; rows are numbered through.
        out: Whether each row is removed already.
        options: Signatures and thresholds.
    """
    parts = compute.shuffle(_bands(sources, out, options), "value", shared_buckets)
    buckets = pl.concat([pl.DataFrame(schema=_BUCKETS_SCHEMA), *parts])
    if buckets.is_empty():
        return pl.DataFrame(schema=_NEAR_SCHEMA)
    rows = buckets["row"].unique().sort().to_numpy()
    by_rank = rank_rows(standings(sources, rows))["row"].to_numpy()
    pairs = _pairs(buckets, rows, by_rank)
    alike: dict[tuple[int, int], float] = {}
    tried: set[tuple[int, int]] = set()
    removed: dict[int, tuple[int, float]] = {}
    for _ in range(_ROUNDS):
        new = sorted(pairs - tried)
        if not new:
            break
        tried.update(new)
        alike.update(_compare(compute, sources, by_rank, new, options))
        removed = _resolve(alike)
        pairs = {
            (removed[better][0], worse)
            for better, worse in tried
            if better in removed and worse not in removed
        }
    table = [(int(by_rank[w]), int(by_rank[b]), score) for w, (b, score) in removed.items()]
    return pl.DataFrame(table, schema=_NEAR_SCHEMA, orient="row").sort("row")


def shared_buckets(bands: pl.DataFrame) -> pl.DataFrame:
    """Of `band`, `value` and `row`, those whose band's value occurs more than once."""
    return bands.filter(pl.len().over("band", "value") > 1)


def _bands(
    sources: Sequence[Source], out: np.ndarray, options: NearDuplicateOptions
) -> Iterator[pl.DataFrame]:
    names = band_names(options)
    for start, source in zip(numbering(sources)[:-1], sources, strict=True):
        signed = source_signatures(source, options, ("position", *names)).select(
            *names, row=pl.col("position").cast(pl.Int64) + int(start)
        )
        signed = signed.filter(pl.Series(~out[signed["row"].to_numpy()], dtype=pl.Boolean))
        for part in signed.iter_slices(_ROWS_AT_ONCE):
            for number, name in enumerate(names):
                yield part.select(pl.lit(number, pl.UInt8).alias("band"), value=name, row="row")


def _pairs(buckets: pl.DataFrame, rows: np.ndarray, by_rank: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of ranks to compare: every row of a bucket with the best one and the next one."""
    rank = np.empty(len(rows), np.int64)
    rank[np.searchsorted(rows, by_rank)] = np.arange(len(by_rank))
    ranked = buckets.select(
        "band", "value", place=rank[np.searchsorted(rows, buckets["row"].to_numpy())]
    ).sort("band", "value", "place")
    bucket = ("band", "value")
    pairs = ranked.select(
        place="place",
        best=pl.col("place").first().over(*bucket),
        before=pl.col("place").shift(1).over(*bucket),
    ).drop_nulls("before")
    both = pl.concat(
        [pairs.select("best", "place"), pairs.select(best=pl.col("before"), place="place")]
    )
    return set(both.unique().iter_rows())


def _compare(
    compute: Compute,
    sources: Sequence[Source],
    by_rank: np.ndarray,
    pairs: list[tuple[int, int]],
    options: NearDuplicateOptions,
) -> dict[tuple[int, int], float]:
    """The pairs that are alike, with their similarity."""
    batches = _texts(sources, by_rank, pairs, options.rows_at_once)
    found = [pl.DataFrame(schema=_SCORES_SCHEMA)]
    found.extend(scores for _, scores in compute.map_batches(batches, partial(_comparer, options)))
    return {(better, worse): score for better, worse, score in pl.concat(found).iter_rows()}


def _texts(
    sources: Sequence[Source], by_rank: np.ndarray, pairs: list[tuple[int, int]], rows_at_once: int
) -> Iterator[pl.DataFrame]:
    """Pairs with the texts of both rows; texts of `rows_at_once` rows are in memory at a time."""
    table = np.array(pairs, np.int64).reshape(-1, 2)
    for low in range(0, len(table), max(rows_at_once // 2, 1)):
        some = table[low : low + max(rows_at_once // 2, 1)]
        rows = np.unique(by_rank[some])
        texts = _read_rows(sources, rows)
        for start in range(0, len(some), _PAIRS_AT_ONCE):
            part = some[start : start + _PAIRS_AT_ONCE]
            sides = [
                texts[np.searchsorted(rows, by_rank[part[:, side]])].rename(f"{name}_{{}}".format)
                for side, name in enumerate(("better", "worse"))
            ]
            ranks = pl.DataFrame({"better": part[:, 0], "worse": part[:, 1]})
            yield pl.concat([ranks, *sides], how="horizontal")


def _read_rows(sources: Sequence[Source], rows: np.ndarray) -> pl.DataFrame:
    """Texts of rows, given by number in ascending order, in that order."""
    parts = []
    for start, source in zip(numbering(sources)[:-1], sources, strict=True):
        for index in range(len(source.report.shards)):
            low, high = start + source.starts[index], start + source.starts[index + 1]
            first, last = np.searchsorted(rows, [low, high])
            if first == last:
                continue
            chosen = np.zeros(high - low, bool)
            chosen[rows[first:last] - low] = True
            parts.append(source.read_shard(index, chosen, _COLUMNS))
    return pl.concat(parts)


def _comparer(options: NearDuplicateOptions) -> Task:
    def compare(batch: pl.DataFrame) -> pl.DataFrame:
        found = []
        for ranks, better, worse in zip(
            batch.select("better", "worse").iter_rows(),
            _side(batch, "better"),
            _side(batch, "worse"),
            strict=True,
        ):
            score = row_similarity(better, worse, options)
            if score is not None:
                found.append((*ranks, score))
        return pl.DataFrame(found, schema=_SCORES_SCHEMA, orient="row")

    return compare


def _side(batch: pl.DataFrame, name: str) -> Iterable:
    return _row_texts(batch.select(pl.col(f"{name}_{column}").alias(column) for column in _COLUMNS))
