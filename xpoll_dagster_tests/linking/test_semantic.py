from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.linking.nearest import search_both_ways
from xpoll_dagster.linking.options import LinkingOptions, SemanticOptions
from xpoll_dagster.linking.semantic import link_semantic
from xpoll_dagster_tests.linking.library import make_chunks


def naive_margins(left: np.ndarray, right: np.ndarray, k: int, floor: float) -> np.ndarray:
    """The formula of Artetxe and Schwenk, written down as it stands in the paper."""
    margins = np.empty((len(left), len(right)))
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            near_x = sorted((float(x @ z) for z in right), reverse=True)[:k]
            near_y = sorted((float(y @ z) for z in left), reverse=True)[:k]
            level = (sum(near_x) / len(near_x) + sum(near_y) / len(near_y)) / 2
            margins[i, j] = float(x @ y) / max(level, floor)
    return margins


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=3),
    seed=st.integers(0, 2**16),
    centre=st.booleans(),
)
def test_margins_are_those_of_a_naive_implementation(sizes: list[int], seed: int, centre: bool):
    rng = np.random.default_rng(seed)
    ids = [f"d{d}/book/{n:03d}" for d, size in enumerate(sizes) for n in range(size)]
    vectors = rng.standard_normal((len(ids), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    options = LinkingOptions(min_words=1, semantic=SemanticOptions(centre=centre))
    order = rng.permutation(len(ids))  # the order of the chunks must not matter
    chunks = make_chunks({ids[n]: "w" for n in order})
    links = link_semantic(chunks, vectors[order], options)

    space = vectors - vectors.mean(axis=0) if centre else vectors
    space = space / np.maximum(np.linalg.norm(space, axis=1, keepdims=True), 1e-9)
    expected = {}
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for a in range(len(sizes)):
        for b in range(a + 1, len(sizes)):
            rows, columns = range(starts[a], starts[a + 1]), range(starts[b], starts[b + 1])
            margins = naive_margins(space[rows], space[columns], 4, 0.1)
            for i in rows:
                for j in columns:
                    expected[ids[i], ids[j]] = margins[i - starts[a], j - starts[b]]
    found = {(r["left_chunk"], r["right_chunk"]): r["margin"] for r in links.to_dicts()}
    assert found.keys() == expected.keys()
    for pair, margin in expected.items():
        assert found[pair] == pytest.approx(margin, abs=1e-4)


@pytest.mark.parametrize("index", ["ivf", "hnsw"])
def test_approximate_indexes_find_the_nearest(index: Literal["ivf", "hnsw"]):
    rng = np.random.default_rng(0)
    left = rng.standard_normal((60, 16)).astype(np.float32)
    vectors = np.concatenate([left, left + 0.01])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = make_chunks({f"d{d}/b/{n:03d}": "w" for d in range(2) for n in range(60)})
    options = LinkingOptions(min_words=1, semantic=SemanticOptions(index=index))
    links = link_semantic(chunks, vectors, options)
    best = links.sort("margin", descending=True).group_by("left_chunk").first()
    right = best["left_chunk"].str.slice(2) == best["right_chunk"].str.slice(2)
    assert right.sum() > 0.9 * len(right)


def test_vectors_must_be_one_per_chunk_and_finite():
    chunks = make_chunks({"a/b/0": "w", "c/b/0": "w"})
    with pytest.raises(ValueError, match="2 chunks"):
        link_semantic(chunks, np.ones((3, 4)), LinkingOptions(min_words=1))
    with pytest.raises(ValueError, match="not finite"):
        link_semantic(chunks, np.full((2, 4), np.nan), LinkingOptions(min_words=1))


def test_exact_search_finds_what_a_flat_index_finds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("xpoll_dagster.linking.nearest.BLOCK_PRODUCTS", 500)
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((n, 8)).astype(np.float32) for n in (70, 45))
    found = search_both_ways(left, right, SemanticOptions(candidates=20, index="exact"))
    known = search_both_ways(left, right, SemanticOptions(candidates=20, index="flat"))
    for (score, rows), (known_score, known_rows) in zip(found, known, strict=True):
        assert np.allclose(score, known_score, atol=1e-5)
        assert (rows == known_rows).all()
