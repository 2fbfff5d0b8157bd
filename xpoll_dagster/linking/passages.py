"""The passages that take part in linking, in an order in which each domain is one run of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from xpoll_dagster.linking.options import LinkingOptions


@dataclass(frozen=True, slots=True)
class Passages:
    """Passages sorted by domain, book and place.

    `frame` has the columns of the chunks; `source` gives for each of its rows the row
    in the chunks handed in, so that vectors can be taken along. `starts` has one entry
    more than there are domains: domain i is the rows starts[i] to starts[i + 1].
    """

    frame: pl.DataFrame
    source: np.ndarray
    domains: tuple[str, ...]
    starts: tuple[int, ...]

    @property
    def ids(self) -> pl.Series:
        """The `chunk_id` of every row."""
        return self.frame["chunk_id"]

    def __len__(self) -> int:
        """Number of passages."""
        return self.frame.height

    def rows(self, domain: int) -> slice:
        """The rows of one domain."""
        return slice(self.starts[domain], self.starts[domain + 1])

    def domain_pairs(self) -> Iterator[tuple[int, int]]:
        """Every pair of different domains, the first sorting first."""
        count = len(self.domains)
        return ((a, b) for a in range(count) for b in range(a + 1, count))


def eligible_passages(chunks: pl.DataFrame, options: LinkingOptions) -> Passages:
    """The chunks that can be linked: of the wanted kinds, with enough words.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`, in any order.
        options: `kinds` and `min_words` decide.

    Returns:
        The passages, in an order that does not depend on the order of `chunks`.

    Raises:
        ValueError: Two chunks share an id.
    """
    if chunks["chunk_id"].n_unique() != chunks.height:
        raise ValueError("Two chunks share an id, so links could not say which they mean.")
    words = pl.col("passage").fill_null("").str.count_matches(r"\S+")
    frame = (
        chunks.with_row_index("source")
        .filter(pl.col("kind").is_in(options.kinds) & (words >= options.min_words))
        .sort("domain", "book", "ordinal", "chunk_id")
    )
    domains = frame["domain"].unique().sort().to_list()
    counts = [int((frame["domain"] == name).sum()) for name in domains]
    starts = tuple(int(n) for n in np.concatenate([[0], np.cumsum(counts)]))
    if any(b <= a for a, b in pairwise(starts)):
        raise AssertionError("A domain without passages cannot be listed.")
    source = frame["source"].to_numpy().astype(np.int64)
    return Passages(frame.drop("source"), source, tuple(domains), starts)
