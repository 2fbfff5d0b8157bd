"""Splits and caps on random graphs and sizes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpoll_dagster.sft.balance import effective_share, format_caps, share_cap
from xpoll_dagster.sft.hub import HubError, push
from xpoll_dagster.sft.options import SftOptions, SplitOptions
from xpoll_dagster.sft.splits import assign_splits, twin_groups

NODES = [f"n{number}" for number in range(60)]


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).map(
            lambda pair: (min(pair), max(pair))
        ),
        st.integers(1, 4),
        max_size=120,
    ),
    st.integers(0, 3),
)
def test_every_node_gets_one_split_and_the_same_again(links: dict[tuple[str, str], int], seed: int):
    options = SplitOptions(validation=0.1, test=0.1)
    split_of = assign_splits(links, NODES, options, seed)
    assert set(split_of) == set(NODES)
    assert set(split_of.values()) <= {"train", "validation", "test"}
    assert assign_splits(links, NODES, options, seed) == split_of


def test_a_giant_component_is_cut_where_it_is_thin():
    links = {}
    for block in range(10):  # ten knots of ten chunks on one string
        names = [f"b{block}c{number}" for number in range(10)]
        for number in range(10):
            for other in range(number + 1, 10):
                links[names[number], names[other]] = 1
        if block:
            links[f"b{block - 1}c0", f"b{block}c0"] = 1
    nodes = {name for link in links for name in link}
    split_of = assign_splits(links, sorted(nodes), SplitOptions(validation=0.1, test=0.1), 0)
    lost = sum(split_of[a] != split_of[b] for a, b in links)
    inside = {"test": 0, "validation": 0, "train": 0}
    for a, b in links:
        if split_of[a] == split_of[b]:
            inside[split_of[a]] += 1
    assert lost <= 6
    assert inside["test"] >= 0.08 * len(links)
    assert inside["validation"] >= 0.08 * len(links)


def test_chunks_with_a_long_sentence_in_common_are_one_group():
    same = "This sentence is long enough to be told apart from all the others in the book."
    chunks = pl.DataFrame(
        {
            "chunk_id": ["a", "b", "c"],
            "passage": [f"First. {same} More.", f"{same.upper()} Else.", "Nothing in common here."],
        }
    )
    groups = twin_groups(chunks, SplitOptions())
    assert groups == {"a": "a", "b": "a", "c": "c"}


@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.floats(0.05, 1.0))
def test_no_group_holds_more_than_its_share(sizes: list[int], share: float):
    cap = share_cap(sizes, share)
    left = [min(size, cap) for size in sizes]
    allowed = effective_share(len(sizes), share) * sum(left)
    assert max(left) <= allowed + 1 or cap == 1
    if cap < max(sizes):  # and one more for each would be too much
        more = [min(size, cap + 1) for size in sizes]
        assert cap + 1 > effective_share(len(sizes), share) * sum(more)


def test_formats_follow_the_scarcest():
    weights = {"qa": 1.0, "dialogue": 1.0, "expository": 2.0}
    caps = format_caps({"qa": 100, "dialogue": 50, "expository": 300}, weights, 0.0)
    assert caps == {"qa": 50, "dialogue": 50, "expository": 100}
    assert format_caps({"qa": 10, "dialogue": 5}, {"qa": 1.0}, 0.0) == {"qa": 10, "dialogue": 0}


def test_wrong_formats_are_refused():
    with pytest.raises(ValueError, match="formats takes"):
        SftOptions(formats={"poem": 1.0})


def test_pushing_says_what_is_missing_and_never_the_token(tmp_path: Path):
    with pytest.raises(HubError, match="owner/name"):
        push(tmp_path, "nameless", "secret-token")
    with pytest.raises(HubError, match="HF_TOKEN"):
        push(tmp_path, "me/data", "")
    with pytest.raises(HubError, match="no dataset"):
        push(tmp_path, "me/data", "secret-token")
