"""A text → overlapping windows of two sentences, the unit that answers a question."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from xpoll_dagster.books.sentences import split_sentences

_SHORT = 25  # characters: a number of a list or a heading is no sentence of its own
_MAX_PIECES = 400
_RULE = re.compile(r"\|[\s|:-]+")
"""The line of a Markdown table below the names of its columns."""


def split_windows(text: str, longest: int) -> list[str]:
    """Windows of two neighbouring sentences; one window for a text of a single sentence.

    Of a table in Markdown every row is a window, with the names of the columns before it: what
    a number means stands above it.

    Args:
        text: The text of a chunk or paraphrase.
        longest: Sentences of more words are cut after so many: rows of tables and lists have
            no full stops.

    Returns:
        At least one window, and the text's every word in one of them (of a text of more than
        400 sentences, the first 400).
    """
    windows: list[str] = []
    lines = text.split("\n")
    for is_table, among in itertools.groupby(lines, lambda line: line.lstrip().startswith("|")):
        part = list(among)
        windows += _table_windows(part, longest) if is_table else _sentence_windows(part, longest)
    return windows[:_MAX_PIECES] or [text.strip()]


def _sentence_windows(lines: Sequence[str], longest: int) -> list[str]:
    pieces: list[str] = []
    held = ""
    for line in lines:
        for sentence in split_sentences(line):
            held = " ".join(f"{held} {sentence}".split())
            if len(held) >= _SHORT:
                pieces.extend(_cut(held, longest))
                held = ""
    if held:
        pieces.extend([f"{pieces.pop()} {held}"] if pieces else [held])
    if len(pieces) < 2:
        return pieces
    return [f"{one} {two}" for one, two in itertools.pairwise(pieces)]


def _table_windows(lines: Sequence[str], longest: int) -> list[str]:
    header = ""
    if len(lines) > 2 and _RULE.fullmatch(lines[1].strip()):
        header, lines = _cells(lines[0]), lines[2:]
    *above, columns = _cut(header, longest)  # the end of a long header goes with the rows
    pieces = [piece for row in map(_cells, lines) if row for piece in _cut(row, longest)]
    windows = [*above, *(f"{columns} {piece}".strip() for piece in pieces or [""])]
    return [window for window in windows if window]


def _cells(line: str) -> str:
    return " ".join(line.replace("|", " ").split())


def _cut(sentence: str, longest: int) -> list[str]:
    words = sentence.split()
    if len(words) <= longest:
        return [sentence]
    return [" ".join(words[at : at + longest]) for at in range(0, len(words), longest)]


def split_all(texts: Sequence[str], longest: int) -> tuple[list[str], list[int]]:
    """The windows of all texts, and the place of the text that each comes from."""
    windows: list[str] = []
    owners: list[int] = []
    for place, text in enumerate(texts):
        found = split_windows(text, longest)
        windows.extend(found)
        owners.extend([place] * len(found))
    return windows, owners


_BLANK_LINES = re.compile(r"\n\s*\n")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, without surrounding white space."""
    return [part.strip() for part in _BLANK_LINES.split(text) if part.strip()]
