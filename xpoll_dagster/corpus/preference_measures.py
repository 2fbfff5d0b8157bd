"""What gives preference pairs away: whether length or words alone tell chosen from rejected."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

_FOLDS = 5
_FEATURES = 2**16
LENGTH_AUC = (0.45, 0.55)
"""Where length tells nothing, its AUC lies here."""


def pair_measures(pairs: pl.DataFrame, prompts: np.ndarray) -> dict[str, Any]:
    """AUC of a classifier by length alone, and of one by the bag of words alone.

    Args:
        pairs: `chosen` and `rejected`.
        prompts: A number for each row's prompt: pairs of one prompt are never in training and
            test at once.

    Returns:
        `pairs`; `length_auc`: the probability that a chosen text is longer than a rejected one
        drawn at random (Mann & Whitney), .5 where length tells nothing; `chosen_longer`: share
        of the pairs whose chosen text is the longer one; `words_auc`: of a logistic regression
        over words and pairs of words, five-fold by prompt, on texts it was not trained on
        (below .5 where the same answer is right for one prompt and wrong for another).
        The AUCs are null where there are too few pairs.
    """
    lengths = [
        pairs[name].str.len_chars().to_numpy().astype(float) for name in ("chosen", "rejected")
    ]
    found: dict[str, Any] = {"pairs": pairs.height, "length_auc": None, "words_auc": None}
    if not pairs.height:
        return found | {"chosen_longer": None}
    longer = (lengths[0] > lengths[1]) + 0.5 * (lengths[0] == lengths[1])
    found["chosen_longer"] = round(float(longer.mean()), 4)
    if len(np.unique(prompts)) < 2 * _FOLDS:
        return found
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold

    truth = np.repeat([1, 0], pairs.height)
    found["length_auc"] = round(float(roc_auc_score(truth, np.concatenate(lengths))), 4)
    texts = [*pairs["chosen"].to_list(), *pairs["rejected"].to_list()]
    words = HashingVectorizer(n_features=_FEATURES, ngram_range=(1, 2)).transform(texts)
    scores = np.zeros(len(texts))
    groups = np.concatenate([prompts, prompts])
    for train, test in GroupKFold(_FOLDS).split(words, truth, groups):
        model = LogisticRegression(solver="liblinear")
        model.fit(words[train], truth[train])
        scores[test] = model.decision_function(words[test])
    found["words_auc"] = round(float(roc_auc_score(truth, scores)), 4)
    return found
