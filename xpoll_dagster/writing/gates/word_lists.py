"""Lists of words written as running text."""

from __future__ import annotations


def word_list(words: str) -> tuple[str, ...]:
    """The words of a text divided by spaces."""
    return tuple(words.split())
