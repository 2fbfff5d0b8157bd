# ruff: noqa: ARG001 - every reward has the signature that trainers call
"""Rewards for finding the original chunk and answering from it. Needs neither Dagster nor torch.

Each function has TRL's signature, `(prompts, completions, **columns) -> list[float | None]`; the
columns are those of the dataset. None means that a row lacks what the reward needs, which TRL
leaves out of the sum. Suggested weights: correctness 1, retrieval 0.3, format 0.2 and
retry bonus 1 (it is at most 0.1 by itself); `total_reward` has them added and scaled, with 1.0
for a right answer after one search that found the original.

What was found is taken from the `environments` where the trainer has them (their own record),
else from the tools' messages; never from text that the model wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xpoll_dagster.retrieval.answers import answer_score, normalise_answer
from xpoll_dagster.retrieval.transcript import Search, Transcript, read_transcript

Rewards = list[float | None]

PARAPHRASE_REWARD = 0.5
RETRY_BONUS = 0.1
SAME_QUERY = 0.8
"""Queries that share this much of their words (Jaccard) are the same query again."""
RIGHT = 0.8
"""Correctness from which an answer counts as right for the retry bonus."""

WEIGHTS = {"correctness": 1.0, "retrieval": 0.3, "format": 0.2}


def correctness_reward(
    prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
) -> Rewards:
    """How right the final answer is, by `answer_score` over `answers` (or `answer`)."""
    return [
        answer_score(read_transcript(completion).answer, wanted) if wanted else None
        for completion, wanted in zip(completions, _answers(columns, len(completions)), strict=True)
    ]


def retrieval_reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> Rewards:
    """1 where a search returned an original gold chunk, 0.5 where only its paraphrase, else 0.

    By the ids in `gold_chunk_ids` (or `chunk_id`). Searching more often for the same adds nothing.
    """
    found = _searches(completions, columns)
    return [
        _best_found(searches, gold) if gold else None
        for searches, gold in zip(found, _gold(columns, len(completions)), strict=True)
    ]


def format_reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> Rewards:
    """1 where the last message gives exactly one answer between tags, at its end; else 0."""
    return [float(read_transcript(completion).well_formed) for completion in completions]


def retry_bonus(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> Rewards:
    """Up to 0.1 for finding the chunk on another try, in other words, and answering rightly.

    Paid only where every search before had missed the original and its paraphrases, the query
    that found it differs from all of them, and the answer is right; the second try gets all of
    it, the third half, and so on, so that trying at random does not pay.
    """
    wanted = _answers(columns, len(completions))
    gold = _gold(columns, len(completions))
    found = _searches(completions, columns)
    return [
        _bonus(searches, ids, answer_score(read_transcript(completion).answer, answers))
        if ids and answers
        else None
        for completion, searches, ids, answers in zip(completions, found, gold, wanted, strict=True)
    ]


def total_reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> Rewards:
    """All of them in one, 0 to 1: the weighted mean of three, and the bonus, never above 1.

    The cap keeps the bonus an encouragement: missing on purpose first earns no more than finding
    at once.
    """
    parts = {
        "correctness": correctness_reward(prompts, completions, **columns),
        "retrieval": retrieval_reward(prompts, completions, **columns),
        "format": format_reward(prompts, completions, **columns),
    }
    bonus = retry_bonus(prompts, completions, **columns)
    totals: Rewards = []
    for place, extra in enumerate(bonus):
        known = {name: value for name, row in parts.items() if (value := row[place]) is not None}
        if "correctness" not in known:
            totals.append(None)
            continue
        weight = sum(WEIGHTS[name] for name in known)
        mean = sum(WEIGHTS[name] * value for name, value in known.items()) / weight
        totals.append(min(1.0, mean + (extra or 0.0)))
    return totals


REWARDS = (correctness_reward, retrieval_reward, format_reward, retry_bonus)
"""The four to hand to a trainer as `reward_funcs`."""


def _best_found(searches: Sequence[Search], gold: frozenset[str]) -> float:
    best = 0.0
    for search in searches:
        for name in search.found:
            if name in gold:
                return 1.0
            if name.split("/", 1)[0] in gold:
                best = PARAPHRASE_REWARD
    return best


def _bonus(searches: Sequence[Search], gold: frozenset[str], right: float) -> float:
    if right < RIGHT:
        return 0.0
    for place, search in enumerate(searches):
        if _best_found([search], gold) == 0.0:
            continue
        differs = all(
            _alike(search.query, before.query) < SAME_QUERY for before in searches[:place]
        )
        hit = any(name in gold for name in search.found)
        return RETRY_BONUS / place if place and differs and hit else 0.0
    return 0.0


def _alike(one: str, other: str) -> float:
    left, right = set(normalise_answer(one).split()), set(normalise_answer(other).split())
    if not left or not right:
        return 1.0  # nothing can be said of an unknown query, so nothing is paid for it
    return len(left & right) / len(left | right)


def _column(columns: Mapping[str, Any], name: str, rows: int) -> list[Any]:
    values = columns.get(name)
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != rows:
        return [None] * rows
    return list(values)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Sequence):
        return [item for item in value if isinstance(item, str)]
    return []


def _answers(columns: Mapping[str, Any], rows: int) -> list[list[str]]:
    several, one = _column(columns, "answers", rows), _column(columns, "answer", rows)
    found = [
        [*_strings(single), *_strings(many)] for many, single in zip(several, one, strict=True)
    ]
    return [[answer for answer in row if answer.strip()] for row in found]


def _gold(columns: Mapping[str, Any], rows: int) -> list[frozenset[str]]:
    several, one = _column(columns, "gold_chunk_ids", rows), _column(columns, "chunk_id", rows)
    return [
        frozenset([*_strings(single), *_strings(many)])
        for many, single in zip(several, one, strict=True)
    ]


def _searches(completions: Sequence[Any], columns: Mapping[str, Any]) -> list[Sequence[Search]]:
    """The environments' own record where there is one, else what the tools' messages show."""
    environments = _column(columns, "environments", len(completions))
    found: list[Sequence[Search]] = []
    for completion, environment in zip(completions, environments, strict=True):
        record = getattr(environment, "_searches", None)
        if isinstance(record, list):
            found.append(record)
        else:
            transcript: Transcript = read_transcript(completion)
            found.append(transcript.searches)
    return found
