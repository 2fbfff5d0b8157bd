"""What must hold of a book before anything is built on it."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from xpoll_dagster.books.invariants import broken_ids, broken_sizes, broken_text, broken_vectors
from xpoll_dagster.defs.partitions import books_partitions
from xpoll_dagster.defs.resources import Project


def verdict(
    breaks: Sequence[str], severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.AssetCheckResult:
    """Passed where nothing is broken; otherwise the breaks in words."""
    return dg.AssetCheckResult(
        passed=not breaks, severity=severity, description="; ".join(breaks) or None
    )


@dg.asset_check(asset="chunks", blocking=True, partitions_def=books_partitions)
def chunks_give_the_text_back(
    context: dg.AssetCheckExecutionContext, project: Project
) -> dg.AssetCheckResult:
    """Joined, the chunks are the cleaned text, character for character."""
    key = context.partition_key
    return verdict(
        broken_text(project.store.read("book_pages", key), project.store.read("chunks", key))
    )


@dg.asset_check(asset="chunks", blocking=True, partitions_def=books_partitions)
def chunk_ids_are_unique(
    context: dg.AssetCheckExecutionContext, project: Project
) -> dg.AssetCheckResult:
    """Every chunk has an id of its own, and the ordinals have no gap."""
    return verdict(broken_ids(project.store.read("chunks", context.partition_key)))


@dg.asset_check(asset="chunks", partitions_def=books_partitions)
def chunk_sizes_are_in_bounds(
    context: dg.AssetCheckExecutionContext, project: Project
) -> dg.AssetCheckResult:
    """At least 95 % of the prose chunks fit the embedder's window and are not tiny."""
    options = project.settings.chunking
    chunks = project.store.read("chunks", context.partition_key)
    return verdict(
        broken_sizes(chunks, options.min_tokens, options.max_tokens), dg.AssetCheckSeverity.WARN
    )


@dg.asset_check(asset="book_pages", partitions_def=books_partitions)
def pages_were_readable(
    context: dg.AssetCheckExecutionContext, project: Project
) -> dg.AssetCheckResult:
    """No page carries a warning: unreadable image, OCR missing, page too large."""
    pages = project.store.read("book_pages", context.partition_key)
    warned = pages.filter(pl.col("warnings").list.len() > 0)
    breaks = [f"page {row['page']}: {row['warnings'][0]}" for row in warned.head(5).to_dicts()]
    if warned.height > 5:
        breaks.append(f"and {warned.height - 5} more pages")
    return verdict(breaks, dg.AssetCheckSeverity.WARN)


@dg.asset_check(asset="chunk_embeddings", blocking=True, partitions_def=books_partitions)
def every_chunk_has_its_vector(
    context: dg.AssetCheckExecutionContext, project: Project
) -> dg.AssetCheckResult:
    """One vector of length 1 per chunk, and none without a chunk."""
    store = project.store
    return verdict(
        [
            f"{key}: {broken}"
            for key in context.partition_keys
            for broken in broken_vectors(
                store.read("chunks", key), store.read("chunk_embeddings", key)
            )
        ]
    )
