"""Adapters of sources that hold two or more answers to compare."""

from __future__ import annotations

from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.conversations import (
    conversation_rows,
    messages_rows,
    ordered_turns,
    transcript_turns,
)
from xpoll_dagster.corpus.adapters.model import (
    UNIT,
    Adapter,
    AdapterOptions,
    Column,
    Kind,
    Normalised,
    Record,
    WrongTypeError,
    text,
)
from xpoll_dagster.corpus.adapters.rows import finish_rows, user_prompt
from xpoll_dagster.corpus.reading.batches import kind_of

_HH_MARK = r"\n\n(Human|Assistant):"


def _is_transcript(value: Any) -> bool:
    return (
        isinstance(value, str) and value.lstrip().startswith("Human:") and "\n\nAssistant:" in value
    )


def pairs(chosen: pl.DataFrame, rejected: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Preferences from two conversations of each unit that differ in their last turn alone.

    Args:
        chosen: Turns of the better one (`_unit`, `role`, `content`), in order.
        rejected: Turns of the worse one.

    Returns:
        `PREFERENCE_COLUMNS`, and the number of units that differ earlier or not at all.
    """
    best, worst = messages_rows(chosen), messages_rows(rejected)
    both = best.select(UNIT, a="messages").join(worst.select(UNIT, b="messages"), on=UNIT)
    size = pl.col("a").list.len()
    answer = pl.element().struct.field("content")
    heads = both.select(
        UNIT,
        prompt=pl.col("a").list.head(size - 1),
        other=pl.col("b").list.head(pl.col("b").list.len() - 1),
        chosen=pl.col("a").list.eval(answer).list.last(),
        rejected=pl.col("b").list.eval(answer).list.last(),
    )
    same = heads.filter(
        (pl.col("prompt") == pl.col("other")) & (pl.col("chosen") != pl.col("rejected"))
    )
    return same.drop("other"), heads.height - same.height


def compared_conversations(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    """Frame with `turns` (chosen) and `worse` → rows of the chosen one, and preferences."""
    chosen, _ = ordered_turns(frame)
    rejected, _ = ordered_turns(frame, "worse")
    if "system" in frame.columns:
        frame = frame.with_columns(pl.col("system").fill_null(""))
    preferences, unlike = pairs(chosen, rejected)
    done = conversation_rows(frame, options, preferences=preferences)
    if unlike:
        done.notes["pairs of answers to different prompts, or alike"] = unlike
    return done


def transcripts(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    """Frame with `chosen` and `rejected` as transcripts → rows and preferences."""
    return compared_conversations(
        frame.with_columns(
            turns=transcript_turns(pl.lit("\n\n") + pl.col("chosen").str.strip_chars(), _HH_MARK),
            worse=transcript_turns(pl.lit("\n\n") + pl.col("rejected").str.strip_chars(), _HH_MARK),
        ),
        options,
    )


HH = Adapter(
    name="hh",
    summary="Anthropic HH-RLHF: {chosen, rejected} as whole transcripts",
    columns=(text("chosen", required=True), text("rejected")),
    adapt=transcripts,
    recognise=lambda record: _is_transcript(record.get("chosen")) and "rejected" in record,
)


def _transcript(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    turns = transcript_turns(pl.lit("\n\n") + pl.col("transcript").str.strip_chars(), _HH_MARK)
    return conversation_rows(frame.with_columns(turns=turns), options)


TRANSCRIPT = Adapter(
    name="transcript",
    summary="Anthropic red-team attempts: {transcript, rating, task_description, …}",
    columns=(text("transcript", "transcript", "dialogue", required=True),),
    adapt=_transcript,
    category="red_team",
    recognise=lambda record: _is_transcript(record.get("transcript")),
)


_CHOSEN = ("chosen", "chosen_response", "response_chosen", "response_j")
_REJECTED = ("rejected", "rejected_response", "response_rejected", "response_k")


def _expand_pair(record: Record) -> list[Record]:
    """Prompt, chosen and rejected as conversations, however they are written."""
    prompt = _turns_of(
        record, ("prompt", "question", "instruction", "input", "conversations"), "user"
    )
    better = _turns_of(record, _CHOSEN, "assistant")
    worse = _turns_of(record, _REJECTED, "assistant")
    return [
        {
            "turns": _continued(prompt, better),
            "worse": _continued(prompt, worse),
            "system": record.get("system") or record.get("system_prompt"),
        }
    ]


def _turns_of(record: Record, names: tuple[str, ...], role: str) -> list[Any]:
    for name in names:
        value = record.get(name)
        if isinstance(value, str):
            return [{"role": role, "content": value}]
        if isinstance(value, list):
            return value
        if isinstance(value, dict):
            return [value]
        if value is not None:
            raise WrongTypeError(f"{name} is {kind_of(value)}, not a text")
    return []


def _continued(prompt: list[Any], answer: list[Any]) -> list[Any]:
    # Some sets repeat the prompt in both answers; one turn alone is an answer.
    return answer if len(answer) > 1 else [*prompt, *answer]


PAIR = Adapter(
    name="prompt_chosen_rejected",
    summary="UltraFeedback binarised, Orca DPO pairs, TRL preferences: {prompt, chosen, rejected}, "
    "texts or lists of messages",
    columns=(
        Column("turns", Kind.TURNS, ("turns",), required=True),
        Column("worse", Kind.TURNS, ("worse",)),
        text("system"),
    ),
    adapt=compared_conversations,
    recognise=lambda record: (
        ("chosen" in record and "rejected" in record)
        or ("chosen_response" in record and "rejected_response" in record)
        or ("response_j" in record and "response_k" in record)
    ),
    expand=_expand_pair,
)


def answers_rows(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    """Frame of `ANSWERS` → rows of the better answer, and preferences."""
    preferences = frame.select(
        UNIT, prompt=user_prompt("instruction", "input"), chosen="output", rejected="worse"
    ).drop_nulls("rejected")
    return finish_rows(frame, options, preferences=preferences)


ANSWERS = (text("instruction"), text("input"), text("output"), text("worse"), text("_category"))


def _expand_shp(record: Record) -> list[Record]:
    label = record.get("labels", record.get("label"))
    if label not in {0, 1, "0", "1"}:
        raise WrongTypeError("labels is neither 0 nor 1")
    first = int(label) == 1  # the preference label of SHP: 1 is A
    answers = record.get("human_ref_A"), record.get("human_ref_B")
    better, worse = answers if first else answers[::-1]
    return [{"instruction": record.get("history"), "output": better, "worse": worse}]


SHP = Adapter(
    name="shp",
    summary="Stanford Human Preferences: {history, human_ref_A, human_ref_B, labels}",
    columns=ANSWERS,
    adapt=answers_rows,
    recognise=lambda record: {"history", "human_ref_A", "human_ref_B"} <= set(record),
    expand=_expand_shp,
)


def _expand_feedback(record: Record) -> list[Record]:
    completions = record.get("completions")
    if not isinstance(completions, list):
        raise WrongTypeError(f"completions is {kind_of(completions)}, not a list")
    rated = [
        (_score(answer), answer["response"])
        for answer in completions
        if isinstance(answer, dict) and isinstance(answer.get("response"), str)
    ]
    if not rated:
        return [{"instruction": record.get("instruction"), "output": None}]
    rated.sort(key=lambda pair: pair[0], reverse=True)
    (high, best), (low, last) = rated[0], rated[-1]
    return [
        {
            "instruction": record.get("instruction"),
            "output": best,
            "worse": last if high > low else None,
        }
    ]


def _score(answer: dict[str, Any]) -> float:
    score = answer.get("fine-grained_score", answer.get("overall_score"))
    if isinstance(score, int | float):
        return float(score)
    ratings = []
    for aspect in (answer.get("annotations") or {}).values():
        aspects = aspect if isinstance(aspect, list) else [aspect]
        for one in aspects:
            try:
                ratings.append(float(one.get("Rating", "")))
            except (AttributeError, TypeError, ValueError):
                continue
    return sum(ratings) / len(ratings) if ratings else float("-inf")


ULTRAFEEDBACK = Adapter(
    name="ultrafeedback",
    summary="UltraFeedback: {instruction, completions: [{response, …scores}]}; the best answer "
    "against the worst",
    columns=ANSWERS,
    adapt=answers_rows,
    recognise=lambda record: (
        "instruction" in record and isinstance(record.get("completions"), list)
    ),
    expand=_expand_feedback,
)


def _expand_story(record: Record) -> list[Record]:
    known = [record.get(name) for name in ("situation", "intention")]
    said = " ".join(part.strip() for part in known if isinstance(part, str))
    norm = record.get("norm")
    ask = f"{said}\n\nWhat would be a right thing to do here, and why?" if said else None
    parts = [record.get(name) for name in ("moral_action", "moral_consequence")]
    done = " ".join(part.strip() for part in parts if isinstance(part, str))
    if done and isinstance(norm, str) and norm.strip():
        done = f"{done}\n\nWhat speaks for it: {norm.strip()}"
    return [{"instruction": ask, "output": done, "worse": record.get("immoral_action")}]


MORAL_STORIES = Adapter(
    name="moral_stories",
    summary="Moral Stories: {norm, situation, intention, moral_action, immoral_action, …}",
    columns=ANSWERS,
    adapt=answers_rows,
    category="moral",
    recognise=lambda record: {"situation", "moral_action", "immoral_action"} <= set(record),
    expand=_expand_story,
)
