"""What conversions between formats leave behind in a text: emphasis, arrows, doubled formulas."""

from __future__ import annotations

import re

# Emphasis that was marked wrongly and so stayed; between letters or digits it is a power.
_EMPHASIS_AS_SPACE = re.compile(r"(?<=[^\W\d_]{3})\*{2,}(?=\(|[^\W\d_]{2})")
_STRAY_EMPHASIS = re.compile(r"(?<![\w)])\*{2,}|\*{2,}(?![\w(])")
_TWO_SPACES = re.compile(r"(?<=\S) {2,}(?=\S)")
# The arrow that leads from a note back to its mark.
_BACK_LINK = re.compile("\\s*[↩↑⏎⬆][\ufe0e\ufe0f]?\\s*$")
# Office programs write each formula a second time in their own notation: "x size 12{x} {}".
_SECOND_FORMULA = re.compile(r"\s*\bsize 1\d ?\{")
_EMPTY_BRACES = re.compile(r"\s?\{\s*\}")
_LONGEST = 2000  # characters of a formula; what does not close within them is left alone


def _closing(text: str, start: int) -> int:
    """Place behind the brace that closes the one before `start`, -1 where none does."""
    depth = 1
    for place in range(start, min(len(text), start + _LONGEST)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if not depth:
                return place + 1
    return -1


def _without_second_formulas(text: str) -> tuple[str, list[str]]:
    kept: list[str] = []
    removed: list[str] = []
    place = 0
    for match in _SECOND_FORMULA.finditer(text):
        if match.start() < place:
            continue
        stop = _closing(text, match.end())
        if stop < 0:
            continue
        if empty := _EMPTY_BRACES.match(text, stop):
            stop = empty.end()
        kept.append(text[place : match.start()])
        removed.append(text[match.start() : stop].strip())
        place = stop
    return "".join([*kept, text[place:]]), removed


def without_leftovers(text: str, *, note: bool = False) -> tuple[str, list[str]]:
    """A text of words without what a conversion left in it.

    Args:
        text: A heading, paragraph, list or note.
        note: Whether it is a note, which may end in an arrow back to its mark.

    Returns:
        The text, and the doubled formulas that were taken out of it.
    """
    if "**" in text:
        text = _STRAY_EMPHASIS.sub("", _EMPHASIS_AS_SPACE.sub(" ", text))
        text = _TWO_SPACES.sub(" ", text)
    if note:
        text = _BACK_LINK.sub("", text)
    if "size 1" in text:
        return _without_second_formulas(text)
    return text, []
