"""What must hold of a book's tables; each function returns the breaks in words, or none."""

from __future__ import annotations

import polars as pl


def broken_text(pages: pl.DataFrame, chunks: pl.DataFrame) -> list[str]:
    """Check that the chunks, joined, give the cleaned text back, character for character."""
    text = "".join(pages.filter(pl.col("kind") == "body").sort("page")["text"])
    joined = "".join(chunks.sort("ordinal")["text"])
    if text == joined:
        return []
    at = next(
        (i for i, (a, b) in enumerate(zip(text, joined, strict=False)) if a != b),
        min(len(text), len(joined)),
    )
    return [
        f"the chunks' text leaves the pages' text at character {at}: "
        f"{text[at : at + 40]!r} became {joined[at : at + 40]!r}"
    ]


def broken_ids(chunks: pl.DataFrame) -> list[str]:
    """Check that chunk ids are unique and ordinals count from 0 without a gap."""
    breaks = []
    repeated = chunks.height - chunks["chunk_id"].n_unique()
    if repeated:
        breaks.append(f"{repeated} chunk ids occur more than once")
    if chunks["ordinal"].sort().to_list() != list(range(chunks.height)):
        breaks.append("the ordinals do not count from 0 without a gap")
    return breaks


def broken_sizes(chunks: pl.DataFrame, minimum: int, maximum: int) -> list[str]:
    """Check that at least 95 % of the prose chunks are within their bounds of tokens."""
    prose = chunks.filter(pl.col("kind") == "prose")
    if prose.is_empty():
        return ["no chunk holds prose"]
    inside = prose["n_tokens"].is_between(minimum, maximum).mean()
    share = float(inside) if isinstance(inside, int | float) else 0.0
    if share >= 0.95:
        return []
    return [f"only {share:.0%} of the prose chunks have {minimum} to {maximum} tokens"]


def broken_vectors(chunks: pl.DataFrame, embeddings: pl.DataFrame) -> list[str]:
    """Check that every chunk has one vector, of length 1, and no vector lacks its chunk."""
    breaks = []
    if set(chunks["chunk_id"]) != set(embeddings["chunk_id"]):
        breaks.append("the vectors are not those of the chunks")
    if embeddings.height != embeddings["chunk_id"].n_unique():
        breaks.append("a chunk has more than one vector")
    norms = (
        embeddings["embedding"].cast(pl.List(pl.Float32)).list.eval(pl.element() ** 2)
    ).list.sum()
    off = int(((norms - 1.0).abs() > 1e-2).sum())
    if off:
        breaks.append(f"{off} vectors are not of length 1")
    return breaks
