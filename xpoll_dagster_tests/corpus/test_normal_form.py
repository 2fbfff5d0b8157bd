from __future__ import annotations

import re
import sys
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.corpus.normal_form import joined_normal_form, normal_form

SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from("ae\u0301\u0327\u212b \n\t\r\u00a0\u2003\u0958\u1100\u1161\u11a8;\u037e"),
)
TEXTS = st.lists(st.one_of(st.none(), st.text(CHARACTERS, max_size=12)), max_size=8)


def plain(text: str | None) -> str:
    return re.sub(f"[{SPACE}]+", " ", unicodedata.normalize("NFC", text or "")).strip(" ")


@given(TEXTS)
def test_is_what_the_standard_library_gives(texts: list[str | None]) -> None:
    found = normal_form(pl.Series(texts, dtype=pl.String)).to_list()
    assert found == [plain(text) for text in texts]


@given(TEXTS)
def test_a_second_time_changes_nothing(texts: list[str | None]) -> None:
    once = normal_form(pl.Series(texts, dtype=pl.String))
    assert normal_form(once).equals(once)


@given(st.lists(st.lists(st.text(CHARACTERS, max_size=8), min_size=3, max_size=3), max_size=6))
def test_texts_that_are_joined_are_normalised_apart(rows: list[list[str]]) -> None:
    texts = pl.Series(["\x1f".join(row) for row in rows], dtype=pl.String)
    found = joined_normal_form(texts, "\x1f").to_list()
    assert found == ["\x1f".join(plain(part) for part in text.split("\x1f")) for text in texts]


@pytest.mark.slow
def test_no_character_that_composes_is_passed_over() -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    single = normal_form(pl.Series(letters)).to_list()
    wrong = [a for a, b in zip(letters, single, strict=True) if plain(a) != b]
    assert wrong == []
    # Every pair that NFC composes: the parts come from the canonical decompositions.
    pairs = []
    for letter in letters:
        parts = unicodedata.decomposition(letter).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            pairs.append("".join(chr(int(part, 16)) for part in parts))
    pairs += ["\u1100\u1161", "\uac00\u11a8"]
    assert normal_form(pl.Series(pairs)).to_list() == [plain(pair) for pair in pairs]
