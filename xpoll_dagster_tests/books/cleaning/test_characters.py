import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.books.cleaning.characters import clean_characters


def test_ligatures_accents_and_controls():
    assert clean_characters("the ﬁrst eﬀort") == "the first effort"
    assert clean_characters("Grundz¨uge, G´eom´etrie, Amp`ere, Franc¸ois") == (
        "Grundzüge, Géométrie, Ampère, François"
    )
    assert clean_characters("a\x00b\u200bc\ufeff") == "abc"
    assert clean_characters("hy\u00adphen and end\u00ad") == "hyphen and end\u00ad"


def test_mathematical_letters_stay_in_formulas_only():
    assert clean_characters("𝑥 = ℝ", mathematical=True) == "𝑥 = ℝ"
    assert clean_characters("𝑥 in a sentence") == "x in a sentence"


def test_superscripts_and_fractions_stay_as_printed():
    assert clean_characters("x² + ½") == "x² + ½"


@given(st.text())
def test_result_is_composed_and_stable(text: str):
    once = clean_characters(text)
    assert unicodedata.is_normalized("NFC", once)
    assert clean_characters(once) == once
    assert not any(unicodedata.category(c) == "Cc" for c in once)
