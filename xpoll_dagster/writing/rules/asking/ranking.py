"""How good a question is, from features: is its chunk found by it, is it specific, its form.

The weights of templates were set by judgement while reading what they ask; the rest is set by
reason. It is a ranking for choosing, not a probability.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpoll_dagster.writing.rules.asking.candidate import Candidate
from xpoll_dagster.writing.rules.asking.screening import content_words

TRUST: dict[str, float] = {
    "definition": 0.9, "naming": 0.9, "meaning": 0.9, "acronym": 0.95, "identity": 0.8,
    "who is": 0.85, "year": 0.95, "date": 0.9, "clock": 0.9, "period": 0.85,
    "relative time": 0.85, "duration": 0.85, "event time": 0.75, "place": 0.8, "manner": 0.85,
    "means": 0.8, "cause": 0.85, "purpose": 0.8, "value": 0.85, "measured value": 0.85,
    "change": 0.85, "count": 0.8, "who did": 0.85, "agent": 0.85, "cause of": 0.8,
    "what did": 0.65, "object": 0.7, "relation": 0.7, "composition": 0.75, "finding": 0.75,
    "use": 0.8, "apposition": 0.85, "relative": 0.8, "which": 0.7, "what was": 0.55, "range": 0.85,
    "frequency": 0.9, "position": 0.8, "gap": 0.5,
}  # fmt: skip
"""How far each template is trusted, 0 to 1."""


BROAD = frozenset({"definition", "meaning", "who is", "apposition", "acronym"})
"""Templates that name one thing, which other chunks may speak of as much as their own."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What is known of a candidate in its batch.

    `rank` is the place of its own chunk when the batch is searched with it (1 is best);
    `specificity` the mean idf of its words, 0 to 1; `n_chunks` the size of the batch.
    """

    rank: int
    specificity: float
    n_chunks: int


def measure(candidates: Sequence[Candidate], passages: Sequence[str]) -> list[Measures]:
    """Search the batch's passages with every question, by BM25 (k1 1.2, b .75)."""
    from scipy.sparse import csr_matrix

    bags = [Counter(content_words(passage)) for passage in passages]
    vocabulary = {word: at for at, word in enumerate(sorted(set().union(*bags)))} if bags else {}
    if not candidates or not vocabulary:
        return [Measures(1, 0.0, len(passages)) for _ in candidates]
    frequency: Counter[str] = Counter(word for bag in bags for word in bag)
    n = len(bags)
    idf = {word: math.log1p((n - df + 0.5) / (df + 0.5)) for word, df in frequency.items()}
    top = math.log1p((n + 0.5) / 1.5)
    mean = sum(sum(bag.values()) for bag in bags) / n or 1.0
    rows, columns, weights = [], [], []
    for at, bag in enumerate(bags):
        length = 1.2 * (0.25 + 0.75 * sum(bag.values()) / mean)
        for word, count in bag.items():
            rows.append(vocabulary[word])
            columns.append(at)
            weights.append(idf[word] * count * 2.2 / (count + length))
    documents: Any = csr_matrix((weights, (rows, columns)), shape=(len(vocabulary), n))
    measures: list[Measures] = []
    for start in range(0, len(candidates), 512):
        part = candidates[start : start + 512]
        words = [sorted(set(content_words(one.question)) & vocabulary.keys()) for one in part]
        indices = [vocabulary[word] for found in words for word in found]
        pointers = np.cumsum([0, *map(len, words)])
        queries: Any = csr_matrix(
            (np.ones(len(indices)), indices, pointers), shape=(len(part), len(vocabulary))
        )
        scores = (queries @ documents).toarray()
        for one, found, line in zip(part, words, scores, strict=True):
            rank = 1 + int((line > line[one.chunk] + 1e-9).sum())
            rare = sorted((idf[word] for word in found), reverse=True)[:4]
            specificity = sum(rare) / (4 * top) if top else 0.0
            measures.append(Measures(rank, min(1.0, specificity), n))
    return measures


def score(candidate: Candidate, measures: Measures) -> float:
    """A candidate's score, 0 to 1."""
    words = len(candidate.question.split())
    answer = len(candidate.answer.split())
    value = TRUST.get(candidate.template, 0.5)
    value *= {1: 1.0, 2: 0.9, 3: 0.85}.get(measures.rank, 0.7 if measures.rank <= 5 else 0.3)
    value *= 0.6 + 0.4 * min(1.0, measures.specificity / 0.5)
    value *= 1.0 if 7 <= words <= 22 else 0.85 if words <= 28 else 0.7
    value *= 1.0 if answer <= 12 else 0.9 if answer <= 18 else 0.75
    return round(max(0.0, min(1.0, value)), 4)
