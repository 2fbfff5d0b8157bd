"""Weighted features of passages: which words or concepts each holds, over columns that all share.

A book's features are weighed by the book alone and named by a hash of their text, so what is
made of one book stands whatever other books there are. To compare books, their hashes are
numbered in ascending order: the order in which products are summed, and so their last bit,
is that of the hashes and not that in which books arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from xpoll_dagster.linking.arrays import ascending
from xpoll_dagster.linking.cache import pack_texts, unpack_texts
from xpoll_dagster.linking.library import LinkedBook, LinkedDomain
from xpoll_dagster.linking.sparse import SparseRows


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """The features of one book's passages.

    Passage i holds the entries `starts[i]` to `starts[i + 1]` of `columns` (places in
    `hashes`, ascending) and `weights`; `needed` (none for words) says how much each adds to what
    a link needs. `hashes` ascends and names the features together with `names`.
    """

    starts: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    needed: np.ndarray
    hashes: np.ndarray
    packed_names: np.ndarray

    @property
    def names(self) -> pl.Series:
        """What each feature is shown as, in the order of `hashes`."""
        # Unpacked where they are asked for only: most books' names never are.
        names = unpack_texts(self.packed_names, len(self.hashes))
        return pl.Series(names, dtype=pl.String)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it as arrays without objects, to be kept in a file."""
        return {
            "starts": self.starts,
            "columns": self.columns,
            "weights": self.weights,
            "needed": self.needed,
            "hashes": self.hashes,
            "names": self.packed_names,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> FeatureRows:
        """What `to_arrays` gave."""
        return cls(
            **{k: arrays[k] for k in ("starts", "columns", "weights", "needed", "hashes")},
            packed_names=arrays["names"],
        )


def feature_rows(
    weights: SparseRows, identities: pl.Series, names: pl.Series, needed: np.ndarray | None = None
) -> FeatureRows:
    """Features of one book from a matrix.

    Args:
        weights: One row per passage, one column per feature.
        identities: What each column is; the same text is the same feature in every book.
        names: How each column is shown.
        needed: How much each entry of `weights` adds to what a link needs.
    """
    used = np.flatnonzero(np.bincount(weights.indices, minlength=len(identities)))
    hashes = pl.DataFrame({"name": identities.gather(used)}).select(hash_names("name"))
    hashes = hashes.to_series().to_numpy()
    order = np.argsort(hashes, kind="stable")
    place = np.zeros(len(identities), np.int32)
    place[used[order]] = np.arange(len(used), dtype=np.int32)
    column = place[weights.indices]
    row = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    entries = np.argsort(row * np.int64(max(len(used), 1)) + column)
    return FeatureRows(
        weights.indptr.astype(np.int64),
        column[entries],
        weights.data[entries].astype(np.float32),
        (np.zeros(0, np.float32) if needed is None else needed[entries]),
        hashes[order],
        pack_texts(names.gather(used[order]).to_list()),
    )


def hash_names(column: str) -> pl.Expr:
    """A hash of texts that is the same on every machine and in every version (xxh3)."""
    import polars_hash as plh

    return plh.col(column).nchash.xxh3_64()


@dataclass(frozen=True, slots=True)
class StackedRows:
    """The features of passages of one or more books, over columns that all books share.

    `needed` has the same entries as `weights`. `places` gives for each of
    `books` its columns, ascending.
    """

    weights: SparseRows
    needed: SparseRows
    places: Sequence[np.ndarray]
    books: Sequence[FeatureRows]

    def name(self, columns: np.ndarray) -> pl.Series:
        """Names of columns that occur here; where books differ, as the first of them says."""
        wanted = ascending(columns)
        named = pl.concat([book.names for book in self.books])
        at = np.full(len(wanted), -1, np.int64)
        start = 0
        for places in self.places:
            found = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
            new = (at < 0) & (places[found] == wanted) if len(places) else np.zeros(0, np.int64)
            at[new] = found[new] + start
            start += len(places)
        return named.gather(at).gather(np.searchsorted(wanted, columns))


class FeatureTable:
    """The features of all books, of each by itself and of each domain together."""

    def __init__(
        self, domains: Sequence[LinkedDomain], rows: Callable[[LinkedBook], FeatureRows]
    ) -> None:
        books = [book for domain in domains for book in domain.books]
        self._rows = {book.key: rows(book) for book in books}
        # Column n stands for the n-th hash.
        self._columns = ascending(
            np.concatenate([np.zeros(0, np.uint64), *(r.hashes for r in self._rows.values())])
        )
        self._places = {
            key: np.searchsorted(self._columns, rows.hashes) for key, rows in self._rows.items()
        }
        self._stacked: dict[str, StackedRows] = {}

    def book(self, book: LinkedBook) -> StackedRows:
        """The passages of a book."""
        return self._once(f"book {book.key}", [book])

    def domain(self, domain: LinkedDomain) -> StackedRows:
        """The passages of a domain's books."""
        return self._once(f"domain {domain.name}", domain.books)

    def _once(self, name: str, books: Sequence[LinkedBook]) -> StackedRows:
        # Two threads may both make it: they make the same.
        if name not in self._stacked:
            self._stacked[name] = self._stack(books)
        return self._stacked[name]

    def stacked(self, books: Sequence[LinkedBook]) -> tuple[StackedRows, list[slice]]:
        """The passages of some books one below the other, and which rows are whose."""
        ends = np.cumsum([0, *(len(book.ids) for book in books)]).tolist()
        return self._stack(books), [slice(a, b) for a, b in pairwise(ends)]

    def _stack(self, books: Sequence[LinkedBook]) -> StackedRows:
        from scipy.sparse import csr_matrix

        rows = [self._rows[book.key] for book in books]
        places = [self._places[book.key] for book in books]
        indices = np.concatenate([p[r.columns] for p, r in zip(places, rows, strict=True)])
        ends = np.cumsum([0, *(len(r.columns) for r in rows)])
        pointers = np.concatenate(
            [[0], *(r.starts[1:] + e for r, e in zip(rows, ends, strict=False))]
        )
        shape = (len(pointers) - 1, len(self._columns))
        weights = np.concatenate([r.weights for r in rows])
        needed = np.concatenate([r.needed for r in rows])
        return StackedRows(
            csr_matrix((weights, indices, pointers), shape=shape),
            csr_matrix((needed if len(needed) else weights, indices, pointers), shape=shape),
            places,
            rows,
        )
