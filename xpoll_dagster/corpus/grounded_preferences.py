"""Preference pairs of the project's own author: an answer that the passages bear out, and one not.

The prompt holds the passages, so that both answers can be judged by it. The rejected answer
is what the gates rejected for the same prompt, or, where they rejected nothing, an accepted
answer about other passages: true somewhere, ungrounded here. No study shows that such
rejected answers teach what a better model's judgement teaches; they are weak supervision,
and are told apart by `rejected_source`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from xpoll_dagster.corpus.licences import strictness
from xpoll_dagster.corpus.preference_candidates import CANDIDATES_SCHEMA
from xpoll_dagster.corpus.preference_options import PreferenceOptions
from xpoll_dagster.storage import fingerprint
from xpoll_dagster.writing.gates.answers import Passages, core
from xpoll_dagster.writing.gates.attribution import stems

OTHER_CHUNK = "answer to a question about another passage"
OTHER_PAIR = "answer drawn from other passages"
_NEIGHBOURS = 200


def grounded_candidates(
    chunks: pl.DataFrame,
    pair_texts: pl.DataFrame | None = None,
    questions: pl.DataFrame | None = None,
    licences: Mapping[str, str] | None = None,
    options: PreferenceOptions | None = None,
) -> Iterator[pl.DataFrame]:
    """Pairs from written texts and questions (`CANDIDATES_SCHEMA`).

    Args:
        chunks: `chunk_id`, `book`, `passage` of the chunks that the tables name.
        pair_texts: Rows of `PAIR_TEXTS_SCHEMA`, accepted and not.
        questions: Rows of `QUESTIONS_SCHEMA`, accepted and not.
        licences: The licence of each book; of those not named it is unknown.
        options: Lengths of passages and answers.
    """
    options = options or PreferenceOptions()
    shelf = _Shelf(chunks, licences or {})
    if questions is not None and questions.height:
        for _, book in sorted(questions.partition_by("book", as_dict=True).items()):
            yield _frame(_of_questions(book, shelf, options))
    if pair_texts is not None and pair_texts.height:
        yield _frame(_of_pairs(pair_texts, shelf, options))


class _Shelf:
    def __init__(self, chunks: pl.DataFrame, licences: Mapping[str, str]) -> None:
        self.passages = dict(chunks.select("chunk_id", "passage").iter_rows())
        self._books = dict(chunks.select("chunk_id", "book").iter_rows())
        self._licences = licences

    def licence(self, *chunk_ids: str) -> str:
        """The strictest licence of the chunks' books."""
        found = [self._licences.get(self._books.get(one, ""), "unknown") for one in chunk_ids]
        return max(sorted(found), key=strictness)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CANDIDATES_SCHEMA, orient="row")


def _fits(chosen: str, rejected: str, options: PreferenceOptions) -> bool:
    ratio = len(rejected) / max(1, len(chosen))
    return options.min_length_ratio <= ratio <= options.max_length_ratio


def _of_questions(
    table: pl.DataFrame, shelf: _Shelf, options: PreferenceOptions
) -> list[dict[str, Any]]:
    good = table.filter(pl.col("accepted")).sort("id").to_dicts()
    good = [row for row in good if shelf.passages.get(row["chunk_id"], "").strip()]
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for row in good:
        row["words"] = frozenset(core(row["question"]))
        by_kind.setdefault(row["template"], []).append(row)
    rows = []
    for row in good:
        passage = shelf.passages[row["chunk_id"]]
        if len(passage) > options.max_passage_chars:
            continue
        held = Passages([passage])
        near = sorted(
            (
                other
                for other in by_kind[row["template"]]
                if other["chunk_id"] != row["chunk_id"]
                and _fits(row["answer"], other["answer"], options)
                and not stems(row["answer"]) & stems(other["answer"])  # stars, star
            ),
            key=lambda other: (-_overlap(row["words"], other["words"]), other["id"]),
        )[:_NEIGHBOURS]
        wrong = next((other for other in near if not held.holds(0, other["answer"])), None)
        if wrong is not None:
            asked = f"{passage}\n\nAnswer from this passage: {row['question']}"
            licence = shelf.licence(row["chunk_id"], wrong["chunk_id"])
            rows.append(
                _row(asked, row["answer"], wrong["answer"], "factual", licence, OTHER_CHUNK)
            )
    return rows


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _of_pairs(
    table: pl.DataFrame, shelf: _Shelf, options: PreferenceOptions
) -> list[dict[str, Any]]:
    written = table.filter(
        (pl.col("kind") == "qa") & (pl.col("instruction") != "") & (pl.col("response") != "")
    ).sort("id")
    good = written.filter(pl.col("accepted")).to_dicts()
    failed: dict[str, list[dict[str, Any]]] = {}
    for row in written.filter(~pl.col("accepted")).to_dicts():
        failed.setdefault(row["pair_id"], []).append(row)
    shelves: dict[str, list[dict[str, Any]]] = {}
    for row in good:
        for concept in row["concepts"] or []:
            shelves.setdefault(concept.casefold(), []).append(row)
    rows = []
    for row in good:
        sides = (row["left_chunk"], row["right_chunk"])
        passages = [shelf.passages.get(side, "") for side in sides]
        if not all(passages) or sum(map(len, passages)) > options.max_passage_chars:
            continue
        asked = "\n\n".join([*passages, row["instruction"]])
        for worse in failed.get(row["pair_id"], ()):
            if worse["response"] != row["response"]:
                rejected = f"own answer, rejected: {worse['rejected_by'][0]}"
                rows.append(
                    _row(asked, row["response"], worse["response"], "cross_domain",
                         shelf.licence(*sides), rejected)
                )  # fmt: skip
        other = _about_the_same(row, shelves, options)
        if other is not None:
            licence = shelf.licence(*sides, other["left_chunk"], other["right_chunk"])
            rows.append(
                _row(asked, row["response"], other["response"], "cross_domain", licence, OTHER_PAIR)
            )
    return rows


def _about_the_same(
    row: Mapping[str, Any],
    shelves: Mapping[str, list[dict[str, Any]]],
    options: PreferenceOptions,
) -> dict[str, Any] | None:
    """An accepted answer about a shared concept, drawn from two other passages."""
    mine = {row["left_chunk"], row["right_chunk"]}
    for concept in row["concepts"] or []:
        for other in shelves[concept.casefold()][:_NEIGHBOURS]:
            if mine.isdisjoint((other["left_chunk"], other["right_chunk"])) and _fits(
                row["response"], other["response"], options
            ):
                return other
    return None


def _row(
    asked: str, chosen: str, rejected: str, category: str, licence: str, source: str
) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": asked}],
        "chosen": chosen,
        "rejected": rejected,
        "_category": category,
        "_source": "xpoll",
        "_license": licence,
        "_id": f"xpoll:{fingerprint([asked, chosen])}",
        "rejected_source": source,
        "margin": None,
    }
