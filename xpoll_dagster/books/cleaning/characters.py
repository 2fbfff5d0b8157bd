"""The characters of a line: ligatures, stray accents, control characters, composition.

Nothing here looks beyond one line.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Ranges whose letters have a plain equal: letterlike and full-width forms, ligatures,
# mathematical alphabets. Superscripts, fractions and symbols stay as printed.
_COMPATIBILITY_RANGES = (
    (0x0132, 0x0134),
    (0x01C4, 0x01CD),
    (0x2100, 0x2150),
    (0xFB00, 0xFB07),
    (0xFF01, 0xFF5F),
    (0x1D400, 0x1D800),
)
_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}

# Typesetting programs write an accent before its letter, as a character of its own.
_COMBINING = {
    "´": "\u0301",
    "`": "\u0300",
    "¨": "\u0308",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "ˇ": "\u030c",
    "˘": "\u0306",
    "˚": "\u030a",
    "¸": "\u0327",
}
_ACCENT_BEFORE = re.compile(r"([´¨ˆ˜ˇ˘˚]|(?<=[^\W\d_])`) ?([A-Za-zı])")
_CEDILLA_AFTER = re.compile(r"([cCsStT])¸")

# Controls other than white space, zero-width and direction marks, private-use code points.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
    "\ufff9-\ufffc\ue000-\uf8ff]"
)
_SPACES = re.compile(r"[\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_INNER_SOFT_HYPHEN = re.compile("\u00ad(?=.)")


@cache
def _compatibility_letters() -> dict[int, str]:
    table = {}
    for start, stop in _COMPATIBILITY_RANGES:
        for code in range(start, stop):
            character = chr(code)
            plain = unicodedata.normalize("NFKC", character)
            if plain != character and unicodedata.category(character)[0] in "LN":
                table[code] = plain
    return table


def _compose(match: re.Match[str]) -> str:
    letter = "i" if match[2] == "ı" else match[2]
    composed = unicodedata.normalize("NFC", letter + _COMBINING[match[1]])
    return composed if len(composed) == 1 else match[0]


def _compose_cedilla(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[1] + _COMBINING["¸"])


def clean_characters(text: str, *, mathematical: bool = False, keep_layout: bool = False) -> str:
    """Put one line's characters right.

    Args:
        text: A line, or a block of text.
        mathematical: Leave letterlike forms alone, for there they carry meaning.
        keep_layout: Keep line breaks and runs of spaces (code, tables, lists).

    Returns:
        The text in Unicode NFC, without control characters; runs of white space are one
        space unless the layout is kept. A soft hyphen survives at the end of the text
        only, where it says that a word goes on.
    """
    if text.isascii() and text.isprintable():
        if "`" in text and not mathematical:
            text = _ACCENT_BEFORE.sub(_compose, text)
        if keep_layout:
            return text
        return " ".join(text.split()) if "  " in text else text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _UNWANTED.sub("", text)
    text = _INNER_SOFT_HYPHEN.sub("", text)
    if mathematical:
        text = text.translate(_LIGATURES)
    else:
        text = text.translate(_compatibility_letters())
        text = _ACCENT_BEFORE.sub(_compose, text)
        if "¸" in text:
            text = _CEDILLA_AFTER.sub(_compose_cedilla, text)
    text = unicodedata.normalize("NFC", text)
    if keep_layout:
        return text.replace("\u00a0", " ").replace("\t", "    ").replace("\x0b", "\n")
    return _SPACES.sub(" ", text).strip()
