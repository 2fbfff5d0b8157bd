"""From books to links, one pair of domains after the other: what the three signals share.

Whatever a pair of domains' links say depends on the books of these two domains alone. What
two books have in common is computed once (a block, see `blocks`); the links of two domains are
made anew from their blocks whenever a book of either comes, goes or changes. A book added to
fifty so costs its own blocks and one pass over the links of its domain, and the result is what
linking everything at once would give.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Protocol

import polars as pl

from xpoll_dagster.linking.blocks import Block, BlockKey, pack_blocks, unpack_blocks
from xpoll_dagster.linking.cache import Piece, PieceCache
from xpoll_dagster.linking.library import CODE, LinkedBook, LinkedDomain, Table
from xpoll_dagster.linking.links import rank_links
from xpoll_dagster.storage import fingerprint


class Signal(Protocol):
    """One way of aligning; the methods are called in this order."""

    name: str
    tables: tuple[Table, ...]
    block_tables: tuple[Table, ...]
    settings: Any

    def prepare(self, domains: Sequence[LinkedDomain], cache: PieceCache) -> None:
        """Read what is needed of these domains."""
        ...

    def blocks(self, left: LinkedBook, rights: Sequence[LinkedBook]) -> list[Block]:
        """What a book has in common with books of another domain."""
        ...

    def links(
        self, left: LinkedDomain, right: LinkedDomain, blocks: Sequence[Block]
    ) -> pl.DataFrame:
        """The links of two domains, without ranks; blocks as `merge_blocks` takes them."""
        ...

    def running(self) -> AbstractContextManager[None]:
        """What holds while threads work on blocks and links."""
        ...


@dataclass(slots=True)
class Work:
    """What a linking had to do: pairs of books compared, and pairs of domains linked."""

    blocks_computed: int = 0
    blocks_reused: int = 0
    domain_pairs_linked: int = 0
    domain_pairs_reused: int = 0


@dataclass(frozen=True, slots=True)
class DomainPair:
    """Two domains, and what their links are made of."""

    left: LinkedDomain
    right: LinkedDomain
    made_of: str

    @property
    def name(self) -> str:
        """A name for files: readable, and unique by the hash that it ends in."""
        names = [self.left.name, self.right.name]
        readable = "--".join(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names)
        return f"{readable[:80]}-{fingerprint(names)[:8]}"


def domain_pairs(
    domains: Sequence[LinkedDomain], *made_of: object, tables: Sequence[Table]
) -> list[DomainPair]:
    """Every pair of different domains, the first sorting first."""
    return [
        DomainPair(
            left,
            right,
            fingerprint(
                [
                    CODE,
                    left.name,
                    right.name,
                    left.made_of(*tables),
                    right.made_of(*tables),
                    *made_of,
                ]
            ),
        )
        for left, right in combinations(domains, 2)
    ]


@dataclass(slots=True)
class Linker:
    """Links a library by one signal; `work` counts what had to be done."""

    signal: Signal
    cache: PieceCache = field(default_factory=PieceCache)
    work: Work = field(default_factory=Work)

    def pairs(self, domains: Sequence[LinkedDomain]) -> list[DomainPair]:
        """The pairs of domains, and what the links of each are made of."""
        signal = self.signal
        return domain_pairs(domains, signal.name, signal.settings, tables=signal.tables)

    def link(
        self,
        domains: Sequence[LinkedDomain],
        stands: Callable[[DomainPair], bool] = lambda _: False,
    ) -> Iterator[tuple[DomainPair, pl.DataFrame]]:
        """The links of those pairs of domains whose links do not stand already."""
        pairs = self.pairs(domains)
        changed = [pair for pair in pairs if not stands(pair)]
        self.work.domain_pairs_linked += len(changed)
        self.work.domain_pairs_reused += len(pairs) - len(changed)
        touched = {side.name for pair in changed for side in (pair.left, pair.right)}
        if changed:
            self.signal.prepare([d for d in domains if d.name in touched], self.cache)
        with self.signal.running(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            linked = pool.map(self._link, changed)
            for pair, (links, reused, computed) in zip(changed, linked, strict=True):
                self.work.blocks_reused += reused
                self.work.blocks_computed += computed
                yield pair, links
        self.cache.keep(self.signal.name, {pair.name for pair in pairs})

    def _link(self, pair: DomainPair) -> tuple[pl.DataFrame, int, int]:
        """The links of two domains, and how many blocks were there and had to be computed."""
        piece = self.cache.load(self.signal.name, pair.name)
        kept = unpack_blocks(piece.arrays if piece else None)
        lefts = [(book, self.made_of(book)) for book in pair.left.books]
        rights = [(book, self.made_of(book)) for book in pair.right.books]
        blocks: dict[BlockKey, Block] = {}
        for left, left_made_of in lefts:
            missing = [(book, made) for book, made in rights if (left_made_of, made) not in kept]
            made = self.signal.blocks(left, [book for book, _ in missing])
            fresh = {
                (left_made_of, right_made_of): block
                for (_, right_made_of), block in zip(missing, made, strict=True)
            }
            keys = [(left_made_of, right_made_of) for _, right_made_of in rights]
            blocks |= {key: fresh.get(key) or kept[key] for key in keys}
        reused = len(blocks.keys() & kept.keys())
        if reused < len(blocks) or len(kept) > len(blocks):
            self.cache.save(self.signal.name, pair.name, Piece(pair.made_of, pack_blocks(blocks)))
        links = self.signal.links(pair.left, pair.right, list(blocks.values()))
        return rank_links(links), reused, len(blocks) - reused

    def made_of(self, book: LinkedBook) -> str:
        """What a book's blocks are made of."""
        tables = book.tables.made_of(*self.signal.block_tables)
        return fingerprint([CODE, self.signal.settings, tables])
