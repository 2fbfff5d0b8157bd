"""How much of a text repeats itself: a model in a loop."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+|¶")


def repeated_runs(text: str, run: int = 6) -> float:
    """Share of the runs of six words that repeat an earlier one of the same text."""
    words = _WORD.findall(text.lower())
    runs = [tuple(words[i : i + run]) for i in range(len(words) - run + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def repetition(text: str) -> float:
    """Share (0 to 1) of a text that repeats itself, whether in long runs or in short loops.

    The larger of two shares: of the runs of six words that an earlier one repeats, and of
    the words in loops, where a word or a run of two or three words follows itself three
    times or more. Linear in the length of the text.
    """
    words = _WORD.findall(text.lower())
    looped = 0
    for period in (1, 2, 3):
        same = 0
        best = 0
        for at in range(period, len(words)):
            same = same + 1 if words[at] == words[at - period] else 0
            best += same >= 3 * period
        looped = max(looped, best)
    share = looped / len(words) if words else 0.0
    return max(repeated_runs(text), share)
