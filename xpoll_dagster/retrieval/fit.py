"""Weights of fused search, fitted on questions whose chunk is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.options import SearchOptions
from xpoll_dagster.retrieval.search import Searcher

_RIVALS = 200
_FEWEST = 50
_NEVER = -1e6
_PULL = 1e-3
_NOTHING = 1e-2
WEIGHTS: tuple[str, ...] = ("pairs", "printed", "together", "chunk")
"""In the order of `Searcher.features`."""


def fit_weights(
    searcher: Searcher, questions: Sequence[str], gold_rows: Sequence[Sequence[int]]
) -> SearchOptions:
    """The weights under which the right rows are likeliest among the best 200 rivals.

    A conditional logit over the four scores of `FusionWeights`, fitted by L-BFGS from 0 upwards
    with a slight pull towards 0, then brought to the scale of the weights it started from, on
    which the order does not depend. Fit on questions that nothing is measured on afterwards:
    those of the train split.

    Args:
        searcher: Over the index that is searched.
        questions: At least 50.
        gold_rows: For each question the rows of the index that answer it.

    Returns:
        The searcher's options with the weights of `fusion` replaced.

    Raises:
        RetrievalError: Fewer than 50 questions, or nothing helps to find their chunks.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    if len(questions) < _FEWEST:
        raise RetrievalError(
            f"Weights cannot be fitted on {len(questions)} questions: {_FEWEST} are needed."
        )
    current = np.array([getattr(searcher.options.fusion, name) for name in WEIGHTS])
    features, right = [], []
    most = max(len(rows) for rows in gold_rows)
    for start in range(0, len(questions), searcher.options.batch):
        batch = list(questions[start : start + searcher.options.batch])
        parts = searcher.features(batch)
        fused = parts @ current
        for place, scores in enumerate(parts):
            gold = np.asarray(gold_rows[start + place], dtype=np.int64)
            rivals = np.argsort(-fused[place], kind="stable")[:_RIVALS]
            rows = np.union1d(rivals, gold)
            # Questions with fewer rivals are filled up with rows that can never be likely.
            kept = np.full((_RIVALS + most, len(WEIGHTS)), _NEVER)
            kept[: len(rows)] = scores[rows]
            features.append(kept)
            mark = np.zeros(_RIVALS + most, dtype=bool)
            mark[: len(rows)] = np.isin(rows, gold)
            right.append(mark)
    values, gold_mask = np.stack(features), np.stack(right)
    real = values[..., 0] > _NEVER
    scale = values[real].std(axis=0) + 1e-9
    values /= scale

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = np.where(real, values @ weights, -np.inf)
        all_rows = np.asarray(logsumexp(logits, axis=1))
        gold = np.where(gold_mask, logits, -np.inf)
        gold_rows = np.asarray(logsumexp(gold, axis=1))
        pull = np.exp(logits - all_rows[:, None]) - np.exp(gold - gold_rows[:, None])
        slope = np.tensordot(pull, np.where(real[..., None], values, 0.0), ((0, 1), (0, 1)))
        return (
            float(np.mean(all_rows - gold_rows)) + _PULL * float(weights @ weights),
            slope / len(values) + 2 * _PULL * weights,
        )

    found = (
        minimize(
            loss,
            np.full(len(WEIGHTS), 0.5),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, None)] * len(WEIGHTS),
        ).x
        / scale
    )
    if found @ scale < _NOTHING:
        raise RetrievalError(
            "The questions share neither words nor meaning with their chunks, so that no weights "
            "can be fitted."
        )
    found *= (current @ scale) / (found @ scale)
    weights: dict[str, float] = dict(zip(WEIGHTS, np.round(found, 3).tolist(), strict=True))
    return searcher.options.model_copy(
        update={"fusion": searcher.options.fusion.model_copy(update=weights)}
    )
