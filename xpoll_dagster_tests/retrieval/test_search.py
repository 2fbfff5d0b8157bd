from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.embedding import load_embedder
from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.retrieval.coverage import WindowTerms
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.fit import WEIGHTS, fit_weights
from xpoll_dagster.retrieval.options import IndexOptions
from xpoll_dagster.retrieval.search import MODES, Mode, Searcher
from xpoll_dagster.retrieval.terms import split_terms
from xpoll_dagster.retrieval.vectors import build_vector_index
from xpoll_dagster.retrieval.windows import split_windows
from xpoll_dagster_tests.retrieval.library import Built


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_finds_the_chunk(built: Built, mode: Mode):
    found = built.clean.search("In which year was the bell of Dunmere cast?", 3, mode)
    assert "bell of Dunmere" in found[0].text
    assert found[0].citation == "The Founding of Bells, “Part 2”"
    assert [result.score for result in found] == sorted(
        (result.score for result in found), reverse=True
    )


def test_a_batch_gives_what_single_queries_give(built: Built):
    queries = ["fleece of the Embry", "tin for bells", "wet hemp", "", "zzz"]
    together = built.noisy.search(queries, 5)
    for query, results in zip(queries, together, strict=True):
        alone = built.noisy.search(query, 5)
        assert [one.document_id for one in alone] == [one.document_id for one in results]


def test_paraphrases_are_marked_and_lead_to_their_original(built: Built):
    results = built.noisy.search("fleece of the Bostrin sheep shorn in June", 2)
    assert {result.is_paraphrase for result in results} == {True, False}
    assert {result.stable_id for result in results} == {"farming--hill-sheep-0001"}


def test_rejected_paraphrases_are_not_indexed(built: Built):
    assert not any("Dellick" in text for text in _copies(built))


def _copies(built: Built):
    rows = built.noisy.index.rows
    return rows.filter(rows["is_paraphrase"])["text"].to_list()


