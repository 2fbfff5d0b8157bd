"""How well questions and paraphrases find their chunk, with and without paraphrases as noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from xpoll_dagster.retrieval.search import MODES, Mode, Searcher

SCORES_SCHEMA = pl.Schema(
    {
        "task": pl.String,  # question | paraphrase
        "mode": pl.String,  # dense | windows | bm25 | rrf | fused
        "paraphrases_indexed": pl.Boolean,
        "counted": pl.String,  # original | any_version | original_or_alternate
        "metric": pl.String,  # recall@1 | recall@5 | recall@10 | mrr
        "value": pl.Float64,
        "queries": pl.Int64,
    }
)

_CUTS = (1, 5, 10)
_DEPTH = 100  # ranks beyond count 0 in the mean reciprocal rank


def retrieval_scores(
    originals: Searcher,
    noisy: Searcher | None,
    questions: pl.DataFrame,
    modes: Sequence[Mode] = MODES,
    sample: int = 2000,
    seed: int = 0,
) -> pl.DataFrame:
    """Recall and mean reciprocal rank, in long format.

    Counted apart: `original` is the chunk the question was asked about; `any_version` that chunk
    or a paraphrase of it; `original_or_alternate` an original of any chunk that answers. For
    paraphrases as queries, the paraphrase itself is taken out of the ranking first.

    Args:
        originals: Over the index without paraphrases.
        noisy: Over the index with them, or None.
        questions: From `measure_questions`; those that were kept are counted, together with
            those that search did not find, for leaving these out would flatter the scores.
        modes: How texts are compared.
        sample: At most so many questions, and so many paraphrases, drawn by chance.
        seed: Of the draw.

    Returns:
        A frame of `SCORES_SCHEMA`; empty where there is nothing to ask.
    """
    asked = questions.filter(
        pl.col("kept") | pl.col("left_out").fill_null("").str.starts_with("search does not find")
    )
    asked = asked.sample(min(sample, asked.height), seed=seed)
    parts: list[dict[str, object]] = []
    for searcher, with_noise in ((originals, False), (noisy, True)):
        if searcher is None:
            continue
        numbers = searcher.index.rows["number"].to_numpy()
        copies = searcher.index.rows["is_paraphrase"].to_numpy()
        gold = [
            np.asarray([int(name.removeprefix("chunk_")) for name in names], dtype=np.int64)
            for names in asked["gold_chunk_ids"]
        ]
        for mode in modes:
            ranks = _question_ranks(searcher, asked, gold, numbers, copies, mode)
            for counted, found in ranks.items():
                parts.extend(_rows("question", mode, counted, found, noise=with_noise))
    if noisy is not None:
        for searcher, with_noise in ((originals, False), (noisy, True)):
            for mode in modes:
                for counted, found in _paraphrase_ranks(
                    searcher, noisy, mode, sample, seed
                ).items():
                    parts.extend(_rows("paraphrase", mode, counted, found, noise=with_noise))
    return pl.DataFrame(parts, schema=SCORES_SCHEMA)


def _question_ranks(
    searcher: Searcher,
    asked: pl.DataFrame,
    gold: Sequence[np.ndarray],
    numbers: np.ndarray,
    copies: np.ndarray,
    mode: Mode,
) -> dict[str, list[int]]:
    ranks: dict[str, list[int]] = {"original": [], "any_version": [], "original_or_alternate": []}
    found = searcher.rank(asked["question"].to_list(), _DEPTH, mode)[0]
    for row, own, names in zip(found, asked["number"], gold, strict=True):
        ours = numbers[row] == own
        ranks["original"].append(_first(ours & ~copies[row]))
        ranks["any_version"].append(_first(ours))
        ranks["original_or_alternate"].append(_first(np.isin(numbers[row], names) & ~copies[row]))
    return ranks


def _paraphrase_ranks(
    searcher: Searcher, noisy: Searcher, mode: Mode, sample: int, seed: int
) -> dict[str, list[int]]:
    copies = noisy.index.rows.filter(pl.col("is_paraphrase"))
    copies = copies.sample(min(sample, copies.height), seed=seed)
    rows = searcher.index.rows
    numbers, is_copy = rows["number"].to_numpy(), rows["is_paraphrase"].to_numpy()
    same_index = searcher is noisy
    ranks: dict[str, list[int]] = {"original": [], "any_version": []}
    found = searcher.rank(copies["text"].to_list(), _DEPTH + 1, mode)[0]
    for row, own, number in zip(found, copies["row"], copies["number"], strict=True):
        others = row[row != own] if same_index else row
        ours = numbers[others] == number
        ranks["original"].append(_first(ours & ~is_copy[others]))
        ranks["any_version"].append(_first(ours))
    return ranks


def _first(hits: np.ndarray) -> int:
    """Rank of the first hit, from 1; 0 for none."""
    place = np.flatnonzero(hits)
    return int(place[0]) + 1 if len(place) else 0


def _rows(
    task: str,
    mode: str,
    counted: str,
    ranks: Sequence[int],
    *,
    noise: bool,
) -> Iterator[dict[str, object]]:
    if not ranks:
        return
    found = np.asarray(ranks, dtype=np.float64)
    hit = found > 0
    values = {f"recall@{cut}": float((hit & (found <= cut)).mean()) for cut in _CUTS}
    values["mrr"] = float(np.where(hit, 1.0 / np.maximum(found, 1), 0.0).mean())
    for metric, value in values.items():
        yield {
            "task": task,
            "mode": mode,
            "paraphrases_indexed": noise,
            "counted": counted,
            "metric": metric,
            "value": value,
            "queries": len(ranks),
        }
