"""The candidates that enough signals support, found for every pair of domains by itself."""

from __future__ import annotations

import hashlib

import polars as pl

from xpoll_dagster.linking.cache import LinkCache
from xpoll_dagster.linking.duplicates import run_overlap
from xpoll_dagster.linking.fusion import DOMAINS, PAIR, score_candidates, with_shared
from xpoll_dagster.linking.options import LinkingOptions, SelectionOptions
from xpoll_dagster.linking.passages import Passages

KIND = "candidates"

Links = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
"""The links of the three signals: concepts, words, meaning."""


def find_candidates(
    links: Links, passages: Passages, options: LinkingOptions, cache: LinkCache | None
) -> pl.DataFrame:
    """Fuse the signals and keep the candidates that enough of them support.

    Args:
        links: Rows of `LINKS_SCHEMA` by concepts, by words and by meaning.
        passages: The passages that were linked.
        options: `fusion` and `selection`.
        cache: Keeps the candidates of each pair of domains as long as its links and texts
            are the same; None keeps nothing.

    Returns:
        Candidates with their scores, `signals` and `overlap` (the share of common five-word
        runs of the two passages), in no order.
    """
    empty = _found((links[0].clear(), links[1].clear(), links[2].clear()), passages, options)
    parts = [empty]
    names: list[str] = []
    split = [_by_domains(table) for table in links]
    for domains in sorted({key for tables in split for key in tables}):
        concept, lexical, semantic = (
            tables.get(domains, table.clear()) for tables, table in zip(split, links, strict=True)
        )
        kept = None
        name = ""
        if cache is not None:
            books = [
                book
                for number, domain in enumerate(passages.domains)
                if domain in domains
                for book in passages.books(number)
            ]
            name = cache.key(
                books, *(_content(table) for table in (concept, lexical, semantic)), options
            )
            names.append(name)
            kept = cache.read(KIND, name)
        if kept is None or kept.schema != empty.schema:
            kept = _found((concept, lexical, semantic), passages, options)
            if cache is not None:
                cache.write(KIND, name, kept)
        parts.append(kept)
    if cache is not None:
        cache.keep_only(KIND, names)
    return pl.concat(parts)


def _found(links: Links, passages: Passages, options: LinkingOptions) -> pl.DataFrame:
    scored = _often_enough(score_candidates(*links, options.fusion), options.selection)
    fused = with_shared(scored, links[0], links[1])
    return _with_overlap(supported_candidates(fused, options.selection), passages)


def _by_domains(links: pl.DataFrame) -> dict[tuple[str, ...], pl.DataFrame]:
    """The links of every pair of domains; sorted tables, as they are made, are only cut."""
    runs = links.select(pl.struct(DOMAINS).rle().alias("run")).unnest("run").unnest("value")
    if runs.select(DOMAINS).is_duplicated().any():
        return {
            (str(one), str(other)): table
            for (one, other), table in links.partition_by(DOMAINS, as_dict=True).items()
        }
    stops = runs["len"].cum_sum().to_list()
    keys = runs.select(DOMAINS).rows()
    return {
        key: links.slice(stop - size, size)
        for key, stop, size in zip(keys, stops, runs["len"].to_list(), strict=True)
    }


def _content(links: pl.DataFrame) -> str:
    """A hash of the rows in their order."""
    return hashlib.sha256(links.hash_rows().to_numpy().tobytes()).hexdigest()


def _with_overlap(candidates: pl.DataFrame, passages: Passages) -> pl.DataFrame:
    rows = passages.frame.select("chunk_id").with_row_index("row")
    sides = [
        candidates.select(chunk_id=name).join(
            rows, on="chunk_id", how="left", maintain_order="left"
        )["row"]
        for name in PAIR
    ]
    if any(side.has_nulls() for side in sides):
        raise ValueError("Some links name chunks that are not among the passages given.")
    involved = pl.concat(sides).unique().sort()
    left, right = (involved.search_sorted(side).to_numpy() for side in sides)
    texts = passages.frame["passage"].gather(involved)
    overlap = run_overlap(texts, left, right)
    return candidates.with_columns(overlap=pl.Series(overlap, dtype=pl.Float64))


def supported_candidates(fused: pl.DataFrame, options: SelectionOptions) -> pl.DataFrame:
    """The candidates with enough independent signals, with the column `signals`."""
    word_list = pl.col("words").list.eval(pl.element().struct.field("concept"))
    concept_words = (
        pl.col("concepts")
        .list.eval(pl.element().struct.field("concept"))
        .list.join(" ")
        .str.split(" ")
    )
    single = word_list.list.join(" ").str.split(" ").list.unique()
    strong = _often_enough(fused, options)
    beyond = single.list.set_difference(concept_words).list.len() >= options.independent_words
    by_words = pl.col("by_words") & (~pl.col("by_concept") | beyond)
    signals = pl.concat_list(
        pl.when("by_concept").then(pl.lit("concept")),
        pl.when(by_words).then(pl.lit("lexical")),
        pl.when("by_meaning").then(pl.lit("semantic")),
    ).list.drop_nulls()
    return (
        strong.with_columns(signals=signals)
        .filter(pl.col("signals").list.len() >= options.min_signals)
        .drop("by_concept", "by_words", "by_meaning")
    )


def _often_enough(fused: pl.DataFrame, options: SelectionOptions) -> pl.DataFrame:
    """The candidates that enough signals support, be they independent or not."""
    return fused.with_columns(
        by_concept=(pl.col("concept_rank") >= options.signal_quantile).fill_null(value=False),
        by_words=(pl.col("lexical_rank") >= options.signal_quantile).fill_null(value=False),
        by_meaning=(pl.col("margin_rank") >= options.signal_quantile).fill_null(value=False),
    ).filter(pl.sum_horizontal("by_concept", "by_words", "by_meaning") >= options.min_signals)
