"""From the tables of pairs and chunks to the table of written texts, judged by the gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from xpoll_dagster.storage import fingerprint
from xpoll_dagster.writing.attribution import passage_of, source, where
from xpoll_dagster.writing.gates import folded
from xpoll_dagster.writing.gates import judge as judge_draft
from xpoll_dagster.writing.gates.judgement import Judge, apply_judge
from xpoll_dagster.writing.model import (
    PAIR_TEXTS_SCHEMA,
    Author,
    BookInfo,
    Draft,
    Mention,
    PairEvidence,
    Passage,
    TextKind,
)
from xpoll_dagster.writing.options import GateOptions, WritingOptions
from xpoll_dagster.writing.standalone import write_standalone

BATCH = 256


def write_pair_texts(
    pairs: pl.DataFrame,
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    author: Author,
    options: WritingOptions | None = None,
    concepts: pl.DataFrame | None = None,
    judge: Judge | None = None,
) -> pl.DataFrame:
    """Write every pair's texts and judge them.

    Args:
        pairs: Rows of `PAIRS_SCHEMA`.
        chunks: Rows of `CHUNKS_SCHEMA`, among them both chunks of every pair.
        books: What to say about each book, by key.
        author: Who writes.
        options: The gates' thresholds and the rest.
        concepts: Rows of `CONCEPTS_SCHEMA`: how each chunk words a concept. Without them
            only concepts that the text prints word for word can be shown.
        judge: A model's judgement of the rows that passed every other gate.

    Returns:
        Rows of `PAIR_TEXTS_SCHEMA` in the order of `pairs`, rejected ones with reasons, and
        with the model's raw answer where nothing could be made of it.

    Raises:
        ValueError: A pair names a chunk or a book that is not there.
    """
    options = options or WritingOptions()
    evidence = pair_evidence(pairs, chunks, books, concepts)
    rows: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for start in range(0, len(evidence), BATCH):
        batch = evidence[start : start + BATCH]
        by_id = {pair.pair_id: pair for pair in batch}
        for draft in author.bridge(batch):
            pair = by_id[draft.pair_id]
            rows.append(_row(draft, (pair.left, pair.right), draft.pair_id, options.gates, seen))
    table = pl.DataFrame(rows, schema=PAIR_TEXTS_SCHEMA, orient="row")
    return apply_judge(table, judge, options.gates.min_judge_score)


def pair_evidence(
    pairs: pl.DataFrame,
    chunks: pl.DataFrame,
    books: Mapping[str, BookInfo],
    concepts: pl.DataFrame | None = None,
) -> list[PairEvidence]:
    """What an author is given of each pair; arguments as in `write_pair_texts`.

    Raises:
        ValueError: A pair names a chunk or a book that is not there.
    """
    wanted = pl.concat([pairs["left_chunk"], pairs["right_chunk"].alias("left_chunk")]).unique()
    passages = load_passages(chunks, wanted, books, concepts)
    missing = sorted(set(wanted) - passages.keys())
    if missing:
        raise ValueError(f"{len(missing)} chunks of pairs are not there, {missing[0]} first.")
    return [_evidence(row, passages) for row in pairs.iter_rows(named=True)]


def write_standalone_texts(
    passages: Sequence[tuple[Passage, TextKind]], options: WritingOptions | None = None
) -> pl.DataFrame:
    """Write one text of each passage, of the kind asked for, and judge it.

    Returns:
        Rows of `PAIR_TEXTS_SCHEMA` with null for `pair_id` and `right_chunk`. A dialogue
        that cannot be cut in two comes as a question and answer.
    """
    options = options or WritingOptions()
    seen: dict[str, str] = {}
    rows = [
        _row(write_standalone(passage, kind, options), (passage,), None, options.gates, seen)
        for passage, kind in passages
    ]
    return pl.DataFrame(rows, schema=PAIR_TEXTS_SCHEMA, orient="row")


def load_passages(
    chunks: pl.DataFrame,
    wanted: pl.Series,
    books: Mapping[str, BookInfo],
    concepts: pl.DataFrame | None = None,
) -> dict[str, Passage]:
    """The passages of some chunks by id, with the concepts that each mentions.

    Raises:
        ValueError: A chunk's book is not among `books`.
    """
    mentions: dict[str, list[Mention]] = {}
    if concepts is not None:
        rows = concepts.filter(pl.col("chunk_id").is_in(wanted.implode()))
        for row in rows.sort("chunk_id", "concept", "surface").iter_rows(named=True):
            mentions.setdefault(row["chunk_id"], []).append(
                Mention(row["concept"], row["surface"], row["kind"], row["count"])
            )
    found: dict[str, Passage] = {}
    for row in chunks.filter(pl.col("chunk_id").is_in(wanted.implode())).iter_rows(named=True):
        if row["book"] not in books:
            raise ValueError(f"Nothing is known about the book {row['book']}.")
        found[row["chunk_id"]] = passage_of(
            row, books[row["book"]], tuple(mentions.get(row["chunk_id"], ()))
        )
    return found


def iter_evidence(pairs: pl.DataFrame, passages: Mapping[str, Passage]) -> Iterator[PairEvidence]:
    """The pairs with their passages, one by one."""
    for row in pairs.iter_rows(named=True):
        yield _evidence(row, passages)


def _evidence(row: dict[str, Any], passages: Mapping[str, Passage]) -> PairEvidence:
    return PairEvidence(
        pair_id=row["pair_id"],
        left=passages[row["left_chunk"]],
        right=passages[row["right_chunk"]],
        concepts=tuple((item["concept"], item["weight"]) for item in row["concepts"] or ()),
        signals=tuple(row["signals"] or ()),
        score=row["score"],
        explanation=row["explanation"] or "",
    )


def _about(passages: tuple[Passage, ...], draft: Draft) -> str:
    """What a text may say besides its passages: where they stand and whose they are."""
    said = [*draft.concepts, *draft.speakers]
    for passage in passages:
        said += [passage.title, *passage.authors, passage.domain, *passage.section]
        said += [source(passage), where(passage)]
    return " . ".join(item for item in said if item)


def _row(
    draft: Draft,
    passages: tuple[Passage, ...],
    pair_id: str | None,
    gates: GateOptions,
    seen: dict[str, str],
) -> dict[str, Any]:
    ids = [passage.chunk_id for passage in passages]
    row: dict[str, Any] = dict.fromkeys(PAIR_TEXTS_SCHEMA)
    row |= {
        "id": fingerprint([pair_id, ids, draft.kind, draft.origin.author, draft.origin.model]),
        "pair_id": pair_id,
        "left_chunk": ids[0],
        "right_chunk": ids[1] if len(ids) > 1 else None,
        "kind": draft.kind,
        "style": draft.style,
        "text": draft.text,
        "instruction": draft.instruction,
        "response": draft.response,
        "messages": [{"role": m.role, "content": m.content} for m in draft.messages],
        "concepts": list(draft.concepts),
        "author": draft.origin.author,
        "model": draft.origin.model,
        "prompt_sha256": draft.origin.prompt_sha256,
        "finish_reason": draft.origin.finish_reason,
        "raw": draft.origin.raw,
        "mapping": draft.mapping,
    }
    if draft.problems:
        return row | {"accepted": False, "rejected_by": list(draft.problems)}
    prose = {passage.chunk_id: folded(passage.text) for passage in passages}
    verdict = judge_draft(draft, ids, prose, gates, _about(passages, draft))
    rejected_by = list(verdict.rejected_by)
    duplicate_of = seen.setdefault(fingerprint(folded(draft.text).lower()), row["id"])
    if duplicate_of != row["id"]:
        rejected_by.append("the same words as another row")
        row["duplicate_of"] = duplicate_of
    measures = {
        name: list(value) if isinstance(value, tuple) else value
        for name in verdict.__slots__
        if name in row
        for value in (getattr(verdict, name),)
    }
    return row | measures | {"accepted": not rejected_by, "rejected_by": rejected_by}
