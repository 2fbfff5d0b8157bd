"""Which sentences may be quoted, and how concepts and quotations are found in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.writing.model import Mention
from xpoll_dagster.writing.naming import is_generic, name_concept, same_name
from xpoll_dagster.writing.options import QuotationOptions
from xpoll_dagster.writing.prose import ends_sentence, fault, is_balanced, leans_on_context
from xpoll_dagster.writing.quotation import clean_runs, quotations

CLEAN = [
    "Edmond Halley printed his table in 1693, and £3,000 was paid.",
    "“It moves,” he is said to have muttered, but nobody heard it.",
    "Dr. Johnson's dictionary (of 1755) sold well; its price fell by 20% afterwards.",
    "Giovanni Domenico Cassini came from Bologna to Paris in 1669.",
]
DIRTY = [
    "and so the sentence went on without a beginning.",
    "The result is given in the table of Fig.",
    "So that 2 1 = x y + z where a b c are roots.",
    "The claim was proved later by others.[12]",
    "The claim was proved later by many others.12",
    "As Figure 3 shows, the curve falls quickly.",
    "Show that the sum of two odd numbers is even.",
    "THE GREAT WAR BEGINS In the summer of that year it rained.",
    "Tbe kiug wrnt hmne wth hs brthr to tke cre of the mtter.",
    "The bracket (which opens here is never closed again.",
    "1. Item one of a list stands here today.",
    "See https://example.org for the rest of it.",
    "The word was bro- ken over the end of a line.",
    "In the l8th century the roads were bad.",
    "The whole of the following chapter deals with this.",
    "Too short.",
]


@pytest.mark.parametrize("sentence", CLEAN)
def test_clean_sentences_have_no_fault(sentence: str):
    assert fault(sentence) == ""


@pytest.mark.parametrize("sentence", DIRTY)
def test_damaged_sentences_have_one(sentence: str):
    assert fault(sentence) != ""


@given(st.text(max_size=300))
def test_any_text_can_be_judged(text: str):
    assert isinstance(fault(text), str)
    assert isinstance(is_balanced(text), bool)
    assert isinstance(ends_sentence(text), bool)


@pytest.mark.parametrize(
    ("sentence", "leans"),
    [
        ("He went to Paris.", True),
        ("However, the plan failed.", True),
        ("About 1665 he made an estimate.", True),
        ("There are many stars.", False),
        ("In 1665 Petty made his estimate.", False),
    ],
)
def test_leaning_on_context(sentence: str, leans: bool):
    assert leans_on_context(sentence) is leans


@given(st.lists(st.sampled_from([*CLEAN, *DIRTY]), max_size=12), st.integers(20, 60))
def test_quotations_are_clean_contiguous_and_bounded(sentences: list[str], most: int):
    text = " ".join(sentences)
    options = QuotationOptions(min_words=15, max_words=most, floor_words=5, min_sentences=1)
    for quotation in quotations(clean_runs(text, options), [], options):
        assert quotation.text in text
        assert len(quotation.text.split()) <= most
        assert all(fault(sentence.text) == "" for sentence in quotation.sentences)
        if halves := quotation.halves():
            assert " ".join(halves) == quotation.text


@pytest.mark.parametrize(
    ("concept", "kind", "text", "display"),
    [
        ("edmond halley", "PERSON", "It was Edmond Halley who saw it.", "Edmond Halley"),
        ("royal society", "ORG", "At the Royal Society, all met. It was the Royal Society.",
         "the Royal Society"),
        ("life table", "DEFINED", "He made a life table of the town.", "life tables"),
        ("life table", "DEFINED", "We use life tables, as ever.", "life tables"),
        ("longitude", "TERM", "A prize for finding of longitude at sea.", "longitude"),
        ("printed", "TERM", "They printed it and so printed more.", "the word “printed”"),
        ("english", "NORP", "In the English fleet, many English men served.",
         "the word “English”"),
    ],
)  # fmt: skip
def test_concepts_read_well(concept: str, kind: str, text: str, display: str):
    surface = concept.title() if kind in {"PERSON", "ORG", "NORP"} else concept
    named = name_concept(concept, 1.0, [Mention(concept, surface, kind)], text)
    assert named.display == display
    assert named.stands_in(text)


def test_homonyms_inside_longer_names_do_not_pass_for_one():
    left, right = "A rule of Gregory King was printed.", "She worked at King's College then."
    king = name_concept("king", 1.0, [], f"{left}\n\n{right}")
    assert not same_name(king, left, right)
    assert same_name(king, left, "A later essay of Gregory King appeared.")


def test_generic_words_are_no_concepts():
    assert is_generic("time")
    assert is_generic("great number")
    assert is_generic("society")
    assert not is_generic("royal society")
    assert not is_generic("life table")
