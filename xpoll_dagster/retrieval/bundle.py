"""The bundle's files: what AutoDidact's and ReZero's clients read, and Parquet beside it.

Three pieces, each written by a function of its own into a folder that the caller replaces whole:

- `chunks.pkl`, `chunks.parquet`, `chunks.csv`;
- `questions.json`, `questions.jsonl`, `questions.parquet`;
- `faiss_index/`: `index.faiss` and `index.pkl` for LangChain, `rows.parquet`, `windows.faiss`,
  `windows.parquet` and `index.json` for us.

They share the numbering of `chunk_table`; `index.json` holds its fingerprint, so that an index
over other chunks is refused. Our own code reads Parquet and FAISS files and loads no pickle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import polars as pl

from xpoll_dagster.books.embedding import Embedder
from xpoll_dagster.retrieval.chunk_table import CHUNK_TABLE_SCHEMA
from xpoll_dagster.retrieval.index import ChunkIndex
from xpoll_dagster.retrieval.langchain_pickle import (
    Document,
    write_docstore,
    write_documents,
)
from xpoll_dagster.retrieval.options import SearchOptions
from xpoll_dagster.retrieval.search import Mode, Result, Searcher
from xpoll_dagster.retrieval.stored import (
    LANGCHAIN_INDEX,
    read_index,
    read_questions,
    read_table,
)
from xpoll_dagster.retrieval.windows import paragraphs

CHUNK_FILES = ("chunks.pkl", "chunks.parquet", "chunks.csv")
QUESTION_FILES = ("questions.json", "questions.jsonl", "questions.parquet")
INDEX_FOLDER = "faiss_index"


def write_chunks(table: pl.DataFrame, folder: Path) -> None:
    """Write the chunks: LangChain documents, Parquet, and CSV as ReZero has it.

    In `chunks.csv`, `chunk_id` is the chunk's number and `metadata` JSON that is at the same time
    a literal of Python, as ReZero's is.

    Args:
        table: From `chunk_table`.
        folder: Where `CHUNK_FILES` are put.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "chunks.pkl").open("wb") as stream:
        write_documents(_chunk_documents(table), stream)
    table.write_parquet(folder / "chunks.parquet", compression="zstd")
    pl.DataFrame(
        {
            "chunk_id": table["number"],
            "content": table["text"],
            "metadata": [
                json.dumps(_metadata(row), ensure_ascii=False)
                for row in table.iter_rows(named=True)
            ],
        }
    ).write_csv(folder / "chunks.csv")


