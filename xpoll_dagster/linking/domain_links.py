"""The links of every pair of domains, made once and kept until one of their books changes."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from xpoll_dagster.linking.cache import LinkCache
from xpoll_dagster.linking.model import LINKS_SCHEMA
from xpoll_dagster.linking.passages import Passages
from xpoll_dagster.linking.shelf_comparison import comparison_name


def link_domains(
    passages: Passages,
    link: Callable[[int, int], pl.DataFrame],
    *,
    cache: LinkCache | None,
    kind: str,
    about: str,
) -> pl.DataFrame:
    """Link every pair of domains, or take the links that are kept.

    Args:
        passages: The passages.
        link: Rows of `LINKS_SCHEMA` for two domains, ranked and sorted; called only where
            a book of one of them, or an option, has changed.
        cache: Keeps the links between runs; None keeps nothing.
        kind: The name under which they are kept.
        about: What else the links depend on: options, in one text.

    Returns:
        Rows of `LINKS_SCHEMA`, sorted by domains and chunks.
    """
    finished, compared = f"{kind}_links", f"{kind}_shelves"
    parts = [LINKS_SCHEMA.to_frame()]
    names: list[str] = []
    comparisons: list[str] = []
    for a, b in passages.domain_pairs():
        kept = None
        name = ""
        if cache is not None:
            books = (*passages.books(a), *passages.books(b))
            name = cache.key(books, about, passages.domains[a], passages.domains[b])
            kept = cache.read(finished, name)
            names.append(name)
            comparisons.append(comparison_name(cache, passages, a, b, about))
        if kept is None or kept.schema != LINKS_SCHEMA:
            kept = link(a, b)
            if cache is not None:
                cache.write(finished, name, kept)
        parts.append(kept)
    if cache is not None:
        cache.keep_only(finished, names)
        cache.keep_only(compared, comparisons)
    return pl.concat(parts)
