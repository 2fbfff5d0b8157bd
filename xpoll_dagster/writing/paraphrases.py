"""The table of paraphrases: every attempt with its measures and verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.storage import fingerprint
from xpoll_dagster.writing.gates.judgement import Judge, apply_judge
from xpoll_dagster.writing.gates.paraphrase import ParaphraseVerdict, judge_paraphrase
from xpoll_dagster.writing.model import Author, BookInfo, Origin, Paraphrase
from xpoll_dagster.writing.options import WritingOptions
from xpoll_dagster.writing.sources import BookSources, encode, iter_books

PARAPHRASES_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "chunk_id": pl.String,
        "book": pl.String,
        "style": pl.String,
        "text": pl.String,
        "author": pl.String,  # rules | llm
        "model": pl.String,
        "prompt_sha256": pl.String,
        "finish_reason": pl.String,
        "raw": pl.String,  # the model's answer, where it could not be used
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        # One column per gate measure; null where nothing was written or it was not judged.
        "source_words": pl.Int64,
        "source_is_prose": pl.Boolean,
        "length_ratio": pl.Float64,  # words for each word of the source
        "meta_talk": pl.String,  # what talk about the task was found
        "broken_off": pl.String,  # how it shows that it is unfinished
        "same_language": pl.Boolean,
        "repetition": pl.Float64,
        "new_numbers": pl.List(pl.String),
        "new_names": pl.List(pl.String),
        "numbers_kept": pl.Float64,  # share of the source's; null where it has none
        "names_kept": pl.Float64,
        "copied": pl.Float64,  # share of its runs of four words that the source has
        "edit_distance": pl.Float64,  # character edits by the longer length
        "similarity": pl.Float64,  # cosine with its own chunk
        "dense_rank": pl.Int64,  # of its own chunk in the book, by vectors
        "word_rank": pl.Int64,  # the same by words (BM25)
        "rank": pl.Int64,  # the better of the two
        "judge_score": pl.Float64,
        "judge_verdict": pl.String,
    }
)
BATCH = 4096
NO_DRAFT = "the author gave no text"


def write_paraphrases(
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    author: Author,
    styles: Sequence[str],
    options: WritingOptions | None = None,
    embeddings: pl.DataFrame | None = None,
    embedder: Embedder | None = None,
    concepts: pl.DataFrame | None = None,
    judge: Judge | None = None,
) -> pl.DataFrame:
    """Write a paraphrase of every chunk in every style and judge them.

    Args:
        chunks: Rows of `CHUNKS_SCHEMA`, whole books.
        books: What to say about each book, by key.
        author: Who writes.
        styles: Names of styles.
        options: The gates' thresholds and the rest.
        embeddings: The chunks' vectors; without them, or without `embedder`, closeness in
            meaning is not judged, and the rank is that by words alone.
        embedder: The model that made the vectors.
        concepts: Rows of `CONCEPTS_SCHEMA`, handed to the author.
        judge: Scores what passed every other gate.

    Returns:
        Rows of `PARAPHRASES_SCHEMA`, one for each chunk and style in the order of books,
        chunks and styles; chunks that are no prose or too short come with the reason, and
        the author is not asked for them.

    Raises:
        ValueError: A chunk's book is not among `books`, a style is not known, or the author
            gave drafts of other chunks than it was asked for.
    """
    options = options or WritingOptions()
    least = options.gates.paraphrase.min_source_words
    rows: list[dict[str, Any]] = []
    for sources in iter_books(chunks, books, least, embeddings, concepts):
        fit = [number for number, reason in enumerate(sources.unfit) if not reason]
        drafts: dict[tuple[int, str], Paraphrase] = {}
        for style in styles:
            for start in range(0, len(fit), BATCH):
                batch = fit[start : start + BATCH]
                written = author.paraphrase([sources.chunks[number] for number in batch], style)
                _check(written, [sources.chunks[number].passage.chunk_id for number in batch])
                drafts |= {
                    (number, style): draft for number, draft in zip(batch, written, strict=True)
                }
        rows += _judged(sources, drafts, styles, options, embedder)
    table = pl.DataFrame(rows, schema=PARAPHRASES_SCHEMA, orient="row")
    return apply_judge(table, judge, options.gates.min_judge_score)


def _check(written: Sequence[Paraphrase], ids: Sequence[str]) -> None:
    if [draft.chunk_id for draft in written] != list(ids):
        raise ValueError(
            f"The author gave {len(written)} paraphrases for {len(ids)} chunks, or in another "
            "order than it was asked for."
        )


def _judged(
    sources: BookSources,
    drafts: Mapping[tuple[int, str], Paraphrase],
    styles: Sequence[str],
    options: WritingOptions,
    embedder: Embedder | None,
) -> list[dict[str, Any]]:
    written = [key for key, draft in drafts.items() if not draft.problems and draft.text.strip()]
    texts = [drafts[key].text for key in written]
    index = sources.index()
    floor = index.floor(options.gates.paraphrase.similarity_quantile)
    near = dict(
        zip(
            written,
            index.nearness(
                texts, [key[0] for key in written], encode(embedder, sources, texts), floor
            ),
            strict=True,
        )
    )
    rows: list[dict[str, Any]] = []
    for number, chunk in enumerate(sources.chunks):
        for style in styles:
            reason = sources.unfit[number]
            draft = drafts.get((number, style)) or Paraphrase(
                chunk.passage.chunk_id, style, "", Origin(), (reason,)
            )
            row = _row(draft, sources.book, style)
            if (number, style) not in near:
                row["rejected_by"] = list(draft.problems) or [NO_DRAFT]
            else:
                verdict = judge_paraphrase(
                    draft,
                    chunk.passage.text,
                    options.gates,
                    sources.background(number),
                    near[number, style],
                )
                row |= _measures(verdict)
            rows.append(row)
    for row in rows:
        row["accepted"] = not row["rejected_by"]
    return rows


def _row(draft: Paraphrase, book: str, style: str) -> dict[str, Any]:
    origin = draft.origin
    asked = (draft.chunk_id, style, origin.author, origin.model)
    return dict.fromkeys(PARAPHRASES_SCHEMA) | {
        "id": fingerprint(["paraphrase", *asked]),
        "chunk_id": draft.chunk_id,
        "book": book,
        "style": style,
        "text": draft.text,
        "author": origin.author,
        "model": origin.model,
        "prompt_sha256": origin.prompt_sha256,
        "finish_reason": origin.finish_reason,
        "raw": origin.raw,
    }


def _measures(verdict: ParaphraseVerdict) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in verdict.__slots__
        if name in PARAPHRASES_SCHEMA
        for value in (getattr(verdict, name),)
    }
