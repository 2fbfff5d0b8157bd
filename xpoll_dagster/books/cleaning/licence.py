"""What surrounds a book: a distributor's licence, notes of those who transcribed it.

Works on plain strings, so that printed lines and finished blocks are treated alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_START = re.compile(
    r"^\W*(?:START OF (?:THE|THIS) PROJECT GUTENBERG|"
    r"\*END\*?\s*THE SMALL PRINT|END OF THE SMALL PRINT)",
    re.IGNORECASE,
)
_END = re.compile(
    r"^\W*(?:END OF (?:THE |THIS )?PROJECT GUTENBERG|END OF PROJECT GUTENBERG)", re.IGNORECASE
)
_LICENCE_TITLE = re.compile(
    r"^\W*(?:THE FULL PROJECT GUTENBERG LICENSE|PROJECT GUTENBERG LICENSE|"
    r"START: FULL LICENSE|PROJECT GUTENBERG[’']S )",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^\W*(?:THE )?PROJECT GUTENBERG(?:[’']S)? (?:EBOOK|ETEXT)|^\W*PROJECT GUTENBERG[’']S ",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"^\W*(?:produced by|e-?text prepared by|transcribed (?:by|from)|this ebook was produced|"
    r"distributed proofread)",
    re.IGNORECASE,
)
_TRANSCRIBER = re.compile(r"^\W*transcribers?[’']?s?[’']? notes?\b", re.IGNORECASE)
_FRONT = 0.25  # markers of the beginning are looked for in this share of the book


def book_span(texts: Sequence[str]) -> tuple[int, int]:
    """Where the book itself begins and ends.

    Args:
        texts: The book's lines or blocks in order.

    Returns:
        Start and stop of the part between the distributor's markers, counted in `texts`;
        everything where there are none, or where the marked part would be less than half
        of the text, for then the markers are not what they seem.
    """
    start, stop = 0, len(texts)
    near_start = max(200, int(_FRONT * len(texts)))
    for place, text in enumerate(texts[:near_start]):
        if "ENBERG" in text.upper() or "SMALL PRINT" in text.upper():
            lines = text.split("\n")
            if any(_START.match(line) for line in lines):
                start = place + 1
    for place in range(len(texts) - 1, start, -1):
        text = texts[place]
        if "gutenberg" in text.lower() and (_END.match(text) or _LICENCE_TITLE.match(text)):
            stop = place
    total = sum(map(len, texts))
    if sum(len(text) for text in texts[start:stop]) < 0.5 * total:
        return 0, len(texts)
    return start, stop


def is_transcriber_title(text: str) -> bool:
    """Whether a line or heading opens a note of the transcriber."""
    return len(text) < 60 and bool(_TRANSCRIBER.match(text))


def is_credit(text: str) -> bool:
    """Whether a line or block names those who produced the electronic text."""
    return len(text) < 600 and bool(_CREDIT.match(text))


def opens_licence(text: str) -> bool:
    """Whether a line is the title of the distributor's own matter."""
    return bool(_OPENING.match(text) or _LICENCE_TITLE.match(text))
