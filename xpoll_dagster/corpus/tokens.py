"""Rows as words, numbers and operators, coded as numbers, for comparing many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xpoll_dagster.corpus.keys import longer_conversations

TOKEN = (
    r"\p{L}[\p{L}\p{M}]*(?:[-'’_/]\p{L}[\p{L}\p{M}]*)*|\d+(?:[.,]\d+)*"  # noqa: S105
    r"|[+*/=<>^%×÷−√≤≥≠≈±∑∏∫-]"
)
"""Words (with inner hyphens and apostrophes), numbers, operators; other marks are passed over."""

WORD = r"[\p{L}\p{M}\p{N}]+"
"""Words and numbers alone. With operators as tokens, a formula would be as long as a sentence."""

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million billion half twice double triple thrice dozen quarter third "
    "plus minus times"
)
_NEGATIONS = (
    "not no never none neither nor without cannot can't don't doesn't didn't isn't aren't "
    "wasn't weren't won't wouldn't shouldn't couldn't hasn't haven't hadn't"
)
NUMBER_WORDS = frozenset(_NUMBER_WORDS.split())
"""Words that say how many: a text with another of them says something else."""
NEGATIONS = frozenset(_NEGATIONS.split())
"""Words that turn a sentence into its opposite."""

_NO_LETTER_FIRST = r"^[^\p{L}]"


@dataclass(frozen=True)
class TokenTable:
    """Tokens of many texts, one after the other.

    Attributes:
        code: A 64-bit hash of each token.
        fixed: Whether it is a number, an operator, or one of `NEGATIONS`.
        quantity: Whether it is one of `NUMBER_WORDS`.
        starts: Where each text's tokens start, and the number of tokens at the end.
    """

    code: np.ndarray
    fixed: np.ndarray
    quantity: np.ndarray
    starts: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each text."""
        return np.diff(self.starts)


def tokenize(texts: pl.Series, *, keep_case: bool = False, pattern: str = TOKEN) -> TokenTable:
    """Split texts into tokens.

    Args:
        texts: The texts, without nulls.
        keep_case: Whether "Word" and "word" are different tokens.
        pattern: What is a token: `TOKEN`, or `WORD`.
    """
    import polars_hash as plh

    lists = (texts if keep_case else texts.str.to_lowercase()).str.extract_all(pattern)
    starts = np.concatenate([[0], np.cumsum(lists.list.len().to_numpy(), dtype=np.int64)])
    flat = lists.explode(empty_as_null=False).alias("token")
    code = pl.DataFrame(flat).select(plh.col("token").nchash.xxh3_64()).to_series()
    # Texts repeat their words: each different one is judged once.
    first = code.is_first_distinct()
    word = flat.filter(first)
    plain = word.str.to_lowercase().str.replace_all("’", "'", literal=True)
    kinds = (
        plain.str.contains(_NO_LETTER_FIRST) | plain.is_in(NEGATIONS),
        plain.is_in(NUMBER_WORDS),
    )
    known = code.filter(first)
    fixed, quantity = (code.is_in(known.filter(kind).implode()).to_numpy() for kind in kinds)
    return TokenTable(code.to_numpy(), fixed, quantity, starts)


def whole_texts(rows: pl.DataFrame) -> pl.Series:
    """Each row as one text: instruction, input, output and what follows in a conversation."""
    said = longer_conversations(rows, normalise=False)
    return rows.select(
        text=pl.concat_str(pl.col("instruction", "input", "output"), said, separator="\n")
    )["text"]


def runs(
    codes: np.ndarray, starts: np.ndarray, width: int, wanted: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of the runs of `width` neighbours, and the text of each run.

    Args:
        codes: Codes of tokens or characters.
        starts: As in `TokenTable`.
        width: How many make a run.
        wanted: Whether a run that starts at each place counts; unset, all do.
    """
    size = max(len(codes) - width + 1, 0)
    text = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    inside = text[:size] == text[width - 1 :][:size]
    if wanted is not None:
        inside &= wanted[:size]
    key = np.zeros(size, np.uint64)
    for step in range(width):
        key = (key ^ (key >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
        key += codes[step : step + size].astype(np.uint64)
    key = (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return key[inside], text[:size][inside]
