"""The retrieval bundle's part of the page: questions by difficulty, scores, questions to search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from xpoll_dagster.report.limits import cut, sample, single_line
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.sources import ReportError, ReportSources, Table

_QUESTION_CHARACTERS = 1_000
_DIFFICULTIES = ("easy", "medium", "hard", "not measured")
_COLUMNS = ("id", "chunk_id", "question", "answer", "difficulty", "split")


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions that are in use: all of them lazily, a sample, and how many there are.

    `left_out` counts those that the bundle left out, by reason; None where the questions
    are the books' accepted ones and no bundle is built.
    """

    table: pl.LazyFrame
    frame: pl.DataFrame
    total: int
    left_out: tuple[tuple[str, int], ...] | None


def choose_questions(sources: ReportSources, options: ReportOptions) -> Questions | None:
    """The bundle's questions, else the books' accepted ones, else None."""
    if sources.retrieval is not None:
        file = sources.retrieval / "questions.parquet"
        if not file.is_file():
            raise ReportError(f"{file} is missing: materialise retrieval again.")
        every = pl.scan_parquet(file)
        table = every.filter("kept").with_columns(chunk_id="stable_id").select(_COLUMNS)
        reasons = every.filter(~pl.col("kept")).group_by("left_out").len()
        left_out = reasons.sort("len", "left_out", descending=[True, False]).collect()
        return Questions(table, *sample(table, options.max_questions), tuple(left_out.rows()))
    if sources.questions is not None:
        accepted = sources.questions.lazy().filter("accepted")
        table = accepted.with_columns(split=pl.lit("all")).select(_COLUMNS)
        return Questions(table, *sample(table, options.max_questions), None)
    return None


def questions_part(questions: Questions, number: Mapping[str, int]) -> dict[str, Any]:
    """The questions as columns for the page's script; `chunk` is its passage's place."""
    frame = questions.frame
    return {
        "id": frame["id"].to_list(),
        "question": [cut(text or "", _QUESTION_CHARACTERS) for text in frame["question"]],
        "answer": [cut(text or "", _QUESTION_CHARACTERS) for text in frame["answer"]],
        "difficulty": frame["difficulty"].fill_null("not measured").to_list(),
        "split": frame["split"].fill_null("").to_list(),
        "chunk": [number.get(chunk) for chunk in frame["chunk_id"]],
        "total": questions.total,
    }


def question_counts(questions: Questions) -> dict[str, Any]:
    """All questions by difficulty and split, for the template."""
    counts = (
        questions.table.group_by(pl.col("difficulty").fill_null("not measured"), "split")
        .len()
        .collect()
    )
    cells: dict[str, dict[str, int]] = {}
    for difficulty, split, count in counts.iter_rows():
        cells.setdefault(difficulty, {})[split or "none"] = count
    splits = [
        split
        for split in ("train", "validation", "test", "all", "none")
        if any(split in row for row in cells.values())
    ]
    known = [name for name in _DIFFICULTIES if name in cells]
    return {
        "total": questions.total,
        "bundled": questions.left_out is not None,
        "splits": splits,
        "rows": [
            {
                "name": single_line(name, 40),
                "by_split": cells[name],
                "total": sum(cells[name].values()),
            }
            for name in [*known, *sorted(cells.keys() - set(known))]
        ],
        "left_out": questions.left_out,
    }


def score_tables(scores: Table | None) -> list[dict[str, Any]]:
    """One table for each task and way of counting: how search found it, metric by metric."""
    if scores is None:
        return []
    frame = scores.lazy().collect()
    tables = []
    for (task, counted), part in frame.group_by("task", "counted", maintain_order=True):
        metrics = part["metric"].unique(maintain_order=True).to_list()
        rows = []
        of_mode = part.group_by("mode", "paraphrases_indexed", maintain_order=True)
        for (mode, noisy), cells in of_mode:
            found = dict(cells.select("metric", "value").iter_rows())
            rows.append(
                {
                    "mode": mode,
                    "noisy": bool(noisy),
                    "values": [found.get(metric) for metric in metrics],
                }
            )
        for row in rows:
            alike = [other["values"] for other in rows if other["noisy"] == row["noisy"]]
            row["best"] = [_best(values) for values in zip(*alike, strict=True)]
        tables.append(
            {
                "task": task,
                "counted": counted,
                "metrics": metrics,
                "queries": int(part["queries"].max() or 0),  # type: ignore[arg-type]
                "rows": rows,
            }
        )
    return tables


def _best(values: Sequence[float | None]) -> float | None:
    """The highest of one metric's values among the searches over the same passages."""
    return max((value for value in values if value is not None), default=None)
