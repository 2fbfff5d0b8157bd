"""Acronyms and their long forms, found where a book introduces them: "Royal Society (RS)".

After Schwartz and Hearst, A simple algorithm for identifying abbreviation definitions in
biomedical text (PSB 2003): the shortest stretch of words before the parenthesis whose
letters spell the acronym, its first letter beginning a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

_IN_BRACKETS = re.compile(r"([^()\n]{3,120})\(([A-Z][A-Za-z.&-]{1,9})s?\)")


def find_acronyms(passages: Iterable[str]) -> dict[str, str]:
    """Long forms by acronym, for acronyms that a book introduces in one way only."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for passage in passages:
        if "(" not in passage:
            continue
        for before, short in _IN_BRACKETS.findall(passage):
            letters = short.replace(".", "")
            if sum(letter.isupper() for letter in letters) < 2:
                continue
            long = _long_form(letters, before.strip())
            if long is not None:
                found[short][long] += 1
    return {
        short: min(forms, key=lambda form: (-forms[form], form))
        for short, forms in found.items()
        if len({form.casefold() for form in forms}) == 1
    }


def _long_form(short: str, before: str) -> str | None:
    words = before.split()[-min(len(short) + 5, len(short) * 2) :]
    text = " ".join(words)
    at = len(text) - 1
    for position in range(len(short) - 1, -1, -1):
        letter = short[position].lower()
        if not letter.isalnum():
            continue
        while at >= 0 and (
            text[at].lower() != letter or (position == 0 and at > 0 and text[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return None
        at -= 1
    long = text[at + 1 :].strip(" ,;:“”\"'")
    if len(long.split()) < 2 or short.casefold() in long.casefold().split():
        return None
    return long
