"""Weights of fused search, fitted on questions whose chunk is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.options import SearchOptions
from xpoll_dagster.retrieval.search import Searcher

_RIVALS = 200
_FEWEST = 50
_NEVER = -1e3


def fit_weights(
    searcher: Searcher, questions: Sequence[str], gold_rows: Sequence[Sequence[int]]
) -> SearchOptions:
    """The weights under which the right rows are likeliest among the best 200 rivals.

    A conditional logit over three scores (BM25 of terms, of pairs, cosine), fitted by L-BFGS,
    then divided by the weight of the terms, on which the order does not depend. Fit on questions
    that nothing is measured on afterwards: those of the train split.

    Args:
        searcher: Over the index that is searched.
        questions: At least 50.
        gold_rows: For each question the rows of the index that answer it.

    Returns:
        The searcher's options with `pair_weight` and `cosine_weight` replaced.

    Raises:
        RetrievalError: Fewer than 50 questions, or words do not help to find their chunks.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    if len(questions) < _FEWEST:
        raise RetrievalError(
            f"Weights cannot be fitted on {len(questions)} questions: {_FEWEST} are needed."
        )
    features, right = [], []
    most = max(len(rows) for rows in gold_rows)
    for start in range(0, len(questions), searcher.options.batch):
        batch = list(questions[start : start + searcher.options.batch])
        three = np.stack(
            [
                searcher.lexical.scores(batch, 1.0, 0.0),
                searcher.lexical.scores(batch, 0.0, 1.0),
                searcher.scores(batch, "windows"),
            ],
            axis=-1,
        )
        fused = searcher.scores(batch, "fused")
        for place, scores in enumerate(three):
            gold = np.asarray(gold_rows[start + place], dtype=np.int64)
            rivals = np.argsort(-fused[place], kind="stable")[:_RIVALS]
            rows = np.union1d(rivals, gold)
            # Questions with fewer rivals are filled up with rows that can never be likely.
            kept = np.full((_RIVALS + most, 3), _NEVER)
            kept[: len(rows)] = scores[rows]
            features.append(kept)
            mark = np.zeros(_RIVALS + most, dtype=bool)
            mark[: len(rows)] = np.isin(rows, gold)
            right.append(mark)
    values, gold_mask = np.stack(features), np.stack(right)

    def loss(weights: np.ndarray) -> float:
        logits = values @ weights
        gold = np.where(gold_mask, logits, -np.inf)
        return float(
            np.mean(np.asarray(logsumexp(logits, axis=1)))
            - np.mean(np.asarray(logsumexp(gold, axis=1)))
        )

    current = searcher.options
    start_at = np.array([1.0, current.pair_weight, current.cosine_weight]) * 0.5
    found = minimize(
        loss, start_at, method="L-BFGS-B", bounds=[(1e-3, None), (0.0, None), (0.0, None)]
    ).x
    if found[0] < 1e-2:
        raise RetrievalError(
            "The questions share no words with their chunks, so that no weight for words can be "
            "fitted: search by vectors alone (mode `windows`)."
        )
    return current.model_copy(
        update={
            "pair_weight": float(found[1] / found[0]),
            "cosine_weight": float(found[2] / found[0]),
        }
    )
