from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.options import IndexOptions
from xpoll_dagster.retrieval.search import MODES, Mode
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
    assert set(text.split()) <= {word for window in windows for word in window.split()}
