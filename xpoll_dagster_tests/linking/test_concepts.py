from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.concepts import link_concepts
from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster_tests.linking.library import OPTIONS, make_chunks, make_concepts, pairs_of


def library(left: dict[int, list[str]], right: dict[int, list[str]], size: int = 100):
    passages = {f"{d}/book/{n:03d}": "some words" for d in ("art", "law") for n in range(size)}
    held = {f"art/book/{n:03d}": names for n, names in left.items()}
    held |= {f"law/book/{n:03d}": names for n, names in right.items()}
    return make_chunks(passages), make_concepts(held)


def test_two_shared_concepts_link_and_one_plain_one_does_not():
    chunks, concepts = library(
        {0: ["torque", "lever"], 1: ["pendulum"]}, {5: ["torque", "lever"], 6: ["pendulum"]}
    )
    links = link_concepts(chunks, concepts, None, OPTIONS)
    assert pairs_of(links) == {("art/book/000", "law/book/005")}
    assert links.schema == LINKS_SCHEMA
    assert {c["concept"] for c in links["concepts"][0]} == {"torque", "lever"}


def test_one_rare_concept_of_several_words_is_enough():
    chunks, concepts = library({0: ["least squares"]}, {5: ["least squares"]})
    links = link_concepts(chunks, concepts, None, OPTIONS)
    assert pairs_of(links) == {("art/book/000", "law/book/005")}
    # Two books of 100 passages, the concept in one of each: ln(101)² by hand.
    assert np.isclose(links["score"][0], np.log(101.0) ** 2, rtol=1e-5)


def test_a_concept_common_in_one_of_the_books_does_not_count():
    common = {n: ["new york", "old york"] for n in range(4)}  # 4 of 100: more than 3 and 2 %
    chunks, concepts = library(common, {5: ["new york", "old york"]})
    assert link_concepts(chunks, concepts, None, OPTIONS).is_empty()
    chunks, concepts = library({n: common[n] for n in range(3)}, {5: ["new york", "old york"]})
    assert link_concepts(chunks, concepts, None, OPTIONS).height == 3


def test_homonyms_are_left_out_where_the_passages_have_nothing_in_common():
    chunks, concepts = library(
        {0: ["finite field"], 1: ["least squares"]}, {5: ["finite field"], 6: ["least squares"]}
    )
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((chunks.height, 16)).astype(np.float32)
    vectors[105] = -vectors[0]  # the same words, meant otherwise
    vectors[106] = vectors[1] + 0.1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    links = link_concepts(chunks, concepts, vectors, OPTIONS)
    assert pairs_of(links) == {("art/book/001", "law/book/006")}


def test_nothing_links_inside_a_domain_even_between_its_books():
    chunks = make_chunks({"art/one/0": "a b", "art/two/0": "a b", "law/one/0": "c d"})
    concepts = make_concepts({c: ["least squares", "torque"] for c in chunks["chunk_id"]})
    links = link_concepts(chunks, concepts, None, OPTIONS)
    assert pairs_of(links) == {("art/one/0", "law/one/0"), ("art/two/0", "law/one/0")}


def test_no_concepts_no_links():
    chunks, concepts = library({}, {})
    assert link_concepts(chunks, concepts, None, OPTIONS).schema == LINKS_SCHEMA
    empty = pl.DataFrame(schema=chunks.schema)
    assert link_concepts(empty, concepts, None, OPTIONS).is_empty()
