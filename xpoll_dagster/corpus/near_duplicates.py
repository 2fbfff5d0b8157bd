"""Near-duplicates: rows that say the same with a few words changed.

Rows that share a band of their signatures are candidates. Each candidate is compared with the
better row word by word, in the texts themselves, and is removed only if that row is kept: no
chain of small differences joins rows that are not alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from xpoll_dagster.corpus.fates import numbering
from xpoll_dagster.corpus.keys import longer_conversations
from xpoll_dagster.corpus.merge_options import NearDuplicateOptions
from xpoll_dagster.corpus.normal_form import normal_form
from xpoll_dagster.corpus.signatures import TEXT_COLUMNS, band_names, source_signatures
from xpoll_dagster.corpus.similarity import RowText, row_similarity
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.corpus.tokens import tokenize
from xpoll_dagster.corpus.winners import rank_rows, standings

_ROUNDS = 3
_NEAR_SCHEMA = {"row": pl.Int64, "kept": pl.Int64, "similarity": pl.Float64}


def near_duplicates(
    sources: Sequence[Source], out: np.ndarray, options: NearDuplicateOptions
) -> pl.DataFrame:
    """Near-duplicates over all sources; rows are numbered through the sources.

    Args:
        sources: The sources, in order of name.
        out: Whether each row is removed already.
        options: Signatures and thresholds.

    Returns:
        `row`, `kept` and `similarity` for each row to remove; `kept` is kept.
    """
    candidates = np.zeros(len(out), bool)
    for _, rows in _buckets(sources, out, options):
        candidates[rows] = True
    rows = np.flatnonzero(candidates)
    if not len(rows):
        return pl.DataFrame(schema=_NEAR_SCHEMA)
    # From here on rows go by rank, the best 0: what is compared does not depend on their order.
    by_rank = rank_rows(standings(sources, rows))["row"].to_numpy()
    rank = np.full(len(out), -1, np.int64)
    rank[by_rank] = np.arange(len(by_rank))
    pairs = _pairs(sources, out, options, rank)
    alike: dict[tuple[int, int], float] = {}
    tried: set[tuple[int, int]] = set()
    removed: dict[int, tuple[int, float]] = {}
    for _ in range(_ROUNDS):
        new = sorted(pairs - tried)
        if not new:
            break
        tried.update(new)
        alike.update(_compare(sources, by_rank, new, options))
        removed = _resolve(alike)
        # A row that was close to a removed row may be close to what stands for it.
        pairs = {
            (removed[better][0], worse)
            for better, worse in tried
            if better in removed and worse not in removed
        }
    table = [(int(by_rank[w]), int(by_rank[b]), score) for w, (b, score) in removed.items()]
    return pl.DataFrame(table, schema=_NEAR_SCHEMA, orient="row").sort("row")


def _buckets(
    sources: Sequence[Source], out: np.ndarray, options: NearDuplicateOptions
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each band, its values and rows where a value occurs more than once, by value."""
    starts = numbering(sources)
    for name in band_names(options):
        values, rows = [], []
        for start, source in zip(starts[:-1], sources, strict=True):
            signed = source_signatures(source, options, ("position", name))
            number = start + signed["position"].to_numpy().astype(np.int64)
            stays = ~out[number]
            values.append(signed[name].to_numpy()[stays])
            rows.append(number[stays])
        value, row = np.concatenate(values), np.concatenate(rows)
        order = np.argsort(value)
        value, row = value[order], row[order]
        same = np.zeros(len(value) + 1, bool)
        same[1:-1] = value[1:] == value[:-1]
        shared = same[1:] | same[:-1]
        yield value[shared], row[shared]


