"""Linking a library into folders, with all that stands taken over from the last time."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.linking.cache import Piece, PieceCache
from xpoll_dagster.linking.candidates import CandidateFinder
from xpoll_dagster.linking.fusion import PAIR
from xpoll_dagster.linking.library import CODE, LinkedDomain
from xpoll_dagster.linking.model import CANDIDATES_SCHEMA
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.linking.selection import Selection, decide, described, explain
from xpoll_dagster.linking.signals import DomainPair, Linker, Work, domain_pairs
from xpoll_dagster.linking.tables import table_made_of, take_over, write_table
from xpoll_dagster.storage import fingerprint

EXPLAINED_SCHEMA = pl.Schema(
    {"left_chunk": pl.String, "right_chunk": pl.String, "explanation": pl.String}
)


def link_into(
    folder: Path, standing: Path | None, domains: Sequence[LinkedDomain], linker: Linker
) -> Work:
    """Write the links of every pair of domains, one file each.

    Args:
        folder: An empty folder.
        standing: The folder of the last time, whole, or none: files made of the same are
            taken over.
        domains: The library.
        linker: The signal, and where its blocks are kept.

    Returns:
        What had to be done.
    """

    def stands(pair: DomainPair) -> bool:
        if standing is None:
            return False
        file = standing / f"{pair.name}.parquet"
        if table_made_of(file) != pair.made_of:
            return False
        take_over(file, folder / file.name)
        return True

    for pair, links in linker.link(domains, stands):
        write_table(links, folder / f"{pair.name}.parquet", pair.made_of)
    return linker.work


@dataclass(frozen=True, slots=True)
class Reselection:
    """The pairs, and for how many pairs of domains candidates had to be found anew."""

    selection: Selection
    work: Work


def select_from(
    folders: Mapping[str, Path],
    domains: Sequence[LinkedDomain],
    options: LinkingOptions,
    cache: PieceCache,
) -> Reselection:
    """Choose the pairs out of the links of `link_into`, as `select_pairs` does.

    Candidates are found anew for those pairs of domains whose links have changed; the choice
    among all candidates is made anew every time; the sentences of pairs that were chosen
    before are taken over.

    Args:
        folders: The links of each signal (`concept`, `lexical`, `semantic`).
        domains: The library.
        options: `selection`, `fusion`, `random_pairs` and `seed`.
        cache: Where candidates and sentences are kept.
    """
    pairs = _what_links_say(
        domain_pairs(domains, tables=("chunks", "chunk_embeddings")), folders, options
    )
    kept = _Kept(cache, "candidates")
    standing = {pair.name: kept.get(pair) for pair in pairs}
    changed = [pair for pair in pairs if standing[pair.name] is None]
    touched = {side.name for pair in changed for side in (pair.left, pair.right)}
    finder = CandidateFinder([d for d in domains if d.name in touched], options, cache)
    found = {name: table for name, table in standing.items() if table is not None}
    for pair in changed:
        links = {
            signal: pl.read_parquet(folder / f"{pair.name}.parquet")
            for signal, folder in folders.items()
        }
        found[pair.name] = finder.find(pair.left, pair.right, links)
        kept.save(pair, found[pair.name])
    tables = [found[pair.name] for pair in pairs]
    chosen, refused = decide(pl.concat([CANDIDATES_SCHEMA.to_frame(), *tables]), options)
    explained = _explained(chosen, pairs, cache)
    work = Work(domain_pairs_linked=len(changed), domain_pairs_reused=len(pairs) - len(changed))
    kept.keep(pairs)
    return Reselection(Selection(described(explained, _books(domains)), refused), work)


def _what_links_say(
    pairs: Sequence[DomainPair], folders: Mapping[str, Path], options: LinkingOptions
) -> list[DomainPair]:
    """The pairs of domains, made of their links and of what is read beside them."""
    own = [
        options.selection.model_dump(mode="json"),
        options.fusion.model_dump(mode="json"),
        options.random_pairs,
        options.seed,
    ]
    return [
        DomainPair(
            pair.left,
            pair.right,
            fingerprint(
                [
                    CODE,
                    pair.made_of,
                    own,
                    [table_made_of(folder / f"{pair.name}.parquet") for folder in folders.values()],
                ]
            ),
        )
        for pair in pairs
    ]


def _explained(
    chosen: pl.DataFrame, pairs: Sequence[DomainPair], cache: PieceCache
) -> pl.DataFrame:
    kept = _Kept(cache, "explanations")
    known = [table for pair in pairs if (table := kept.get(pair)) is not None]
    before = pl.concat([EXPLAINED_SCHEMA.to_frame(), *known])
    joined = chosen.join(before, on=PAIR, how="left", maintain_order="left")
    mute = pl.col("explanation").is_null()
    new = joined.filter(mute).drop("explanation")
    if new.height:
        touched = set(new["left_domain"]) | set(new["right_domain"])
        domains = {side.name: side for pair in pairs for side in (pair.left, pair.right)}
        texts = [
            pl.DataFrame({"chunk_id": book.ids, "passage": book.passages()})
            for name in sorted(touched)
            for book in domains[name].books
        ]
        said = explain(new, pl.concat(texts)).select(*PAIR, added="explanation")
        joined = joined.join(said, on=PAIR, how="left", maintain_order="left")
        joined = joined.with_columns(pl.coalesce("explanation", "added").alias("explanation"))
        by_domains = joined.partition_by("left_domain", "right_domain", as_dict=True)
        renewed = set(new.select("left_domain", "right_domain").rows())
        for pair in pairs:
            names = (pair.left.name, pair.right.name)
            if names in renewed:
                kept.save(pair, by_domains[names].select(EXPLAINED_SCHEMA.names()))
        joined = joined.drop("added")
    kept.keep(pairs)
    return joined


def _books(domains: Sequence[LinkedDomain]) -> pl.DataFrame:
    books = [book for domain in domains for book in domain.books]
    empty = pl.DataFrame(schema={"chunk_id": pl.String, "book": pl.String})
    return pl.concat(
        [
            empty,
            *(pl.DataFrame({"chunk_id": b.ids}).with_columns(book=pl.lit(b.book)) for b in books),
        ]
    )


class _Kept:
    """Tables of a kind in the cache, one for each pair of domains."""

    def __init__(self, cache: PieceCache, kind: str) -> None:
        self._cache = cache
        self._kind = kind

    def get(self, pair: DomainPair) -> pl.DataFrame | None:
        """The table, or None where there is none that was made of the same."""
        piece = self._cache.load(self._kind, pair.name)
        if piece is None or piece.made_of != pair.made_of:
            return None
        return pl.read_ipc(piece.arrays["table"].tobytes())

    def save(self, pair: DomainPair, table: pl.DataFrame) -> None:
        """Keep a table; where it cannot be written, it is made anew the next time."""
        stream = io.BytesIO()
        table.write_ipc(stream)
        packed = np.frombuffer(stream.getvalue(), np.uint8)
        self._cache.save(self._kind, pair.name, Piece(pair.made_of, {"table": packed}))

    def keep(self, pairs: Sequence[DomainPair]) -> None:
        """Remove the tables of domains that are gone."""
        self._cache.keep(self._kind, {pair.name for pair in pairs})
