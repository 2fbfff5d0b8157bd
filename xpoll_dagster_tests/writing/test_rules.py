"""What the rules author writes: verbatim, attributed, signalled, modest, and the same again."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from xpoll_dagster.writing.model import BookInfo
from xpoll_dagster.writing.naming import Concept, concept_pattern, printed_by_both
from xpoll_dagster.writing.options import QuotationOptions, WritingOptions
from xpoll_dagster.writing.pair_texts import write_pair_texts
from xpoll_dagster.writing.phrases import Phrases, load_templates
from xpoll_dagster.writing.rules import RulesAuthor
from xpoll_dagster_tests.writing.library import BOOKS, make_library

Library = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def library():
    return make_library(8)


@pytest.fixture(scope="module")
def texts(library: Library):
    chunks, pairs, concepts = library
    return write_pair_texts(pairs, chunks, BOOKS, RulesAuthor(), concepts=concepts)


def test_every_pair_gets_three_texts_and_nearly_all_are_accepted(
    library: Library, texts: pl.DataFrame
):
    _, pairs, _ = library
    assert texts.height == 3 * pairs.height
    assert texts["id"].n_unique() == texts.height
    assert texts["accepted"].sum() > 0.9 * texts.height
    assert texts.filter(pl.col("accepted") != (pl.col("rejected_by").list.len() == 0)).is_empty()


def test_accepted_texts_quote_both_passages_and_name_title_and_place(
    library: Library, texts: pl.DataFrame
):
    chunks, _, _ = library
    where = {row["chunk_id"]: row for row in chunks.to_dicts()}
    for row in texts.filter("accepted").to_dicts():
        for side in ("left_chunk", "right_chunk"):
            chunk = where[row[side]]
            book = BOOKS[chunk["book"]]
            assert book.title.split(":")[0] in row["text"]
            if book.paged:
                assert f"p. {chunk['page_start']}" in row["text"] or (
                    f"pp. {chunk['page_start']}–{chunk['page_end']}" in row["text"]
                )
            else:
                assert f"section “{chunk['section'][-1]}”" in row["text"]
            sentences = re.split(r"(?<=[.]) (?=[A-Z])", chunk["passage"])
            assert sum(sentence in row["text"].replace("\n", " ") for sentence in sentences) >= 1


def test_both_fields_are_named_in_instruction_and_text(texts: pl.DataFrame):
    domains = {"astronom", "histor", "economi", "falconry"}
    for row in texts.filter("accepted").to_dicts():
        said = row["instruction"] if row["kind"] == "qa" else row["text"]
        lower = said.lower() + " ".join(m["content"] for m in row["messages"]).lower()
        named = {name for name in domains if name in lower}
        assert len(named) >= 2
        assert row["concepts"]


def test_dialogue_maps_the_first_speaker_to_the_user(texts: pl.DataFrame):
    for row in texts.filter(pl.col("accepted") & (pl.col("kind") == "dialogue")).to_dicts():
        roles = [message["role"] for message in row["messages"]]
        assert roles[0] == "system"
        assert roles[1:] == ["user", "assistant"] * (len(roles) // 2)
        assert len(roles) - 1 >= 4
        labels = re.findall(r"^([A-Z][a-z ]+): ", row["text"], flags=re.MULTILINE)
        assert len(set(labels)) == 2
        assert all(a != b for a, b in pairwise(labels))


def test_an_unlisted_domain_has_a_sensible_speaker(texts: pl.DataFrame):
    spoken = " ".join(texts.filter(pl.col("kind") == "dialogue")["text"])
    assert "Specialist in falconry: " in spoken


def test_the_same_pair_always_gets_the_same_words_and_the_seed_others(
    library: Library, texts: pl.DataFrame
):
    chunks, pairs, concepts = library
    some = pairs[5:9]
    again = write_pair_texts(some, chunks.reverse(), BOOKS, RulesAuthor(), concepts=concepts)
    before = texts.filter(pl.col("pair_id").is_in(some["pair_id"].implode()))
    assert again["text"].to_list() == before["text"].to_list()
    options = WritingOptions(seed=1)
    other = write_pair_texts(some, chunks, BOOKS, RulesAuthor(options), options, concepts)
    assert other["text"].to_list() != before["text"].to_list()


def test_no_slot_or_choice_is_left_open(texts: pl.DataFrame):
    for text in texts.filter("accepted")["text"]:
        assert not re.search(r"[{}|]|\[[^\]]*\|", text)


def test_every_choice_of_every_template_can_be_filled():
    names = """
        concepts heading one two title_one title_two source_one source_two where_one where_two
        place_one place_two person_one person_two near_one near_two source field title person
        note_one note_two
    """
    slots = dict.fromkeys(re.findall(r"\w+", names), "thing")
    for name in ("quoting", "expository", "qa", "dialogue", "standalone"):
        for part, templates in load_templates(name).items():
            assert len(templates) >= 6, (name, part)
            for number, template in enumerate(templates):
                for seed in range(8):
                    written = Phrases(f"{number}{seed}", slots).write([template])
                    assert not re.search(r"[{}\[\]|]", written), template


@pytest.mark.slow
def test_epistemic_notes_stand_in_the_asked_share_and_can_be_replaced(
    library: Library, tmp_path: Path
):
    chunks, pairs, concepts = library
    (tmp_path / "falconry.yaml").write_text("- Falconers trust the bird.\n", encoding="utf-8")
    options = WritingOptions(epistemic_share=1.0, epistemology_dir=tmp_path)
    texts = write_pair_texts(pairs, chunks, BOOKS, RulesAuthor(options), options, concepts)
    accepted = texts.filter("accepted")
    assert accepted["style"].str.ends_with("-epistemic").mean() == 1.0
    assert "Falconers trust the bird." in " ".join(accepted["text"])
    none = WritingOptions(epistemic_share=0.0)
    texts = write_pair_texts(pairs, chunks, BOOKS, RulesAuthor(none), none, concepts)
    assert texts["style"].str.contains("epistemic").sum() == 0


def test_a_broken_note_is_refused_in_words(library: Library, tmp_path: Path):
    chunks, pairs, concepts = library
    (tmp_path / "history.yaml").write_text("proof: 1\n", encoding="utf-8")
    options = WritingOptions(epistemic_share=1.0, epistemology_dir=tmp_path)
    with pytest.raises(ValueError, match=r"history\.yaml must hold a YAML list"):
        write_pair_texts(pairs, chunks, BOOKS, RulesAuthor(options), options, concepts)


def test_pairs_that_cannot_be_quoted_are_rejected_with_the_reason(library: Library):
    chunks, pairs, concepts = library
    rubbish = pl.lit("x 2 1 = y [12] Fig. 3 ||| THE HEAD LINE GOES HERE and so on, l8th of")
    damaged = chunks.with_columns(
        pl.when(pl.col("domain") == "history").then(rubbish).otherwise("passage").alias("passage")
    )
    texts = write_pair_texts(pairs, damaged, BOOKS, RulesAuthor(), concepts=concepts)
    history = texts.filter(
        pl.col("left_chunk").str.starts_with("history")
        | pl.col("right_chunk").str.starts_with("history")
    )
    assert not history["accepted"].any()
    reasons = set(history["rejected_by"].explode())
    assert any("history" in reason or "no shared concept" in reason for reason in reasons)


def test_concepts_that_the_quotes_do_not_print_are_never_claimed(library: Library):
    chunks, pairs, concepts = library
    false = pairs.with_columns(
        pl.lit([{"concept": "quantum gravity", "weight": 9.0}], pairs.schema["concepts"]).alias(
            "concepts"
        )
    )
    texts = write_pair_texts(false, chunks, BOOKS, RulesAuthor())
    assert not texts["accepted"].any()
    assert set(texts["rejected_by"].explode()) == {
        "no shared concept stands in quotable sentences of both passages"
    }
    # Where the chunks list their own concepts, what they share is shown instead.
    texts = write_pair_texts(false, chunks, BOOKS, RulesAuthor(), concepts=concepts)
    assert texts["accepted"].any()
    assert not any("quantum" in text for text in texts["text"])


def test_quotations_respect_their_bounds(library: Library):
    chunks, pairs, concepts = library
    options = WritingOptions(quotation=QuotationOptions(min_words=20, max_words=45))
    texts = write_pair_texts(pairs, chunks, BOOKS, RulesAuthor(options), options, concepts)
    for text in texts.filter(pl.col("kind") == "expository")["text"]:
        quotes = re.findall(r"“([^”]{40,})”|^> (.*)$", text, flags=re.MULTILINE)
        assert all(len((a or b).split()) <= 45 for a, b in quotes)


def test_a_pair_whose_chunk_is_missing_is_an_error(library: Library):
    chunks, pairs, concepts = library
    with pytest.raises(ValueError, match="chunks of pairs are not there"):
        write_pair_texts(pairs, chunks[:3], BOOKS, RulesAuthor(), concepts=concepts)


def test_hostile_titles_do_not_break_the_text(library: Library):
    chunks, pairs, concepts = library
    books = {
        key: BookInfo(
            "*A* [link](x)\n{one} " + " ".join(f"word{n}" for n in range(99)),
            book.domain,
            paged=book.paged,
        )
        for key, book in BOOKS.items()
    }
    texts = write_pair_texts(pairs[:6], chunks, books, RulesAuthor(), concepts=concepts)
    assert texts["accepted"].any()
    assert not any("{one}" in text or "](" in text for text in texts["text"])


def test_an_alias_that_only_one_passage_prints_is_no_shared_name():
    surfaces = {"Hildebrand", "Gregory"}
    alias = Concept(
        "hildebrand", 1.0, concept_pattern("hildebrand", surfaces), "Hildebrand", bare=True
    )
    crusade = "In the eleventh century Hildebrand ended his life as Pope Gregory VII."
    cardan = "The Pope Gregory XIII granted Cardan his protection."
    assert alias.stands_in(crusade)
    assert alias.stands_in(cardan)
    assert not printed_by_both(alias, crusade, cardan)
    term = Concept(
        "probability", 1.0, concept_pattern("probability", set()), "probabilities", bare=True
    )
    assert printed_by_both(term, "Probabilities add up.", "The probability is one half.")
