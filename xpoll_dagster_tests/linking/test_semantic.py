from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.linking.nearest import nearest_block, one_thread_each
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

    expected = {}
    starts = np.concatenate([[0], np.cumsum(sizes)])
    space = vectors.copy()
    for own in (slice(starts[n], starts[n + 1]) for n in range(len(sizes))):
        if centre and own.stop - own.start > 1:  # one book in each domain
            space[own] -= vectors[own].mean(axis=0)
    space = space / np.maximum(np.linalg.norm(space, axis=1, keepdims=True), 1e-9)
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


def test_vectors_must_be_one_per_chunk_and_finite():
    chunks = make_chunks({"a/b/0": "w", "c/b/0": "w"})
    with pytest.raises(ValueError, match="2 chunks"):
        link_semantic(chunks, np.ones((3, 4)), LinkingOptions(min_words=1))
    with pytest.raises(ValueError, match="not finite"):
        link_semantic(chunks, np.full((2, 4), np.nan), LinkingOptions(min_words=1))


@pytest.mark.parametrize("products", [100, 10_000])
def test_a_block_holds_what_a_flat_index_finds(monkeypatch: pytest.MonkeyPatch, products: int):
    import faiss

    monkeypatch.setattr("xpoll_dagster.linking.nearest.PRODUCTS", products)
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((n, 8)).astype(np.float32) for n in (70, 45))
    with one_thread_each():
        block = nearest_block(left, right, keep=20, neighbours=4)
    expected: dict[tuple[int, int], float] = {}
    for base, queries, turned in ((right, left, False), (left, right, True)):
        index = faiss.IndexFlatIP(8)
        index.add(base)
        scores, rows = index.search(queries, 20)
        best = block.right_best if turned else block.left_best
        assert np.allclose(best, scores[:, :4], atol=1e-5)
        for query, (found, near) in enumerate(zip(scores, rows, strict=True)):
            for score, row in zip(found, near, strict=True):
                expected[(row, query) if turned else (query, row)] = score
    pairs = list(zip(block.left.tolist(), block.right.tolist(), strict=True))
    assert pairs == sorted(expected)
    assert np.allclose(block.score, [expected[pair] for pair in pairs], atol=1e-5)


def test_searching_leaves_the_number_of_threads_as_it_was():
    import torch

    before = torch.get_num_threads()
    vectors = np.eye(6, dtype=np.float32)
    with one_thread_each():
        nearest_block(vectors[:3], vectors[3:], keep=2, neighbours=2)
    assert torch.get_num_threads() == before
