"""What the stale texts would take of a language model: prompts, tokens, cost. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.books.embedding import load_token_counter
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.engines import author_engine
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.estimate import Estimate, estimate
from xpoll_dagster.writing.completion.structured import Job
from xpoll_dagster.writing.llm.author import LLMAuthor
from xpoll_dagster.writing.model import BookInfo, SourceChunk
from xpoll_dagster.writing.pair_texts import pair_evidence
from xpoll_dagster.writing.sources import iter_books


@dataclass(frozen=True, slots=True)
class AssetEstimate:
    """What one asset's stale partitions would take."""

    asset: str
    partitions: int
    estimate: Estimate


def estimate_texts(project: Project) -> Iterator[AssetEstimate]:
    """Estimates of every asset that an author writes, of the partitions that are stale.

    A pair's first prompt asks whether there is a link at all; the three texts that follow
    for those that have one are not counted, for nobody knows yet how many there are.

    Raises:
        ValueError: The author is the rules author, which asks no model.
        EngineError: What the engine needs is missing.
        CacheError: The file of completions cannot be used.
    """
    settings = project.settings
    engine = author_engine(settings)
    author = LLMAuthor(engine, settings.llm_with_prompts)
    count = load_token_counter(settings.embedder).count_tokens
    jobs_of = {
        "paraphrased_chunks": _paraphrase_jobs,
        "questions": _question_jobs,
        "pair_texts": _link_jobs,
    }
    infos = project.book_infos()
    with CompletionCache(settings.completions_file, settings.cache) as cache:
        for asset, jobs in jobs_of.items():
            stale = _stale(project, asset)
            yield AssetEstimate(
                asset,
                len(stale),
                estimate(
                    [job for book in stale for job in jobs(project, author, book, infos)],
                    engine.identity,
                    cache,
                    lambda text: count([text])[0],
                    settings.llm.completion.prices,
                    model=engine.model,
                ),
            )


def _stale(project: Project, asset: str) -> list[str]:
    lineage = project.lineage
    return [
        key
        for key in lineage.complete_books()
        # What waits for an input that is not built yet cannot be counted.
        if lineage.standing(STEPS[asset], key).state not in {"current", "waiting"}
    ]


def _fit_chunks(
    project: Project, book: str, infos: Mapping[str, BookInfo], least: int
) -> list[SourceChunk]:
    chunks = project.store.read("chunks", book)
    return [
        chunk
        for sources in iter_books(chunks, infos, least)
        for chunk, reason in zip(sources.chunks, sources.unfit, strict=True)
        if not reason
    ]


def _paraphrase_jobs(
    project: Project, author: LLMAuthor, book: str, infos: Mapping[str, BookInfo]
) -> list[Job[Any]]:
    writing = project.settings.writing
    chunks = _fit_chunks(project, book, infos, writing.gates.paraphrase.min_source_words)
    return [job for style in writing.styles for job in author.paraphrase_jobs(chunks, style)]


def _question_jobs(
    project: Project, author: LLMAuthor, book: str, infos: Mapping[str, BookInfo]
) -> list[Job[Any]]:
    limits = project.settings.writing.gates.question
    chunks = _fit_chunks(project, book, infos, limits.min_source_words)
    return list(author.question_jobs(chunks, limits.per_chunk))


def _link_jobs(
    project: Project, author: LLMAuthor, book: str, infos: Mapping[str, BookInfo]
) -> list[Job[Any]]:
    pairs = project.store.scan("cross_domain_pairs").filter(pl.col("left_book") == book).collect()
    ids = pl.concat([pairs["left_chunk"], pairs["right_chunk"].alias("left_chunk")]).unique()
    wanted = pl.col("chunk_id").is_in(ids.implode())
    chunks = project.read_books("chunks").filter(wanted).collect()
    concepts = project.read_books("chunk_concepts").filter(wanted).collect()
    return list(author.link_jobs(pair_evidence(pairs, chunks, infos, concepts)))
