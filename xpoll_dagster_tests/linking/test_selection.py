from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from xpoll_dagster.linking.concepts import link_concepts
from xpoll_dagster.linking.duplicates import run_overlap, word_runs
from xpoll_dagster.linking.explanation import Wording, explain_pair
from xpoll_dagster.linking.lexical import link_lexical
from xpoll_dagster.linking.model import PAIRS_SCHEMA, REFUSED_SCHEMA
from xpoll_dagster.linking.options import LinkingOptions, SelectionOptions
from xpoll_dagster.linking.selection import Selection, choose, select_pairs
from xpoll_dagster.linking.semantic import link_semantic
from xpoll_dagster_tests.linking.library import OPTIONS, random_library

LOOSE = SelectionOptions(min_closeness=1.0, signal_quantile=0.3, score_quantile=0.2)


def select(seed: int = 0, **changes: float) -> tuple[pl.DataFrame, Selection]:
    chunks, concepts, vectors = random_library(seed=seed)
    options = OPTIONS.model_copy(update={"selection": LOOSE.model_copy(update=changes)})
    return chunks, select_pairs(
        link_concepts(chunks, concepts, vectors, options),
        link_lexical(chunks, options),
        link_semantic(chunks, vectors, options),
        chunks,
        vectors,
        options,
    )


def test_pairs_are_of_two_domains_of_one_topic_supported_twice_and_explained():
    chunks, selection = select()
    pairs = selection.pairs
    assert pairs.schema == PAIRS_SCHEMA
    assert pairs.height > 20
    assert (pairs["left_domain"] < pairs["right_domain"]).all()
    assert (pairs["signals"].list.len() >= 2).all()
    assert pairs["pair_id"].n_unique() == pairs.height
    assert pairs["explanation"].str.ends_with(".").all()
    topic = [int(name[-3:]) % 15 for name in pairs["left_chunk"]]
    other = [int(name[-3:]) % 15 for name in pairs["right_chunk"]]
    assert np.mean(np.array(topic) == np.array(other)) > 0.95
    books = dict(chunks.select("chunk_id", "book").rows())
    assert all(books[r["left_chunk"]] == r["left_book"] for r in pairs.to_dicts())


@pytest.mark.parametrize("cap", [1, 3])
def test_no_passage_is_in_more_pairs_than_allowed(cap: int):
    _, selection = select(per_chunk=cap)
    uses = Counter(selection.pairs["left_chunk"]) + Counter(selection.pairs["right_chunk"])
    assert max(uses.values()) <= cap


def test_every_pair_of_domains_is_heard():
    _, selection = select(max_pairs=9, min_per_domains=3)
    heard = selection.pairs.group_by("left_domain", "right_domain").len()
    assert heard["len"].to_list() == [3, 3, 3]


def test_what_is_not_taken_has_a_reason_and_nothing_is_in_both():
    _, selection = select(max_pairs=9)
    refused = selection.refused
    assert refused.schema == REFUSED_SCHEMA
    assert refused["reason"].null_count() == 0
    key = ["left_chunk", "right_chunk"]
    assert selection.pairs.join(refused, on=key, how="semi").is_empty()
    _, free = select()
    either = pl.concat([selection.pairs.select(key), refused.select(key)])
    other = pl.concat([free.pairs.select(key), free.refused.select(key)])
    assert set(either.rows()) == set(other.rows())


def test_the_same_input_in_another_order_gives_the_same_pairs():
    chunks, concepts, vectors = random_library()
    options = OPTIONS.model_copy(update={"selection": LOOSE})

    def run(order: np.ndarray) -> pl.DataFrame:
        c, v = chunks[order], vectors[order]
        return select_pairs(
            link_concepts(c, concepts, v, options),
            link_lexical(c, options),
            link_semantic(c, v, options),
            c,
            v,
            options,
        ).pairs

    first = run(np.arange(chunks.height))
    second = run(np.random.default_rng(3).permutation(chunks.height))
    assert first["pair_id"].to_list() == second["pair_id"].to_list()
    assert np.allclose(first["score"], second["score"], atol=1e-5)


def candidates(rows: list[tuple]) -> pl.DataFrame:
    names = ["left_chunk", "right_chunk", "left_domain", "right_domain", "score", "obstacle"]
    schema = dict.fromkeys(names, pl.String) | {"score": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_quota_and_cap_by_hand():
    rows = [(f"a{n}", f"b{n}", "a", "b", 0.9 - n / 100, None) for n in range(6)]
    rows += [("a9", "c0", "a", "c", 0.1, None), ("a9", "d0", "a", "d", 0.05, None)]
    options = SelectionOptions(score_quantile=0.0, max_share=0.3, min_per_domains=1)
    reasons = choose(candidates(rows), options)
    # Three pairs of domains: no cap below 2/3 of 8 candidates, which is 6.
    assert reasons == [None] * 8
    reasons = choose(candidates(rows), options.model_copy(update={"max_pairs": 4}))
    assert [r is None for r in reasons] == [True, True, False, False, False, False, True, True]


def test_copies_are_refused_with_that_reason():
    rows = [("a", "b", "x", "y", 0.9, "near-duplicate"), ("c", "d", "x", "y", 0.5, None)]
    assert choose(candidates(rows), SelectionOptions()) == ["near-duplicate", None]


def test_run_overlap_by_hand():
    texts = pl.Series(["one two three four five six", "One two, three four five seven", "short"])
    # Two runs each, one in common: 1 / 3.
    runs = word_runs(texts)
    found = run_overlap(runs, runs, np.array([0, 0, 0]), np.array([1, 0, 2]))
    assert np.allclose(found, [1 / 3, 1.0, 0.0])


def test_the_explanation_names_what_the_passages_show():
    pair = {
        "signals": ["concept", "lexical", "semantic"],
        "concepts": [{"concept": "laplace", "weight": 2.0}],
        "words": [{"concept": "laplace", "weight": 1.0}, {"concept": "comet", "weight": 0.5}],
        "margin_rank": 0.987,
        "left_domain": "history",
        "right_domain": "mathematics",
    }
    assert explain_pair(
        pair, Wording("Laplace saw\n comets."), Wording("LAPLACE proved it of a comet.")
    ) == (
        "Both passages speak of Laplace; they share the words “comets”; they are closer in "
        "meaning than 98 % of the candidates from history and mathematics."
    )


def test_an_empty_library_gives_no_pairs():
    chunks, concepts, vectors = random_library(domains=1)
    options = LinkingOptions(min_words=1)
    selection = select_pairs(
        link_concepts(chunks, concepts, vectors, options),
        link_lexical(chunks, options),
        link_semantic(chunks, vectors, options),
        chunks,
        vectors,
        options,
    )
    assert selection.pairs.is_empty()
    assert selection.pairs.schema == PAIRS_SCHEMA
