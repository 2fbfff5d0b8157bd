"""Short paraphrases: the one to three sentences that are central to a chunk.

Centrality is TextRank (Mihalcea and Tarau 2004) over the cosines of sentence vectors: the
embedder's, or tf-idf where none is given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from xpoll_dagster.writing.rules.paraphrasing.sentences import SourceSentence

MIN_SHARE, MAX_SHARE = 0.15, 0.6
HALF = 0.5
_DAMPING = 0.85
_FACT = re.compile(r"\d+(?:[.,:]\d+)*|(?<=[a-z,;] )[A-Z][\w’'-]+")


def central_sentences(sentences: Sequence[SourceSentence], vectors: np.ndarray) -> tuple[int, ...]:
    """Numbers of the central sentences that stand alone, in order; empty where there are none.

    One or two, three where fewer would leave out most numbers and names; together 15 to 60 %
    of the words. Of several choices the most central wins;
    numbers and names that are kept count, too, for a summary without them is of little use.

    Args:
        sentences: All sentences of the chunk.
        vectors: Their vectors, shape [sentences, dimensions], L2-normalised.
    """
    total = sum(sentence.n_words for sentence in sentences)
    free = [at for at, sentence in enumerate(sentences) if sentence.alone][:24]
    if not free or len(sentences) < 2:
        return ()
    rank = text_rank(vectors)
    facts = [set(_FACT.findall(sentence.text)) for sentence in sentences]
    every = set().union(*facts)
    best: tuple[float, tuple[int, ...]] | None = None
    for size in (1, 2, 3):
        for chosen in combinations(free, size):
            share = sum(sentences[at].n_words for at in chosen) / total
            if not MIN_SHARE <= share <= MAX_SHARE:
                continue
            kept = set().union(*(facts[at] for at in chosen))
            worth = sum(rank[at] for at in chosen) / size
            share_kept = len(kept) / len(every) if every else 1.0
            worth += 0.5 * share_kept
            # A third sentence only where two leave out most of what is told by numbers and names.
            worth -= 0.15 * (size - 1) + (1.0 if share_kept < HALF else 0.0)
            if best is None or (worth, -chosen[0]) > (best[0], -best[1][0]):
                best = (worth, chosen)
    return best[1] if best else ()


def text_rank(vectors: np.ndarray) -> np.ndarray:
    """TextRank of sentences, the best 1.0, by power iteration over their cosines."""
    weights = np.clip(vectors @ vectors.T, 0.0, None).astype(np.float64)
    np.fill_diagonal(weights, 0.0)
    sums = weights.sum(axis=1, keepdims=True)
    steps = np.divide(weights, sums, out=np.full_like(weights, 1 / len(weights)), where=sums > 0)
    rank = np.full(len(weights), 1 / len(weights))
    for _ in range(50):
        rank = (1 - _DAMPING) / len(weights) + _DAMPING * (steps.T @ rank)
    return rank / rank.max()
