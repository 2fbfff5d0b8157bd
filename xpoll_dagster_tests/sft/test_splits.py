"""No chunk on two sides, shares nearly met, and the cut rows counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.sft.splits import STRADDLES, TEST, TRAIN, VALIDATION, assign_splits

chunk = st.integers(0, 40).map(lambda i: f"c{i}")
rows_of_chunks = st.lists(st.lists(chunk, min_size=1, max_size=2, unique=True), max_size=80)


@given(rows_of_chunks, st.integers(0, 5))
def test_no_chunk_stands_on_two_sides(rows: list[list[str]], seed: int) -> None:
    splits = assign_splits(rows, 0.1, 0.1, seed)
    assert len(splits) == len(rows)
    sides: dict[str, set[str]] = {}
    for chunks, split in zip(rows, splits, strict=True):
        if split != STRADDLES:
            for name in chunks:
                sides.setdefault(name, set()).add(split)
    assert all(len(found) == 1 for found in sides.values())


@given(rows_of_chunks, st.integers(0, 5))
def test_the_same_seed_gives_the_same_splits(rows: list[list[str]], seed: int) -> None:
    assert assign_splits(rows, 0.1, 0.1, seed) == assign_splits(rows, 0.1, 0.1, seed)


def test_rows_without_common_chunks_lose_nothing() -> None:
    rows = [[f"a{i}", f"b{i}"] for i in range(200)]
    counts = Counter(assign_splits(rows, 0.05, 0.05, 1))
    assert counts == {TRAIN: 180, VALIDATION: 10, TEST: 10}


def test_one_giant_component_is_cut_so_that_all_splits_have_rows() -> None:
    generator = np.random.default_rng(3)
    rows = [[f"a{i}", f"b{(i + step) % 300}"] for i in range(300) for step in (0, 1)]
    rows += [[f"a{i}"] for i in generator.integers(0, 300, 100).tolist()]
    counts = Counter(assign_splits(rows, 0.05, 0.05, 1))
    assert counts[TEST] >= 0.04 * len(rows)
    assert counts[VALIDATION] >= 0.04 * len(rows)
    assert counts[STRADDLES] <= 8  # a ring is cut by two rows at either end of a region


def test_held_out_rows_are_of_both_kinds() -> None:
    rows = [[f"a{i}", f"b{i}"] for i in range(100)] + [[f"s{i}"] for i in range(100)]
    splits = assign_splits(rows, 0.1, 0.1, 1)
    assert Counter(splits[:100])[TEST] == Counter(splits[100:])[TEST] == 10


def test_no_rows_give_no_splits() -> None:
    assert assign_splits([], 0.1, 0.1, 0) == []
