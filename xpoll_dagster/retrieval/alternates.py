"""Which other chunks answer a question as well as the one it was asked about.

Near-duplicate chunks, and chunks of other books that say the same, must not count as misses: a
reward that punishes them is noise. A chunk counts where it holds the answer, and the sentences
around the answer hold the question's telling words: at least a share of their weight (inverse
document frequency), and nearly as much as the question's own chunk does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xpoll_dagster.retrieval.answers import normalise_answer
from xpoll_dagster.retrieval.lexical import LexicalIndex
from xpoll_dagster.retrieval.options import DifficultyOptions, IndexOptions
from xpoll_dagster.retrieval.terms import split_terms
from xpoll_dagster.retrieval.windows import split_windows


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a question's weight the best window around the answer holds, 0 to 1.

    `holds` says whether the answer stands in the chunk at all.
    """

    holds: bool
    share: float


def cover(question: str, answer: str, text: str, lexical: LexicalIndex) -> Coverage:
    """Measure one chunk against one question and its answer.

    A cloze's gap and the answer's own words do not count as words of the question.
    """
    wanted = normalise_answer(answer)
    if not wanted or f" {wanted} " not in f" {normalise_long(text)} ":
        return Coverage(holds=False, share=0.0)
    weights = {term: lexical.weight(term) for term in set(split_terms(question))}
    total = sum(weights.values())
    if total == 0:
        return Coverage(holds=True, share=0.0)
    best = 0.0
    windows = split_windows(text, IndexOptions().window_words)
    # Three sentences in a row: two windows that overlap, so that an answer's neighbours count.
    for place, window in enumerate(windows):
        if f" {wanted} " not in f" {normalise_long(window)} ":
            continue
        near = set(split_terms(" ".join(windows[max(0, place - 1) : place + 2])))
        best = max(best, sum(w for term, w in weights.items() if term in near) / total)
    return Coverage(holds=True, share=best)


def normalise_long(text: str) -> str:
    """A text of any length normalised as answers are."""
    size = 1500
    words = text.split(" ")
    return " ".join(
        normalise_answer(" ".join(words[at : at + size // 10]))
        for at in range(0, len(words), size // 10)
    )


def find_alternates(
    question: str,
    answer: str,
    own: int,
    candidates: Sequence[int],
    texts: Sequence[str],
    lexical: LexicalIndex,
    options: DifficultyOptions,
) -> list[int]:
    """The candidates that answer the question too, in their order.

    Args:
        question: The question.
        answer: Its answer.
        own: Number of the chunk it was asked about.
        candidates: Numbers of the chunks to look at: the best found for the question, and those
            its author names.
        texts: Of all chunks, by number.
        lexical: Weights of words.
        options: `coverage`, `relative_coverage`.
    """
    bar = cover(question, answer, texts[own], lexical).share * options.relative_coverage
    bar = max(bar, options.coverage)
    found = []
    for number in dict.fromkeys(candidates):
        if number == own:
            continue
        measured = cover(question, answer, texts[number], lexical)
        same = texts[number] == texts[own]
        if same or (measured.holds and measured.share >= bar):
            found.append(number)
    return found
