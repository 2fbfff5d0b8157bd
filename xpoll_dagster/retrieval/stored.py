"""A bundle's files read back: each checked to be whole and of the same chunks as the others."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from xpoll_dagster.retrieval.chunk_table import table_fingerprint
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.index import ROWS_SCHEMA, WINDOWS_SCHEMA, ChunkIndex
from xpoll_dagster.retrieval.vectors import BuiltIndex

LANGCHAIN_INDEX = "index"
"""What LangChain calls the index's files, without their endings."""


def read_table(path: Path, schema: pl.Schema, asset: str) -> pl.DataFrame:
    """A table with the columns that this version writes.

    Raises:
        RetrievalError: It has others or cannot be read; `asset` is what to materialise.
    """
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RetrievalError(
            f"{path} cannot be read as a table: materialise {asset} again."
        ) from error
    if dict(frame.schema) != dict(schema):
        raise RetrievalError(
            f"{path} has other columns than this version writes: materialise {asset} again."
        )
    return frame


def read_questions(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """The questions; empty where none lie there.

    A stable id holds a hash of its chunk's text, so that a question whose number leads to
    another stable id was asked about other chunks.
    """
    if not path.exists():
        return pl.DataFrame()
    try:
        questions = pl.read_parquet(path)
        asked = questions.filter("kept").select("chunk_id", "stable_id")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RetrievalError(
            f"{path} cannot be read as a table of questions: materialise questions_json again."
        ) from error
    strangers = asked.join(table, on=["chunk_id", "stable_id"], how="anti")
    if strangers.height:
        raise RetrievalError(
            f"{strangers.height} of {asked.height} questions in {path} were asked about other "
            "chunks than chunks.parquet holds: materialise questions_json again."
        )
    return questions


def read_index(folder: Path, table: pl.DataFrame) -> ChunkIndex:
    """Read an index back from its folder.

    Raises:
        RetrievalError: It is missing, damaged, or not of these chunks.
    """
    import faiss

    try:
        report = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        index = faiss.read_index(str(folder / f"{LANGCHAIN_INDEX}.faiss"))
        windows = (
            faiss.read_index(str(folder / "windows.faiss")) if report["windows_kind"] else None
        )
        model, sha256 = str(report["model"]), str(report["model_sha256"])
        same = report["chunks_fingerprint"] == table_fingerprint(table)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise RetrievalError(
            f"{folder} does not hold a whole index: materialise faiss_index again."
        ) from error
    rows = read_table(folder / "rows.parquet", ROWS_SCHEMA, "faiss_index")
    window_table = pl.DataFrame(schema=WINDOWS_SCHEMA)
    if windows is not None:
        window_table = read_table(folder / "windows.parquet", WINDOWS_SCHEMA, "faiss_index")
    if not same:
        raise RetrievalError(
            f"The index in {folder} was built over other chunks than chunks.parquet holds: "
            "materialise faiss_index again."
        )
    if rows.height != index.ntotal or window_table.height != (windows.ntotal if windows else 0):
        raise RetrievalError(f"{folder} is not of one piece: materialise faiss_index again.")
    return ChunkIndex(
        table=table,
        rows=rows,
        chunks=BuiltIndex(index, report["kind"], report["recall_against_flat"], report["built_on"]),
        windows=None
        if windows is None
        else BuiltIndex(
            windows,
            report["windows_kind"],
            report["windows_recall_against_flat"],
            report["built_on"],
        ),
        window_table=window_table,
        model=model,
        model_sha256=sha256,
        left_out=report.get("left_out", {}),
    )
