"""The bundle's questions: each with its chunk's number, difficulty, alternates and split."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from xpoll_dagster.retrieval.alternates import find_alternates
from xpoll_dagster.retrieval.answers import normalise_answer
from xpoll_dagster.retrieval.errors import RetrievalError
from xpoll_dagster.retrieval.options import RetrievalOptions
from xpoll_dagster.retrieval.search import Searcher
from xpoll_dagster.retrieval.splits import assign_splits, chapters
from xpoll_dagster.retrieval.terms import split_terms
from xpoll_dagster.writing.model import Question
from xpoll_dagster.writing.rules.asking.balance import balance_templates

SIGNALS = pl.Struct(
    {
        "fused_rank": pl.Int64,  # of the first chunk that answers, originals only; from 1
        "bm25_rank": pl.Int64,
        "dense_rank": pl.Int64,
        "own_rank": pl.Int64,  # fused, of the chunk that the question was asked about
        "lexical_overlap": pl.Float64,  # share of the question's terms that its chunk holds
        "answer_words": pl.Int64,
        "hops": pl.Int64,  # chunks needed for the answer: always 1
    }
)

BUNDLE_QUESTIONS_SCHEMA = pl.Schema(
    {
        "id": pl.String,  # the question's id in the library
        "chunk_id": pl.String,  # chunk_<number>
        "number": pl.Int64,
        "stable_id": pl.String,
        "book": pl.String,
        "domain": pl.String,
        "title": pl.String,
        "page_start": pl.Int64,
        "page_end": pl.Int64,
        "citation": pl.String,
        "question": pl.String,
        "answer": pl.String,
        "answers": pl.List(pl.String),  # the answer and other ways to write it
        "alternates": pl.List(pl.String),  # other chunk_ids that answer it as well
        "gold_chunk_ids": pl.List(pl.String),  # chunk_id and the alternates
        "difficulty": pl.String,  # easy | medium | hard; null where set aside
        "difficulty_guess": pl.String,  # the author's
        "difficulty_signals": SIGNALS,
        "chapter": pl.String,
        "split": pl.String,  # null where set aside
        "author": pl.String,
        "model": pl.String,
        "template": pl.String,
        "measures": pl.String,  # JSON: the gates' measures
        "kept": pl.Boolean,
        "left_out": pl.String,  # why not kept
    }
)

_NOT_MEASURES = frozenset(
    """
    id chunk_id book question answer template score difficulty_guess author model prompt_sha256
    finish_reason raw accepted rejected_by alternates
    """.split()  # noqa: SIM905 - read as a paragraph
)


def measure_questions(
    questions: pl.DataFrame, searcher: Searcher, options: RetrievalOptions | None = None
) -> pl.DataFrame:
    """Measure the accepted questions against the whole library's originals.

    Set aside, with the reason: a question whose chunk is not in the library, whose chunk search
    does not find among the first 50, that too many other chunks answer, whose words another
    question of the same answer has, whose template asks its share without it, or whose gold
    chunks lie in chapters of different splits.

    Args:
        questions: Rows of `QUESTIONS_SCHEMA` with any gate measures behind; those not accepted
            are not looked at.
        searcher: Over the originals alone, so that other paraphrases change no question.
        options: Bars of difficulty, shares of the splits.

    Returns:
        A frame of `BUNDLE_QUESTIONS_SCHEMA`, one row for each accepted question, by number.

    Raises:
        RetrievalError: The searcher's index holds paraphrases.
    """
    options = options or RetrievalOptions()
    table = searcher.index.table
    if searcher.index.rows.height != table.height:
        raise RetrievalError("Questions are measured on an index without paraphrases.")
    accepted = questions.filter(pl.col("accepted"))
    known = accepted.rename({"chunk_id": "stable_id"}).join(
        table.select(
            "stable_id",
            "number",
            "chunk_id",
            "domain",
            "title",
            "page_start",
            "page_end",
            "citation",
        ),
        on="stable_id",
        how="left",
    )
    known = known.sort("number", "id", nulls_last=True)
    measured = _measure(known, searcher, options)
    scores = dict(accepted.select("id", "score").iter_rows()) if "score" in accepted else {}
    frame = pl.DataFrame(measured, schema=BUNDLE_QUESTIONS_SCHEMA)
    # The share is of what is left, so whatever else leaves a question out comes before.
    return _balance(_split(frame, table, options), scores, options.max_template_share)


def _balance(frame: pl.DataFrame, scores: Mapping[str, float], share: float) -> pl.DataFrame:
    """Set aside the worst questions of templates that ask more than their share."""
    kept = frame.filter("kept").select("id", "stable_id", "question", "answer", "template")
    asked = [
        Question(chunk, question, answer, template or "", scores.get(name) or 0.0)
        for name, chunk, question, answer, template in kept.iter_rows()
    ]
    _, dropped = balance_templates(asked, share)
    places = {id(question) for question in dropped}
    surplus = [
        name for name, question in zip(kept["id"], asked, strict=True) if id(question) in places
    ]
    aside = pl.col("kept") & pl.col("id").is_in(surplus)
    reason = f"its template asks {share:.0%} of the questions without it"
    return frame.with_columns(
        kept=pl.col("kept") & ~aside,
        split=pl.when(~aside).then("split"),
        difficulty=pl.when(~aside).then("difficulty"),
        left_out=pl.when(aside).then(pl.lit(reason)).otherwise("left_out"),
    )


def _measure(
    known: pl.DataFrame, searcher: Searcher, options: RetrievalOptions
) -> list[dict[str, Any]]:
    table, bars = searcher.index.table, options.difficulty
    texts = table["text"].to_list()
    by_stable = dict(zip(table["stable_id"], table["number"], strict=True))
    terms_of: dict[int, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    rows: list[dict[str, Any]] = []
    batch = searcher.options.batch
    for start in range(0, known.height, batch):
        part = list(known.slice(start, batch).iter_rows(named=True))
        asked = [row["question"] or "" for row in part]
        scores = {mode: searcher.scores(asked, mode) for mode in ("fused", "bm25", "dense")}
        best = np.argsort(-scores["fused"], axis=1, kind="stable")[:, : bars.hard]
        for place, row in enumerate(part):
            out = _plain(row)
            rows.append(out)
            number = row["number"]
            if number is None:
                out["left_out"] = "its chunk is not in the library"
                continue
            named = [by_stable[name] for name in row.get("alternates") or () if name in by_stable]
            others = find_alternates(
                row["question"],
                row["answer"],
                number,
                [*best[place].tolist(), *named],
                texts,
                searcher.lexical,
                bars,
            )
            gold = [number, *others]
            if number not in terms_of:
                terms_of[number] = set(split_terms(texts[number]))
            own_terms = split_terms(row["question"])
            signals = {
                f"{mode}_rank": _rank(found[place], gold) for mode, found in scores.items()
            } | {
                "own_rank": _rank(scores["fused"][place], [number]),
                "lexical_overlap": _share(own_terms, terms_of[number]),
                "answer_words": len(row["answer"].split()),
                "hops": 1,
            }
            key = (" ".join(own_terms), normalise_answer(row["answer"]))
            out |= {
                "alternates": [table["chunk_id"][other] for other in others],
                "gold_chunk_ids": [table["chunk_id"][other] for other in gold],
                "difficulty_signals": signals,
                "difficulty": _difficulty(signals["fused_rank"], options),
                "left_out": _reason(signals["fused_rank"], others, options, repeated=key in seen),
            }
            seen.add(key)
    for row in rows:
        row["kept"] = row["left_out"] is None
        row["difficulty"] = row["difficulty"] if row["kept"] else None
    return rows


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: row.get(name) for name in BUNDLE_QUESTIONS_SCHEMA.names()}
    measures = {name: row[name] for name in row if name not in _NOT_MEASURES}
    for name in ("stable_id", "number", "domain", "title", "page_start", "page_end", "citation"):
        measures.pop(name, None)
    measures["score"] = row.get("score")
    return found | {
        "question": row["question"] or "",
        "answer": row["answer"] or "",
        "answers": spellings(row["answer"] or ""),
        "alternates": [],
        "gold_chunk_ids": [],
        "measures": json.dumps(measures, ensure_ascii=False, default=str),
        "left_out": None,
        "split": None,
        "chapter": None,
    }


def spellings(answer: str) -> list[str]:
    """The answer, and the same without what does not change it: a final stop, an 'about'.

    >>> spellings("approximately 129 ampere hours.")
    ['approximately 129 ampere hours', '129 ampere hours']
    """
    plain = " ".join(answer.split()).rstrip(".;,")
    found = [plain]
    first, _, rest = plain.partition(" ")
    if rest and first.lower() in {"approximately", "about", "nearly", "some", "roughly"}:
        found.append(rest)
    return found


def _rank(scores: np.ndarray, gold: Sequence[int]) -> int:
    """Rank of the best of the gold rows, from 1; equal scores before it count by their place."""
    best = min(gold, key=lambda row: (-scores[row], row))
    value = scores[best]
    return int((scores > value).sum() + (scores[:best] == value).sum()) + 1


def _share(terms: Sequence[str], held: set[str]) -> float:
    wanted = set(terms)
    return len(wanted & held) / len(wanted) if wanted else 0.0


def _difficulty(rank: int, options: RetrievalOptions) -> str | None:
    bars = options.difficulty
    for name, bar in (("easy", bars.easy), ("medium", bars.medium), ("hard", bars.hard)):
        if rank <= bar:
            return name
    return None


def _reason(
    rank: int,
    others: Sequence[int],
    options: RetrievalOptions,
    *,
    repeated: bool,
) -> str | None:
    if rank > options.difficulty.hard:
        return f"search does not find its chunk among the first {options.difficulty.hard}"
    if len(others) > options.difficulty.max_alternates:
        return f"more than {options.difficulty.max_alternates} other chunks answer it"
    if repeated:
        return "asked before in the same words"
    return None


def _split(frame: pl.DataFrame, table: pl.DataFrame, options: RetrievalOptions) -> pl.DataFrame:
    chapter = chapters(table, options.splits)
    names = dict(zip(chapter["number"], chapter["chapter"], strict=True))
    numbers = dict(zip(table["chunk_id"], table["number"], strict=True))
    kept = frame.filter(pl.col("kept"))
    counts = Counter(names[number] for number in kept["number"])
    split = assign_splits(counts, options.splits)
    chosen: list[str | None] = []
    reasons: list[str | None] = []
    for row in frame.iter_rows(named=True):
        if not row["kept"]:
            chosen.append(None)
            reasons.append(row["left_out"])
            continue
        sides = {split.get(names[numbers[name]], "train") for name in row["gold_chunk_ids"]}
        chosen.append(sides.pop() if len(sides) == 1 else None)
        reasons.append(None if chosen[-1] else "its chunks lie in different splits")
    return frame.with_columns(
        chapter=pl.col("number").replace_strict(names, default=None, return_dtype=pl.String),
        split=pl.Series(chosen, dtype=pl.String),
        left_out=pl.Series(reasons, dtype=pl.String),
    ).with_columns(
        kept=pl.col("left_out").is_null(),
        difficulty=pl.when(pl.col("left_out").is_null()).then("difficulty"),
    )
