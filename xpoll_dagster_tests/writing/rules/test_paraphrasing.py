"""Paraphrases by rules: nothing new, nothing broken, problems where nothing can be done."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.writing.prose import ends_sentence
from xpoll_dagster.writing.rules import RulesAuthor
from xpoll_dagster.writing.rules.paraphrasing.central import text_rank
from xpoll_dagster.writing.rules.paraphrasing.paraphraser import NOTHING_CENTRAL, STYLES
from xpoll_dagster.writing.rules.paraphrasing.wording import (
    reworded,
    synonym_choices,
    with_synonyms,
)
from xpoll_dagster_tests.writing.rules.chunks import NOWHERE, book, chunk, needs_wordnet

TEXT = (
    "The upper gate of the harbour was closed by the keeper. During the storm, the water rose "
    "to the beam. The oak doors had to be replaced prior to the winter because of the damage. "
    "However, the smaller boats were moored in the lower basin when the tide turned."
)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_every_chunk_gets_a_draft_in_order(style: str):
    chunks = book()
    drafts = RulesAuthor().paraphrase(chunks, style)
    assert [one.chunk_id for one in drafts] == [one.passage.chunk_id for one in chunks]
    assert {one.style for one in drafts} == {style}
    assert all(bool(one.text) != bool(one.problems) for one in drafts)
    assert drafts == RulesAuthor().paraphrase(chunks, style)


def test_an_unknown_style_is_refused_in_words():
    with pytest.raises(ValueError, match="no style 'vivid': choose one of short, medium, long"):
        RulesAuthor().paraphrase(book(), "vivid")


def test_short_is_whole_sentences_of_the_source():
    (draft,) = RulesAuthor().paraphrase([chunk(0, TEXT)], "short")
    assert 0.15 <= len(draft.text.split()) / len(TEXT.split()) <= 0.6
    assert ends_sentence(draft.text)
    for sentence in re.split(r"(?<=\.) ", draft.text):
        assert sentence in TEXT


@needs_wordnet
def test_medium_reorders_and_rewords():
    (draft,) = RulesAuthor().paraphrase([chunk(0, TEXT)], "medium")
    assert "The keeper closed the upper gate of the harbour." in draft.text
    assert "The water rose to the beam during the storm." in draft.text
    assert "before the winter" in draft.text
    assert "Nevertheless, the smaller boats" in draft.text
    assert set(re.findall(r"\d+", draft.text)) == set(re.findall(r"\d+", TEXT))


@needs_wordnet
def test_long_adds_a_definition_of_the_same_book_and_names_it():
    chunks = [
        chunk(0, TEXT.replace("upper gate", "upper sluice")),
        chunk(1, "A sluice is a gate that controls the flow of water in a narrow channel."),
        chunk(2, "A sluice is a wooden trough for washing gold ore in rivers.", "other--book"),
    ]
    long = RulesAuthor().paraphrase(chunks, "long")[0]
    assert long.text.endswith(
        "*A Book of the Harbour* explains elsewhere: A sluice is a gate that controls the flow "
        "of water in a narrow channel."
    )
    assert "gold" not in long.text
    alone = RulesAuthor().paraphrase(chunks[:1], "long")[0]
    assert alone.problems
    assert not alone.text


def test_what_has_no_sentences_is_left_with_a_reason():
    for text in ("", "12 | 14 | 16", "x = y + z \\ 4", "Yes."):
        for style in STYLES:
            (draft,) = RulesAuthor().paraphrase([chunk(0, text)], style)
            assert draft.problems
    assert RulesAuthor().paraphrase([chunk(0, "Yes.")], "short")[0].problems == (NOTHING_CENTRAL,)


def test_quoted_words_are_never_changed():
    text = "The keeper wrote “approximately prior to noon” in the book."
    assert reworded(text, {}) == text


def test_an_acronym_is_spelled_out_once():
    said = reworded("The crew of the LM slept; the LM was cold.", {"LM": "lunar module"})
    assert said == "The crew of the lunar module (LM) slept; the LM was cold."


@needs_wordnet
def test_synonyms_are_of_one_sense_inflected_and_never_names():
    lexicon = RulesAuthor().lexicon
    for sentence in (
        "The physicians of the town mailed numerous letters to Paris in 1850.",
        "An automobile was parked near the railway.",
    ):
        for token, form in synonym_choices(sentence, lexicon):
            assert token.text == token.text.lower()
            assert form.isalpha()
            kind = {"N": "n", "NS": "n", "ADJ": "a", "ADV": "r"}.get(token.kind, "v")
            lemma = lexicon.noun_lemma(token.lower) if kind == "n" else token.lower
            if kind in {"n", "a", "r"}:
                assert len(lexicon.senses[lemma][kind]) == 1


@needs_wordnet
def test_an_article_follows_its_new_word():
    tokens = synonym_choices("An automobile was parked near the gate.", RulesAuthor().lexicon)
    for token, form in tokens:
        said = with_synonyms("An automobile was parked near the gate.", [(token, form)])
        assert said.startswith(("A ", "An "))


def test_without_wordnet_only_phrases_are_reworded():
    (draft,) = RulesAuthor(rules=NOWHERE).paraphrase([chunk(0, TEXT)], "medium")
    assert "was closed by the keeper" in draft.text
    assert "before the winter" in draft.text


def test_text_rank_prefers_what_the_others_resemble():
    vectors = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]], dtype=np.float32)
    rank = text_rank(vectors)
    assert rank.max() == 1.0
    assert rank[2] == rank.min()


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300), st.sampled_from(STYLES))
def test_any_text_gives_a_draft_or_a_reason(text: str, style: str):
    (draft,) = RulesAuthor().paraphrase([chunk(0, text)], style)
    assert bool(draft.text) != bool(draft.problems)
