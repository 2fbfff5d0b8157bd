"""How alike two rows are, word by word."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Indel

from xpoll_dagster.corpus.merge_options import NearDuplicateOptions


class RowText(NamedTuple):
    """A row to compare: its tokens coded as numbers, case kept.

    `fixed` are its numbers, operators and negations, `quantities` its words for numbers,
    both sorted.
    """

    system: str
    prompt: np.ndarray
    output: np.ndarray
    fixed: np.ndarray
    quantities: np.ndarray


def row_similarity(first: RowText, second: RowText, options: NearDuplicateOptions) -> float | None:
    """Share of the words that stand in both rows in the same order; None if not duplicates.

    That share is 2 LCS / (m + n), with the longest common subsequence of the two lists of
    words: .95 where one word in twenty was changed. Both the prompts and the outputs must be
    alike, so neither another question with the same answer nor another answer to the same
    question is taken for a duplicate. Numbers, operators and negations must be the same,
    system prompts the same or one of them empty. Where one row says "three" the other
    must not say "five" instead.
    """
    if not np.array_equal(first.fixed, second.fixed):
        return None
    if _exchanged(first.quantities, second.quantities):
        return None
    if first.system and second.system and first.system != second.system:
        return None
    prompt = _similarity(first.prompt, second.prompt, options.max_tokens)
    if prompt < options.prompt_similarity:
        return None
    output = _similarity(first.output, second.output, options.max_tokens)
    if output < options.output_similarity:
        return None
    sizes = (len(first.prompt) + len(second.prompt), len(first.output) + len(second.output))
    whole = (prompt * sizes[0] + output * sizes[1]) / max(sum(sizes), 1)
    return whole if whole >= options.similarity else None


def _exchanged(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether both hold something that the other lacks."""
    if np.array_equal(first, second):
        return False
    left, right = Counter(first.tolist()), Counter(second.tolist())
    return bool(left - right) and bool(right - left)


def _similarity(first: np.ndarray, second: np.ndarray, limit: int) -> float:
    # Beyond the limit texts must go on alike: comparing costs the product of the lengths.
    if max(len(first), len(second)) > limit and not np.array_equal(first[limit:], second[limit:]):
        return 0.0
    return Indel.normalized_similarity(first[:limit].tolist(), second[:limit].tolist())