def test_bad_requests_are_refused(built: Built):
    with pytest.raises(RetrievalError, match="no mode"):
        built.clean.search("x", 3, "guess")  # type: ignore[arg-type]
    with pytest.raises(RetrievalError, match="At least one"):
        built.clean.search("x", 0)
    assert len(built.clean.search("x", 10_000)) == built.clean.index.rows.height
    assert built.clean.search([], 3) == []


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_a_trained_index_tells_its_recall(kind: Literal["ivf", "hnsw"]):
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, 32))
    vectors = np.repeat(centres, 50, axis=0) + 0.3 * rng.standard_normal((2000, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    built = build_vector_index(vectors, IndexOptions(kind=kind))
    assert built.kind == kind
    assert 0.5 < built.recall <= 1.0
    assert built.index.ntotal == 2000
    poor = build_vector_index(vectors, IndexOptions(kind="ivf", probed_share=1e-6))
    assert poor.recall < 1.0
    auto = build_vector_index(vectors, IndexOptions(flat_limit=2001))
    assert (auto.kind, auto.recall) == ("flat", 1.0)
    assert build_vector_index(vectors, IndexOptions(flat_limit=2000)).kind == "ivf"


def test_numbers_and_compounds_are_read_as_meant():
    assert split_terms("32:2l:49") == split_terms("32:21:49")
    assert split_terms("S-IVB") == split_terms("SIVB")
    assert split_terms("1,750 ft") == split_terms("1750 ft")
    assert split_terms("will") == ["will"]


@settings(max_examples=50)
@given(st.text(max_size=600))
def test_windows_hold_every_word(text: str):
    windows = split_windows(text, 30)
    assert windows
    words = set(text.replace("|", " ").split())
    assert words <= {word for one in windows for word in one.replace("|", " ").split()}


def test_a_row_of_a_table_stands_with_the_names_of_its_columns():
    table = "| Maneuver | Ignition time |\n| --- | ---: |\n| First | 30:40 |\n| Second | 61:29 |"
    assert split_windows(
        f"The ship was moved twice by its engine.\n{table}\nThen it fell.", 30
    ) == [
        "The ship was moved twice by its engine.",
        "Maneuver Ignition time First 30:40",
        "Maneuver Ignition time Second 61:29",
        "Then it fell.",
    ]


def test_rows_without_words_make_no_window_and_lose_no_column():
    assert split_windows("One sentence that stands by itself.\n|  |\n| |", 30) == [
        "One sentence that stands by itself."
    ]
    assert split_windows("| a b c d e |\n| --- |\n|  |", 2) == ["a b", "c d", "e"]


@given(
    st.lists(st.lists(st.sampled_from(["valve", "1.5", "", "a b c"]), min_size=1), min_size=1),
    st.integers(1, 8),
    st.booleans(),
)
def test_windows_hold_every_word_of_a_table(rows: list[list[str]], longest: int, ruled: bool):
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if ruled:
        lines.insert(1, "| --- |")
    windows = split_windows("\n".join(lines), longest)
    words = {word for row in rows for cell in row for word in cell.split()}
    assert words <= {word for window in windows for word in window.split()}
    assert windows


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw"])
def test_originals_are_taken_out_of_an_index(built: Built, kind: Literal["flat", "ivf", "hnsw"]):
    noisy = built.noisy.index
    vectors = noisy.chunks.index.reconstruct_n(0, noisy.chunks.index.ntotal)
    trained = replace(noisy, chunks=build_vector_index(vectors, IndexOptions(kind=kind)))
    clean = Searcher(trained.originals(), load_embedder())
    query = "fleece of the Bostrin sheep shorn in June"
    assert [one.document_id for one in clean.search(query, 5)] == [
        one.document_id for one in built.clean.search(query, 5)
    ]


def test_a_window_is_worth_the_weight_of_the_terms_it_holds():
    windows = ["the valve opened and the valve closed", "the pump failed", ""]
    weights = {"valv": 2.0, "pump": 3.0, "fail": 5.0}
    held = WindowTerms(windows, lambda term: weights.get(term, 0.0)).covered(
        ["Which valve failed?", "pump pump", "nothing known"]
    )
    assert held.tolist() == [[2.0, 0.0, 0.0], [5.0, 3.0, 0.0], [0.0, 0.0, 0.0]]


def test_fused_search_adds_up_its_features(built: Built):
    queries = ["In which year was the bell of Dunmere cast?", "turns of the eye knot"]
    fusion = built.noisy.options.fusion
    weights = [getattr(fusion, name) for name in WEIGHTS]
    added = built.noisy.features(queries) @ np.asarray(weights, dtype=np.float32)
    assert np.allclose(added, built.noisy.scores(queries), atol=1e-3)


def test_words_that_stand_together_beat_words_that_are_scattered():
    """Both chunks hold the words as often; only one holds them in one place."""
    together, scattered = 0, 1
    filler = "Nothing of note was seen on that day by anyone at the harbour. " * 4
    texts = [
        f"{filler}The brass lamp was lit by the keeper. {filler}",
        f"A lamp stood there. {filler}The keeper slept. {filler}Some brass was lit.",
    ]
    found = WindowTerms(
        [window for text in texts for window in split_windows(text, 30)], lambda _: 1.0
    ).covered(["Who lit the brass lamp, the keeper?"])[:, 0]
    sizes = [len(split_windows(text, 30)) for text in texts]
    best = [found[: sizes[0]].max(), found[sizes[0] :].max()]
    assert best[together] > best[scattered]


@pytest.mark.slow
def test_fitted_weights_find_the_chunks_that_they_were_fitted_on(built: Built):
    table = built.clean.index.table
    asked, gold = [], []
    for number, text in table.filter(pl.col("book") != "tables--numbers")[
        "number", "text"
    ].iter_rows():
        for sentence in split_sentences(text):
            asked.append(f"What is said of this: {sentence}")
            gold.append([number])
    with pytest.raises(RetrievalError, match="50 are needed"):
        fit_weights(built.clean, asked[:20], gold[:20])
    fitted = fit_weights(built.clean, asked, gold)
    again = Searcher(built.clean.index, load_embedder(), fitted)
    rows = again.rank(asked, 1)[0][:, 0]
    texts = table["text"]
    said = " ".join(texts)
    hits = [
        texts[int(row)] == texts[own[0]]
        for row, own, question in zip(rows, gold, asked, strict=True)
        if said.count(question.split(": ")[1]) == 1  # others stand in several chunks
    ]
    assert len(hits) > 20
    assert np.mean(hits) > 0.9
