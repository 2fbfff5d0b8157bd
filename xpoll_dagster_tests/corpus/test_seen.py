from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xpoll_dagster.corpus.seen import SeenHashes

HASHES = st.lists(st.integers(0, 20), max_size=12)


@given(st.lists(HASHES, max_size=8), HASHES)
def test_counts_what_was_added(batches: list[list[int]], asked: list[int]) -> None:
    seen = SeenHashes()
    truth: Counter[int] = Counter()
    for batch in batches:
        seen.add(np.array(batch, np.uint64))
        truth.update(batch)
    assert seen.counts(np.array(asked, np.uint64)).tolist() == [truth[n] for n in asked]
    assert len(seen) == truth.total()
