"""Comparing answers: normalised exact match, token F1, and when containing counts.

Normalisation and F1 follow SQuAD's evaluation (Rajpurkar et al., 2016), with the commas of
thousands removed first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_NOT_WORD = re.compile(r"[^\w.\s]|(?<!\d)\.|\.(?!\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
MAX_ANSWER = 2000
"""Characters of an answer that are looked at."""

_CONTAINED = 0.8
_LEAST_F1 = 0.4


def normalise_answer(text: str) -> str:
    """Lower case, without articles and punctuation (decimal points stay), white space folded.

    >>> normalise_answer("The S-IVB, at 1,750.5 ft.")
    's ivb at 1750.5 ft'
    """
    text = _THOUSANDS.sub("", text[:MAX_ANSWER].lower())
    return " ".join(_ARTICLE.sub(" ", _NOT_WORD.sub(" ", text)).split())


def token_f1(given: str, wanted: str) -> float:
    """Harmonic mean of precision and recall of the tokens of two normalised answers."""
    one, other = normalise_answer(given).split(), normalise_answer(wanted).split()
    if not one or not other:
        return float(one == other and bool(one))
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other)) if common else 0.0


def answer_score(given: str, wanted: Iterable[str]) -> float:
    """How right an answer is, 0 to 1, by the best of the accepted answers.

    1 for a normalised exact match. An answer of two or more tokens that stands inside the given
    one word for word counts at least 0.8, if the given one is at most three times as long: text
    poured out in the hope of containing the answer earns nothing by it. Otherwise token F1, of
    which less than 0.4 counts as chance.
    """
    own = normalise_answer(given)
    best = 0.0
    for answer in wanted:
        target = normalise_answer(answer)
        if not own or not target:
            continue
        if own == target:
            return 1.0
        score = token_f1(own, target)
        n_own, n_target = len(own.split()), len(target.split())
        if n_target >= 2 and n_own <= 3 * n_target and f" {target} " in f" {own} ":
            score = max(score, _CONTAINED)
        best = max(best, score if score >= _LEAST_F1 else 0.0)
    return best
