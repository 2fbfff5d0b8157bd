"""Concepts of tiny books: who is meant, what is a term, what is nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.concepts import ExtractionOptions, extract_concepts
from xpoll_dagster.books.model import CONCEPTS_SCHEMA

OPTIONS = ExtractionOptions(use_statistical_model=False)

needs_wordnet = pytest.mark.skipif(
    not (OPTIONS.wordnet_folder / "data.noun").exists(), reason="WordNet is not installed"
)


def chunks(*passages: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"chunk_id": [f"c{number}" for number in range(len(passages))], "passage": passages},
        schema={"chunk_id": pl.String, "passage": pl.String},
    )


def concepts(*passages: str, language: str = "en") -> dict[tuple[str, str], str]:
    """Kind by chunk and concept."""
    frame = extract_concepts(chunks(*passages), language, OPTIONS)
    return {(row["chunk_id"], row["concept"]): row["kind"] for row in frame.iter_rows(named=True)}


@pytest.mark.slow
@needs_wordnet
def test_surname_means_the_only_person_of_that_name_in_the_book() -> None:
    found = concepts(
        "The first tables were drawn up by Ebenezer Quillfeather in London.",
        "A century later the method of Quillfeather was forgotten.",
        "It was Quillfeather's best idea.",
    )
    assert found["c1", "ebenezer quillfeather"] == "PERSON"
    assert found["c2", "ebenezer quillfeather"] == "PERSON"


@needs_wordnet
def test_surname_of_two_people_stays_a_surname() -> None:
    found = concepts(
        "In that year Ebenezer Quillfeather met Martha Quillfeather.",
        "The method of Quillfeather was forgotten, and by Quillfeather much was lost.",
    )
    assert ("c1", "quillfeather") in found


@needs_wordnet
def test_bare_surname_meets_the_full_name_of_another_book() -> None:
    one = concepts("The laws of motion were published by Newton in 1687.")
    other = concepts("In 1687 Sir Isaac Newton published his laws.")
    assert one["c0", "isaac newton"] == other["c0", "isaac newton"] == "PERSON"


@needs_wordnet
def test_ambiguous_surname_and_bare_given_name() -> None:
    found = concepts("Much was done by Bernoulli, and then by Charles, in the same years.")
    assert ("c0", "bernoulli") in found
    assert not any(concept == "charles" for _, concept in found)


@needs_wordnet
def test_initials_and_titles() -> None:
    found = concepts(
        "Here Dr Ebenezer Quillfeather spoke first, and then Mr. Quillfeather again.",
        "The paper of E. Quillfeather followed.",
    )
    assert found["c0", "ebenezer quillfeather"] == "PERSON"
    assert found["c1", "ebenezer quillfeather"] == "PERSON"


def test_acronym_becomes_its_long_form() -> None:
    found = concepts(
        "It was the Bureau of Weighted Averages (BWA) that decided.",
        "Nobody asked the BWA about it.",
    )
    assert any(chunk == "c1" and "weighted averages" in concept for chunk, concept in found)


@needs_wordnet
def test_possessive_and_plain_form_are_counted_together() -> None:
    frame = extract_concepts(
        chunks("We read Kepler's tables. Then Kepler wrote. And Kepler’s tables were printed."),
        "en",
        OPTIONS,
    )
    row = frame.filter(pl.col("concept") == "johannes kepler").row(0, named=True)
    assert row["count"] == 3
    assert row["surface"] == "Kepler"


@needs_wordnet
def test_homographs_need_a_capital_inside_a_sentence() -> None:
    found = concepts("Reading is good for the mind. He took a bath in March. Bath water is warm.")
    assert not any(kind in {"GPE", "PERSON", "LOC"} for kind in found.values())
    found = concepts("He went by coach into Reading and stayed there.")
    assert found["c0", "reading"] == "GPE"


@needs_wordnet
def test_names_of_several_words_stay_whole() -> None:
    found = concepts(
        "In 1694 the Bank of England was founded. Before the Battle of Hastings there was none."
    )
    assert found["c0", "bank of england"] == "ORG"
    assert any("hastings" in concept and kind == "EVENT" for (_, concept), kind in found.items())


@needs_wordnet
def test_defined_term_and_its_later_use() -> None:
    found = concepts(
        "A curve that nearly touches another for ever is called an asymptote.",
        "The two asymptotes meet at the centre.",
        "Such a rule is called strong. He was called Augustus.",
    )
    assert found["c0", "asymptote"] == "DEFINED"
    assert found["c1", "asymptote"] == "TERM"
    assert not any(kind == "DEFINED" for (chunk, _), kind in found.items() if chunk == "c2")


@needs_wordnet
def test_terms_are_singular_and_prefer_expressions_of_several_words() -> None:
    found = concepts(
        "The standard deviations of both samples agree.",
        "Another standard deviation is far larger, as a sample shows.",
    )
    assert ("c0", "standard deviation") in found
    assert ("c0", "deviation") not in found
    assert ("c0", "sample") in found


def test_numbers_dates_and_bookish_words_are_no_concepts() -> None:
    found = concepts(
        "In Chapter IV, Figure 3, on Monday 4 March 1830, see Section II. Chapter V says 1,000.",
        "On Tuesday see Chapter VI and Figure 7 again, in April 1831.",
    )
    forbidden = {"chapter", "figure", "monday", "march", "april", "section", "iv", "vi", "1830"}
    assert not forbidden & {concept for _, concept in found}


def test_without_wordnet_it_warns_and_goes_on(tmp_path: Path) -> None:
    options = ExtractionOptions(use_statistical_model=False, wordnet_folder=tmp_path)
    passages = chunks("There lived Ebenezer Quillfeather, a maker of sundials.", "More sundials.")
    with pytest.warns(UserWarning, match="wordnet-base"):
        frame = extract_concepts(passages, "en", options)
    assert {"ebenezer quillfeather", "sundial"} <= set(frame["concept"])


def test_other_languages_give_terms_and_sequences_only() -> None:
    found = concepts(
        "Nach dem Tode von Karl Weierstrass schrieb niemand mehr.", "Es war so.", language="de"
    )
    assert any("weierstrass" in concept for _, concept in found)


def test_empty_book() -> None:
    frame = extract_concepts(chunks(), "en", OPTIONS)
    assert frame.schema == CONCEPTS_SCHEMA
    assert frame.is_empty()
    assert extract_concepts(chunks("", "  "), "en", OPTIONS).is_empty()


@needs_wordnet
def test_same_book_gives_same_rows_and_order_of_chunks_does_not_matter() -> None:
    passages = [
        "In Prague Johannes Kepler computed orbits.",
        "Then Kepler moved on to Linz.",
        "Orbits are ellipses, as Kepler found.",
    ]
    frame = chunks(*passages)
    first = extract_concepts(frame, "en", OPTIONS)
    assert first.equals(extract_concepts(frame, "en", OPTIONS))
    turned = extract_concepts(frame.reverse(), "en", OPTIONS)
    assert first.sort("chunk_id", "concept").equals(turned.sort("chunk_id", "concept"))


_WORDS = st.sampled_from(
    [
        *["the", "of", "Newton", "isaac"],
        "Isaac's",
        "(RS)",
        "IV",
        "—",
        "“Royal",
        "Society",
        "is",
        "called",
        "a",
        "limit",
        ".",
        ":",
        "x_1",
        "9",
        "Ægean",
        "é",
        "’s",
    ]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(st.text(max_size=60), st.lists(_WORDS).map(" ".join)), max_size=4))
def test_any_text_gives_sound_rows(passages: list[str]) -> None:
    frame = extract_concepts(chunks(*passages), "en", OPTIONS)
    assert frame.schema == CONCEPTS_SCHEMA
    assert frame.select("chunk_id", "concept").is_duplicated().sum() == 0
    for row in frame.iter_rows(named=True):
        passage = passages[int(row["chunk_id"][1:])]
        assert len(row["concept"]) > 2
        assert 1 <= row["count"] <= len(passage)
        words = row["surface"].split()
        assert all(word.lower() in passage.lower() for word in words), row