def _metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values without null or truth values, which JSON and Python spell differently."""
    return {
        "chunk_id": row["chunk_id"],
        "stable_id": row["stable_id"],
        "source": row["book"],
        "book": row["book"],
        "domain": row["domain"],
        "title": row["title"],
        "section": " > ".join(heading for heading in row["section"] or () if heading),
        "page_start": row["page_start"],
        "page_end": row["page_end"],
        "citation": row["citation"],
        "kind": row["kind"],
    }


def _chunk_documents(table: pl.DataFrame) -> Iterator[Document]:
    for row in table.iter_rows(named=True):
        yield Document(row["chunk_id"], row["text"], _metadata(row) | {"is_paraphrase": False})


def write_questions(questions: pl.DataFrame, table: pl.DataFrame, folder: Path) -> None:
    """Write the questions: JSON for AutoDidact's clients, JSON lines as ReZero has them, Parquet.

    The JSON files hold the questions that were kept, the Parquet file all of them with the
    reason why. In `questions.jsonl`, `id` is the chunk's number, as in ReZero, so it repeats.

    Args:
        questions: From `measure_questions`.
        table: From `chunk_table`.
        folder: Where `QUESTION_FILES` are put.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = questions.filter(pl.col("kept"))
    objects = [_question(row) for row in kept.iter_rows(named=True)]
    text = json.dumps(objects, indent=1, ensure_ascii=False)
    (folder / "questions.json").write_text(text + "\n", encoding="utf-8")
    texts = table["text"]
    with (folder / "questions.jsonl").open("w", encoding="utf-8") as stream:
        for row in kept.select("number", "question", "answer").iter_rows(named=True):
            line = {
                "id": str(row["number"]),
                "question": row["question"],
                "answer": row["answer"],
                "supporting_paragraphs": paragraphs(texts[row["number"]]),
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    questions.write_parquet(folder / "questions.parquet", compression="zstd")


_PLAIN = (
    "chunk_id",
    "question",
    "answer",
    "difficulty",
    "id",
    "stable_id",
    "book",
    "domain",
    "title",
    "page_start",
    "page_end",
    "citation",
    "answers",
    "gold_chunk_ids",
    "alternates",
    "difficulty_guess",
    "split",
    "author",
    "model",
    "template",
    "difficulty_signals",
    "measures",
)


def _question(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: row[name] for name in _PLAIN if name in row}
    if isinstance(found.get("measures"), str):
        found["measures"] = json.loads(found["measures"])
    return found


def write_index(index: ChunkIndex, folder: Path) -> None:
    """Write the index into an empty folder, as `FAISS.load_local` reads it, and for us."""
    import faiss

    folder.mkdir(parents=True, exist_ok=True)
    faiss.write_index(index.chunks.index, str(folder / f"{LANGCHAIN_INDEX}.faiss"))
    with (folder / f"{LANGCHAIN_INDEX}.pkl").open("wb") as stream:
        write_docstore(_row_documents(index), stream)
    index.rows.write_parquet(folder / "rows.parquet", compression="zstd")
    if index.windows is not None:
        faiss.write_index(index.windows.index, str(folder / "windows.faiss"))
        index.window_table.write_parquet(folder / "windows.parquet", compression="zstd")
    report = json.dumps(index.report(), indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "index.json").write_text(report + "\n", encoding="utf-8")


def _row_documents(index: ChunkIndex) -> Iterator[Document]:
    chunks = list(index.table.iter_rows(named=True))
    for row in index.rows.iter_rows(named=True):
        metadata: dict[str, Any] = _metadata(chunks[row["number"]])
        metadata["is_paraphrase"] = row["is_paraphrase"]
        if row["is_paraphrase"]:
            metadata |= {"paraphrase_id": row["paraphrase_id"], "style": row["style"] or ""}
        yield Document(row["document_id"], row["text"], metadata)


class Bundle:
    """A bundle read back: its chunks, its questions, and search over its index."""

    def __init__(self, table: pl.DataFrame, questions: pl.DataFrame, searcher: Searcher) -> None:
        self.table = table
        self.questions = questions
        self.searcher = searcher

    @classmethod
    def load(
        cls,
        path: Path | str,
        embedder: Embedder | None = None,
        options: SearchOptions | None = None,
    ) -> Bundle:
        """Read a bundle from its folder.

        Args:
            path: The folder that holds `chunks.parquet` and `faiss_index/`. Questions are read
                where there are any.
            embedder: The one that built the index; the packaged one where None.
            options: How search weighs words and vectors.

        Raises:
            RetrievalError: Something is missing or damaged, the index was built over other
                chunks, or with another model than the embedder's, or the questions were asked
                about other chunks.
        """
        folder = Path(path)
        if embedder is None:
            from xpoll_dagster.books.embedding import load_embedder

            embedder = load_embedder()
        table = read_table(folder / "chunks.parquet", CHUNK_TABLE_SCHEMA, "chunks_pkl")
        index = read_index(folder / INDEX_FOLDER, table)
        return cls(
            table=table,
            questions=read_questions(folder / "questions.parquet", table),
            searcher=Searcher(index, embedder, options),
        )

    @overload
    def search(  # pyright: ignore[reportOverlappingOverload] - a string is one query
        self, query: str, k: int = 5, mode: Mode = "fused"
    ) -> list[Result]: ...
    @overload
    def search(
        self, query: Sequence[str], k: int = 5, mode: Mode = "fused"
    ) -> list[list[Result]]: ...

    def search(
        self, query: str | Sequence[str], k: int = 5, mode: Mode = "fused"
    ) -> list[Result] | list[list[Result]]:
        """The best texts for a query, or for each of several; see `Searcher.search`."""
        return self.searcher.search(query, k, mode)
