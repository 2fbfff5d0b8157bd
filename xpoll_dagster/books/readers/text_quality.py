"""Whether the text layer of a page can be believed, or the page must be recognised instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from xpoll_dagster.books.readers.text_layer import Fragment

Verdict = Literal["good", "sparse", "garbage"]

_SPARSE_LETTERS = 40  # fewer do not prove that what the eye sees is in the text layer
_MIN_JUDGED_LETTERS = 150  # letter statistics need a few lines
_MAX_UNREADABLE = 0.2
# Latin-script languages have 33-50 % vowels; y counts, for Welsh and Polish need it.
_VOWELS = frozenset("aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýÿœąęıőűů")
_VOWEL_RANGE = (0.22, 0.65)


def judge_text(fragments: Sequence[Fragment]) -> Verdict:
    """Judge a page's text layer by its characters.

    `garbage`: many characters are replacement, private-use or control characters (fonts
    without a mapping to Unicode), or Latin letters occur as in no language (a mapping that is
    wrong, so that "the" reads "WKH"). `sparse`: too few letters to stand for a page that
    shows more, such as a scan's stamp. Mathematical fonts are left out of the judgement.
    """
    # Symbols of mathematical fonts often have no Unicode: that is no sign of a bad layer.
    text = "".join(f.text for f in fragments if f.math < 0.5)
    if not text.strip():
        text = "".join(f.text for f in fragments)
    counts = Counter(text)
    visible = sum(n for c, n in counts.items() if not c.isspace())
    unreadable = sum(n for c, n in counts.items() if _is_unreadable(c))
    if visible and unreadable > _MAX_UNREADABLE * visible:
        return "garbage"
    letters = sum(n for c, n in counts.items() if c.isalpha())
    latin = {c: n for c, n in counts.items() if c.isalpha() and c < "\u0250"}
    total = sum(latin.values())
    if total >= _MIN_JUDGED_LETTERS and total > 0.8 * letters:
        vowels = sum(n for c, n in latin.items() if c.lower() in _VOWELS) / total
        if not _VOWEL_RANGE[0] <= vowels <= _VOWEL_RANGE[1]:
            return "garbage"
    return "sparse" if letters < _SPARSE_LETTERS else "good"


def _is_unreadable(character: str) -> bool:
    code = ord(character)
    return (
        character == "\ufffd"
        or 0xE000 <= code <= 0xF8FF
        or code >= 0xF0000
        or (code < 0x20 and character not in "\t\n\r")
        or 0x7F <= code < 0xA0
    )
