"""How far a paraphrase is from its source in words, and how close in length."""

from __future__ import annotations

import re

from rapidfuzz.distance import Levenshtein

_WORD = re.compile(r"[^\W_]+(?:[.,'’-][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """A text's words in lower case, numbers whole."""
    return [word.lower() for word in _WORD.findall(text)]


def copied_share(text: str, source: str, run: int = 4) -> float:
    """Share of a text's runs of four words that stand in its source."""
    theirs = words_of(source)
    known = {tuple(theirs[at : at + run]) for at in range(len(theirs) - run + 1)}
    ours = words_of(text)
    runs = [tuple(ours[at : at + run]) for at in range(len(ours) - run + 1)]
    return sum(one in known for one in runs) / len(runs) if runs else 0.0


def longest_copied_run(text: str, source: str) -> int:
    """Words of the longest run that the first 200 words of a text share with its source.

    Counted by growing runs, so it costs the length of both texts for each word of the
    answer, and no more.
    """
    ours, theirs = words_of(text)[:200], words_of(source)
    length = 0
    while length < len(ours):
        longer = length + 1
        known = {tuple(theirs[at : at + longer]) for at in range(len(theirs) - longer + 1)}
        if not any(tuple(ours[at : at + longer]) in known for at in range(len(ours) - longer + 1)):
            break
        length = longer
    return length


def edit_distance(text: str, source: str) -> float:
    """Character edits between two texts by the length of the longer one, 0 to 1.

    Case and white space do not count. ParaScore (arXiv 2202.08479) takes .35 for far enough.
    """
    one, other = " ".join(text.lower().split()), " ".join(source.lower().split())
    return Levenshtein.normalized_distance(one, other)
