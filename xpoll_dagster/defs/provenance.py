"""Where a row comes from, in words: passages, books, pages, signals, gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from xpoll_dagster.storage import ArtifactStore, StorageError
from xpoll_dagster.writing.model import PAIR_TEXTS_SCHEMA

# The columns of a text behind `rejected_by` are its gates' measures.
_COLUMNS = PAIR_TEXTS_SCHEMA.names()
_MEASURES = _COLUMNS[_COLUMNS.index("rejected_by") + 1 :]
_SPLITS_FOLDER = "parquet"


def explain_row(store: ArtifactStore, row_id: str) -> list[str]:
    """Everything known about a row of the dataset, or about a text that did not become one.

    Raises `LookupError` for an unknown id, `StorageError` where nothing is built.
    """
    text = _find_text(store, row_id)
    if text is None:
        raise LookupError(f"No row and no text has the id {row_id}.")
    return list(_lines(store, row_id, text))


def _find_text(store: ArtifactStore, row_id: str) -> dict[str, Any] | None:
    for artifact in store.partitions("pair_texts").values():
        found = pl.scan_parquet(artifact.path).filter(pl.col("id") == row_id).collect()
        if found.height:
            return found.row(0, named=True)
    # Standalone rows are written when the dataset is assembled.
    dataset = store.get("sft_dataset", suffix="")
    for file in sorted((dataset.path / _SPLITS_FOLDER).glob("*.parquet")) if dataset else []:
        found = pl.scan_parquet(file).filter(pl.col("id") == row_id).collect()
        if found.height:
            row = found.row(0, named=True)
            sides = dict(zip(("left_chunk", "right_chunk"), row["chunk_ids"], strict=False))
            return {
                "left_chunk": None,
                "right_chunk": None,
                **row,
                **sides,
                "accepted": True,
                "kind": f"standalone {row['format']}",
            }
    return None


def _lines(store: ArtifactStore, row_id: str, text: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row_id}: {text['kind']}, author {text['author']}, model {text['model']}"
    yield _whereabouts(store, row_id, text)
    yield ""
    if text["pair_id"]:
        yield from _pair_lines(store, text["pair_id"])
    for side in ("left_chunk", "right_chunk"):
        if text[side]:
            yield from _chunk_lines(store, text[side])
    yield "Gates:"
    for name in _MEASURES:
        value = text.get(name)
        if value is not None:
            yield f"  {name}: {f'{value:.3g}' if isinstance(value, float) else value}"
    yield f"  templates: {text['prompt_sha256'][:16]}"
    yield ""
    yield "Text:"
    yield text["text"]


def _whereabouts(store: ArtifactStore, row_id: str, text: Mapping[str, Any]) -> str:
    if not text["accepted"]:
        return f"Rejected by: {', '.join(text['rejected_by'])}."
    dataset = store.get("sft_dataset", suffix="")
    if dataset is None:
        return "Accepted; the dataset is not built yet."
    for file in sorted((dataset.path / _SPLITS_FOLDER).glob("*.parquet")):
        if pl.scan_parquet(file).filter(pl.col("id") == row_id).select("id").collect().height:
            return f"In the dataset, split {file.name.split('-')[0]}."
    out = pl.scan_parquet(dataset.path / "left_out.parquet").filter(pl.col("id") == row_id)
    reasons = [
        f"{row['reason']} ({', '.join(row['detail'])})" if row["detail"] else row["reason"]
        for row in out.collect().iter_rows(named=True)
    ]
    return f"Accepted, but left out of the dataset: {', '.join(reasons) or 'built before it'}."


def _pair_lines(store: ArtifactStore, pair_id: str) -> Iterator[str]:
    found = store.scan("cross_domain_pairs").filter(pl.col("pair_id") == pair_id).collect()
    if found.is_empty():
        yield f"Pair {pair_id} is no longer among the pairs."
        return
    pair = found.row(0, named=True)
    yield f"Pair {pair_id}: {pair['explanation']}"
    yield f"  signals: {', '.join(pair['signals'])}; score {pair['score']:.3f}"
    for name in ("concept_score", "lexical_score", "cosine", "margin", "margin_rank"):
        if pair[name] is not None:
            yield f"  {name}: {pair[name]:.3f}"
    for concept in pair["concepts"]:
        yield f"  shared: {concept['concept']} ({concept['weight']:.2f})"
    yield ""


def _chunk_lines(store: ArtifactStore, chunk_id: str) -> Iterator[str]:
    for key, artifact in store.partitions("chunks").items():
        found = pl.scan_parquet(artifact.path).filter(pl.col("chunk_id") == chunk_id).collect()
        if found.is_empty():
            continue
        chunk = found.row(0, named=True)
        try:
            pages = store.read("book_pages", key).filter(pl.col("page") == chunk["page_start"])
        except StorageError:
            pages = pl.DataFrame()
        label = pages["label"][0] if pages.height else None
        span = (
            f"page {chunk['page_start']}"
            if chunk["page_start"] == chunk["page_end"]
            else f"pages {chunk['page_start']}-{chunk['page_end']}"
        )
        yield f"Passage {chunk_id}"
        yield f"  book: {key} ({chunk['domain']})"
        yield f"  {span}{f' (printed: {label})' if label else ''}"
        yield f"  section: {' > '.join(chunk['section']) or '-'}"
        yield f"  {chunk['passage'].strip()}"
        yield ""
        return
    yield f"Passage {chunk_id} is no longer among the chunks."
