"""Questions that ask the same as an earlier one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from xpoll_dagster.writing.gate_options import QuestionGateOptions
from xpoll_dagster.writing.gates.answers import folded_words
from xpoll_dagster.writing.gates.word_lists import word_list

_BLOCK = 1024
_FUNCTION = frozenset(
    word_list(
        "who whom whose what when where why how which did does do was were is are the a an of "
        "in on at to by for from with and or many much long far often it that"
    )
)
_FIGURE = re.compile(r"\d+(?:\.\d+)*")


def find_duplicates(
    questions: Sequence[str],
    answers: Sequence[str],
    worth: Sequence[float],
    options: QuestionGateOptions,
    vectors: np.ndarray | None = None,
) -> list[int | None]:
    """For each question the number of the question that it repeats, null where it is kept.

    Questions are taken in the order of their worth, earlier ones first among equals: what
    repeats one that was kept is a duplicate of it. Two questions are the same where their
    telling words are (Jaccard), or where their vectors are and their answers agree; never
    where they hold different numbers ("What did Apollo 12 ...", "What did Apollo 13 ...").
    """
    from scipy import sparse

    vocabulary: dict[str, int] = {}
    rows: list[list[int]] = []
    figures: list[tuple[str, ...]] = []
    for question in questions:
        words = set(folded_words(question))
        telling = words - _FUNCTION or words
        rows.append([vocabulary.setdefault(word, len(vocabulary)) for word in sorted(telling)])
        figures.append(tuple(sorted(word for word in words if _FIGURE.fullmatch(word))))
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    indices = np.fromiter((item for row in rows for item in row), dtype=np.int64)
    matrix: Any = sparse.csr_matrix(
        (np.ones(indices.size, dtype=np.float32), indices, indptr),
        shape=(len(rows), max(len(vocabulary), 1)),
    )
    sizes = np.diff(indptr)
    same_answer = [" ".join(folded_words(answer)) for answer in answers]
    neighbours: dict[int, list[int]] = {}
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(rows)))
        shared = (matrix[block] @ matrix.T).tocoo()
        left = shared.row + start
        union = sizes[left] + sizes[shared.col] - shared.data
        alike = shared.data > options.max_duplicate_words * union
        pairs = list(zip(left[alike].tolist(), shared.col[alike].tolist(), strict=True))
        if vectors is not None:
            cosines = vectors[block] @ vectors.T
            one, other = np.nonzero(cosines > options.max_duplicate_similarity)
            pairs += [
                (int(a) + start, int(b))
                for a, b in zip(one, other, strict=True)
                if same_answer[int(a) + start] == same_answer[int(b)]
            ]
        for one_row, other_row in pairs:
            if one_row != other_row and figures[one_row] == figures[other_row]:
                neighbours.setdefault(one_row, []).append(other_row)
    result: list[int | None] = [None] * len(rows)
    kept: set[int] = set()
    for row in sorted(range(len(rows)), key=lambda number: (-worth[number], number)):
        repeats = [other for other in neighbours.get(row, ()) if other in kept]
        if repeats:
            result[row] = min(repeats)
        else:
            kept.add(row)
    return result
