from __future__ import annotations

import numpy as np
import polars as pl

from xpoll_dagster.linking.lexical import link_lexical
from xpoll_dagster.linking.options import LexicalOptions
from xpoll_dagster.linking.terms import weigh_terms
from xpoll_dagster_tests.linking.library import OPTIONS, make_chunks, pairs_of

PASSAGES = {
    "art/book/0": "The abacus had apices and beads, and the merchants kept their abacus.",
    "art/book/1": "A painter mixes pigments with linseed oil on the palette.",
    "law/book/0": "Courts once measured damages with an abacus whose apices were carved.",
    "law/book/1": "The jury retired and returned its verdict before noon.",
}


def test_shared_rare_words_link_and_are_named():
    links = link_lexical(make_chunks(PASSAGES), OPTIONS)
    assert pairs_of(links) == {("art/book/0", "law/book/0")}
    assert {item["concept"] for item in links["concepts"][0]} == {"abacus", "apices"}
    assert 0 < links["score"][0] <= 1


def test_plurals_meet_their_singular_and_stop_words_link_nothing():
    chunks = make_chunks(
        {
            "a/b/0": "telescopes and galaxies although however",
            "c/b/0": "telescope with galaxy although however",
            "c/b/1": "although however because therefore",
        }
    )
    assert pairs_of(link_lexical(chunks, OPTIONS)) == {("a/b/0", "c/b/0")}


def test_the_score_is_the_cosine_of_the_weights():
    sides = []
    for domain in ("art", "law"):
        texts = pl.Series([text for name, text in PASSAGES.items() if name.startswith(domain)])
        words = weigh_terms(texts, OPTIONS.lexical)
        row = slice(words.starts[0], words.starts[1])
        hashes = words.hashes[words.columns[row]].tolist()
        sides.append(dict(zip(hashes, words.weights[row].tolist(), strict=True)))
    cosine = sum(weight * sides[1].get(word, 0.0) for word, weight in sides[0].items())
    links = link_lexical(make_chunks(PASSAGES), OPTIONS)
    assert np.isclose(links["score"][0], cosine, atol=1e-6)
    assert np.isclose(sum(weight**2 for weight in sides[0].values()), 1.0)


def test_words_in_too_many_passages_of_a_book_are_not_compared():
    many = {f"a/b/{n}": f"gravity orbit word{'abcdefghijkl'[n]}" for n in range(12)}
    chunks = make_chunks(many | {"c/b/0": "gravity orbit comet"})
    strict = OPTIONS.model_copy(update={"lexical": LexicalOptions(max_share=0.1)})
    assert link_lexical(chunks, strict).is_empty()
    loose = OPTIONS.model_copy(update={"lexical": LexicalOptions(max_share=1.0)})
    assert link_lexical(chunks, loose).height == 12


def test_only_long_enough_prose_takes_part():
    chunks = make_chunks(PASSAGES)
    assert link_lexical(chunks, OPTIONS.model_copy(update={"min_words": 40})).is_empty()
    assert link_lexical(make_chunks(PASSAGES, kind="exercises"), OPTIONS).is_empty()
