"""What a report is made from: tables and folders of the artifact store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from xpoll_dagster.writing.model import BookInfo

Table = pl.DataFrame | pl.LazyFrame


class ReportError(Exception):
    """A part of the report cannot be read; the message says which and what to do."""


@dataclass(frozen=True)
class ReportSources:
    """Whatever is built. Only `chunks` is needed; what is None is left out with a sentence.

    Attributes:
        chunks: `CHUNKS_SCHEMA` of all books.
        books: What to say of each book, by key; a book that is missing goes by its key.
        failed: Why a book (or a step of it) failed, by the book's key, in one sentence.
        passed_over: Why a file in the books' folder is no book, by its name.
        pages: `PAGES_SCHEMA` of all books.
        embeddings: `embeddings_schema` of all books.
        concepts: `CONCEPTS_SCHEMA` of all books.
        pairs: `PAIRS_SCHEMA`.
        pairs_left_out: Candidates that were not chosen: domains, `score`, `reason`.
        pair_texts: `PAIR_TEXTS_SCHEMA`.
        sft_dataset: Folder of the dataset, with `report.json` and `parquet/`.
        paraphrases: `PARAPHRASES_SCHEMA` of all books.
        questions: `QUESTIONS_SCHEMA` of all books.
        retrieval: Folder of the retrieval bundle, with `questions.parquet`.
        retrieval_scores: `task`, `mode`, `paraphrases_indexed`, `counted`, `metric`, `value`,
            `queries`.
        merged_corpus: Folder of the merged corpus, with its manifest.
        mixes: Folder of each profile's mix, with `report.json`, by the profile's name.
    """

    chunks: Table
    books: Mapping[str, BookInfo] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(default_factory=dict)
    pages: Table | None = None
    embeddings: Table | None = None
    concepts: Table | None = None
    pairs: Table | None = None
    pairs_left_out: Table | None = None
    pair_texts: Table | None = None
    sft_dataset: Path | None = None
    paraphrases: Table | None = None
    questions: Table | None = None
    retrieval: Path | None = None
    retrieval_scores: Table | None = None
    merged_corpus: Path | None = None
    mixes: Mapping[str, Path] = field(default_factory=dict)
