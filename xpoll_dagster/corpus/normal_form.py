"""The normal form of a text, in which copies that differ by layout alone are equal.

NFC, every run of white space one space, none at the ends; case, numbers and punctuation stay.
Most rows of instruction data are ASCII, where NFC changes nothing: the costly steps run on the
rows that need them only, and a column is looked at before it is copied.
"""

from __future__ import annotations

import polars as pl

# Holds every character that NFC may change or that may compose with the one before it, and
# more: a text without any of these is in NFC. Letters with accents of their own are not here.
_MAY_COMPOSE = (
    r"[\p{M}\u{0374}\u{037E}\u{0387}\u{0900}-\u{0FFF}\u{1100}-\u{11FF}\u{1F00}-\u{1FFF}\u{2000}\u{2001}"
    r"\u{2126}\u{212A}\u{212B}\u{2329}\u{232A}\u{2ADC}\u{A960}-\u{A97F}\u{D7B0}-\u{D7FF}"
    r"\u{F900}-\u{FAFF}\u{FB1D}-\u{FB4F}\u{11000}-\u{11FFF}\u{16000}-\u{16FFF}"
    r"\u{1D15E}-\u{1D1C0}\u{2F800}-\u{2FA1F}]"
)
_OTHER_SPACE = r"[\u{85}\u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}]"


def normal_form(texts: pl.Series) -> pl.Series:
    """The texts in NFC, with white space collapsed and trimmed; case is kept.

    White space is what Unicode calls so (property `White_Space`). Nulls become empty texts.
    The function is idempotent.
    """
    return normal_forms(texts.to_frame())[texts.name]


def normal_forms(frame: pl.DataFrame) -> pl.DataFrame:
    """`normal_form` of each column of texts, all of them in a few passes."""
    names = frame.columns
    # A run of line breaks at once: the paragraphs of most texts then need no second pass.
    frame = frame.select(pl.col(names).fill_null("").str.replace_all("\n+", " "))
    text = [pl.col(name).str for name in names]
    found = frame.select(
        # Of a text that holds other than ASCII, the characters are fewer than the bytes.
        *((one.len_chars() != one.len_bytes()).any().alias(f"{at}") for at, one in enumerate(text)),
        rare=pl.any_horizontal(one.contains("[\t\x0b-\r]").any() for one in text),
    ).row(0, named=True)
    if found["rare"]:
        frame = frame.select(pl.col(names).str.replace_all("[\t\x0b-\r]", " "))
    for at, name in enumerate(names):
        if found[f"{at}"]:
            texts = frame[name]
            rows = (texts.str.len_chars() != texts.str.len_bytes()).arg_true()
            texts = texts.scatter(rows, _beyond_ascii(texts.gather(rows)))
            frame = frame.with_columns(texts)
    spaces = frame.select(
        runs=pl.any_horizontal(one.contains("  ", literal=True).any() for one in text),
        ends=pl.any_horizontal((one.starts_with(" ") | one.ends_with(" ")).any() for one in text),
    ).row(0, named=True)
    if spaces["runs"]:
        frame = frame.select(pl.col(names).str.replace_all(" {2,}", " "))
    return frame.select(pl.col(names).str.strip_chars(" ")) if spaces["ends"] else frame


def joined_normal_form(texts: pl.Series, separator: str) -> pl.Series:
    """`normal_form` of texts that were joined by a separator, each part by itself.

    The separator must be an ASCII control character that is no white space: nothing composes
    with it, so that only the spaces beside it are to be taken away. One pass over the joined
    texts takes half the time of a pass over each column.
    """
    texts = texts.str.replace_all("\n+", " ")
    if texts.str.contains("[\t\x0b-\r]").any():
        texts = texts.str.replace_all("[\t\x0b-\r]", " ")
    rows = (texts.str.len_chars() != texts.str.len_bytes()).arg_true()
    if len(rows):
        texts = _put(texts, rows, _beyond_ascii(texts.gather(rows)))
    if texts.str.contains("  ", literal=True).any():
        texts = texts.str.replace_all(" {2,}", " ")
    for beside in (f" {separator}", f"{separator} "):
        if texts.str.contains(beside, literal=True).any():
            texts = texts.str.replace_all(beside, separator, literal=True)
    ends = (texts.str.starts_with(" ") | texts.str.ends_with(" ")).any()
    return texts.str.strip_chars(" ") if ends else texts


def _put(texts: pl.Series, rows: pl.Series, others: pl.Series) -> pl.Series:
    """The texts with others in these rows; a column is copied only for one that differs."""
    differ = (texts.gather(rows) != others).arg_true()
    return texts.scatter(rows.gather(differ), others.gather(differ)) if len(differ) else texts


def _beyond_ascii(texts: pl.Series) -> pl.Series:
    rows = texts.str.contains(_MAY_COMPOSE).arg_true()
    if len(rows):
        texts = texts.scatter(rows, texts.gather(rows).str.normalize("NFC"))
    return texts.str.replace_all(_OTHER_SPACE, " ")
