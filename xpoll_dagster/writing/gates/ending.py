"""Whether a text was finished or broken off: its last words, its marks and its lists."""

from __future__ import annotations

import re

_CLOSED = re.compile(r"[.!?。！？](?:\[\d+\])?[\])}”\"’'»*_`~$]*$")
# Abbreviations that never end a sentence: a text that stops here was cut.
_NEVER_LAST = re.compile(
    r"(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Capt|Lt|Sgt|Figs?|Eqs?|Nos?|Vol|pp?|cf|vs|viz|"
    r"ca|approx|e\.g|i\.e|St|ed|eds|Sec|Ch|Ref)\.$"
)
_HANGING = re.compile(
    r"(?:\b(?:and|or|but|the|a|an|of|to|for|with|by|from|into|that|which|who|whose|"
    r"because|if|than|as|is|are|was|were|including|such as|between)|[,;:–—-])"
    r"[.!?]?[\"”’'*_)]*$",
    re.IGNORECASE,
)
_CAN_END = re.compile(
    r"\b(?:is|are|was|were|be|to|of|for|with|by|from|in|on|if|as|that)[.!?][\"”’'*_)]*$",
    re.IGNORECASE,
)
_BARE_MARKER = re.compile(r"^\W*(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)])?\W*$")
_HEADING = re.compile(r"^\s*(?:#{1,6}\s+\S.*|\*\*[^*]+\*\*:?|__[^_]+__:?|[A-Z][^.!?]{0,60}:)\s*$")
_MAX_POINT = 120  # characters of a line that may be a heading or an empty point
_OPEN, _CLOSE = "([{“«", ")]}”»"


def broken_off(text: str, finish_reason: str = "") -> str:
    """How a text shows that it is unfinished, in a few words; empty where it is finished.

    Args:
        text: A text as written, line breaks and mark-up included.
        finish_reason: The engine's own ("length" for one cut at the most tokens).
    """
    if finish_reason == "length":
        return "cut at the most tokens"
    text = text.rstrip()
    if not text:
        return "empty"
    last = text.rsplit("\n", 1)[-1].strip()
    pointed = len(last) <= _MAX_POINT and (_BARE_MARKER.match(last) or _HEADING.match(last))
    if "\n" in text and pointed:
        return "ends with a heading or an empty point"
    if last.startswith("|") and last.endswith("|"):
        # A table's last row is an end where all rows have as many cells.
        rows = [row for row in text.splitlines() if row.strip().startswith("|")]
        if len({row.count("|") for row in rows[-3:]}) > 1:
            return "ends inside a table"
        return "" if len(rows) > 2 else "ends inside a table"
    if text.endswith(("...", "…")):
        return "trails off"
    if not _CLOSED.search(text):
        return "no terminal punctuation"
    if _NEVER_LAST.search(text):
        return "ends in an abbreviation"
    if _HANGING.search(text) and not _CAN_END.search(text):
        return "ends in a word that wants another"
    return _unclosed(text)


def _unclosed(text: str) -> str:
    if text.count("```") % 2:
        return "a block of code stays open"
    if len(re.findall(r"(?<!\*)\*\*(?!\*)", text)) % 2:
        return "emphasis stays open"
    depth = 0
    for character in text:
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE and depth:  # "a)" closes what nothing opened
            depth -= 1
    if depth:
        return "a bracket or quotation stays open"
    # Inches and seconds of arc are no quotation marks.
    if len(re.findall(r"(?<!\d)\"|\"(?=\w)", text)) % 2 and text.count('"') % 2:
        return "a bracket or quotation stays open"
    return ""