def _pairs(
    sources: Sequence[Source], out: np.ndarray, options: NearDuplicateOptions, rank: np.ndarray
) -> set[tuple[int, int]]:
    """Pairs of ranks to compare: of each bucket every row with the best one and the next one."""
    found = []
    for shared, row in _buckets(sources, out, options):
        order = np.lexsort((rank[row], shared))
        value, place = shared[order], rank[row][order]
        first = np.concatenate([[True], value[1:] != value[:-1]])
        best = place[np.maximum.accumulate(np.where(first, np.arange(len(place)), 0))]
        later = np.flatnonzero(~first)
        neighbours = (best[later], place[later - 1])
        found.extend(better * len(rank) + place[later] for better in neighbours)
    if not found:
        return set()
    codes = np.unique(np.concatenate(found))
    return set(zip((codes // len(rank)).tolist(), (codes % len(rank)).tolist(), strict=True))


def _resolve(alike: dict[tuple[int, int], float]) -> dict[int, tuple[int, float]]:
    """Go through the rows from the best: one that is like a kept better row is removed."""
    better_of: dict[int, list[tuple[int, float]]] = {}
    for (better, worse), score in alike.items():
        better_of.setdefault(worse, []).append((better, score))
    removed: dict[int, tuple[int, float]] = {}
    for worse in sorted(better_of):
        standing = [pair for pair in better_of[worse] if pair[0] not in removed]
        if standing:
            removed[worse] = min(standing)
    return removed


def _compare(
    sources: Sequence[Source],
    by_rank: np.ndarray,
    pairs: list[tuple[int, int]],
    options: NearDuplicateOptions,
) -> dict[tuple[int, int], float]:
    """The pairs that are alike, with their similarity; few texts are in memory at a time."""
    alike = {}
    waiting: list[tuple[int, int]] = []
    rows: set[int] = set()
    for number, pair in enumerate(pairs):
        waiting.append(pair)
        rows.update(pair)
        if len(rows) < options.rows_at_once and number + 1 < len(pairs):
            continue
        texts = _texts(sources, by_rank, rows)
        for better, worse in waiting:
            score = row_similarity(texts[better], texts[worse], options)
            if score is not None:
                alike[better, worse] = score
        waiting, rows = [], set()
    return alike


def _texts(sources: Sequence[Source], by_rank: np.ndarray, ranks: set[int]) -> dict[int, RowText]:
    ordered = np.array(sorted(ranks), np.int64)
    rows = by_rank[ordered]
    order = np.argsort(rows)
    ordered, rows = ordered[order], rows[order]
    starts = numbering(sources)
    texts: dict[int, RowText] = {}
    done = 0
    for start, source in zip(starts[:-1], sources, strict=True):
        for index in range(len(source.report.shards)):
            low, high = start + source.starts[index], start + source.starts[index + 1]
            end = int(np.searchsorted(rows, high))
            if end == done:
                continue
            chosen = np.zeros(high - low, bool)
            chosen[rows[done:end] - low] = True
            frame = source.read_shard(index, chosen, [*TEXT_COLUMNS, "system"])
            texts.update(zip(ordered[done:end].tolist(), _row_texts(frame), strict=True))
            done = end
    return texts


def _row_texts(frame: pl.DataFrame) -> Iterator[RowText]:
    said = longer_conversations(frame, normalise=False)
    prompts = frame.select(pl.concat_str("instruction", "input", separator="\n")).to_series()
    outputs = frame.select(pl.concat_str("output", said, separator="\n")).to_series()
    prompt, output = tokenize(prompts, keep_case=True), tokenize(outputs, keep_case=True)
    for index, system in enumerate(normal_form(frame["system"])):
        at = slice(prompt.starts[index], prompt.starts[index + 1])
        to = slice(output.starts[index], output.starts[index + 1])
        facts = [
            np.sort(np.concatenate([prompt.code[at][left[at]], output.code[to][right[to]]]))
            for left, right in (
                (prompt.fixed, output.fixed),
                (prompt.quantity, output.quantity),
            )
        ]
        yield RowText(system, prompt.code[at], output.code[to], facts[0], facts[1])
