"""Adapters of sources that say of two or more answers which one is better.

Each kind of record becomes one instruction with the best answer and, where the source sets one
below it, the worst; or two conversations, where the prompt is one.
"""

from __future__ import annotations

from typing import Any

from xpoll_dagster.corpus.adapters.model import (
    Adapter,
    Column,
    Kind,
    Record,
    WrongTypeError,
    text,
)
from xpoll_dagster.corpus.adapters.preferences import (
    ANSWERS,
    answers_rows,
    compared_conversations,
    transcripts,
)
from xpoll_dagster.corpus.adapters.rows import finish_rows
from xpoll_dagster.corpus.reading.batches import kind_of


def _best_and_worst(rated: list[tuple[float, Any]]) -> tuple[Any, Any]:
    """The answer of the highest score and that of the lowest, if one is lower."""
    if not rated:
        return None, None
    rated = sorted(rated, key=lambda pair: pair[0], reverse=True)
    return rated[0][1], rated[-1][1] if rated[-1][0] < rated[0][0] else None


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongTypeError(f"{name} is {kind_of(value)}, not a number")
    return float(value)


def _listed(record: Record, name: str) -> list[dict[str, Any]]:
    found = record.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise WrongTypeError(f"{name} is {kind_of(found)}, not a list of objects")
    return found


# -- one answer with a mark ------------------------------------------------------------------


def _expand_marked(record: Record) -> list[Record]:
    for mark, fault in (("is_safe", "unsafe"), ("is_correct", "wrong")):
        if record.get(mark) is False:
            raise WrongTypeError(f"the source marks the answer as {fault}")
    return [record]


MARKED = Adapter(
    name="marked_answer",
    summary="BeaverTails (is_safe), OpenMathInstruct-1 (is_correct): an answer that the source "
    "marks; those marked as unsafe or wrong are out",
    columns=(
        text("instruction", "prompt", "question", required=True),
        text("output", "response", "generated_solution", required=True),
    ),
    adapt=finish_rows,
    recognise=lambda record: (
        any(isinstance(record.get(mark), bool) for mark in ("is_safe", "is_correct"))
        and any(isinstance(record.get(name), str) for name in ("prompt", "question"))
        and any(isinstance(record.get(name), str) for name in ("response", "generated_solution"))
    ),
    expand=_expand_marked,
)


# -- two answers with a mark -----------------------------------------------------------------


def _expand_safety(record: Record) -> list[Record]:
    safe = [record.get("is_response_0_safe"), record.get("is_response_1_safe")]
    choice = record.get("better_response_id")
    if safe[0] is not safe[1]:
        choice = safe.index(True) if True in safe else choice  # help that does harm is no better
    elif safe == [False, False]:
        raise WrongTypeError("the source marks both answers as unsafe")
    if choice not in {0, 1}:
        raise WrongTypeError("better_response_id is neither 0 nor 1")
    answers = [record.get("response_0"), record.get("response_1")]
    return [
        {
            "instruction": record.get("prompt"),
            "output": answers[choice],
            "worse": answers[1 - choice],
        }
    ]


SAFE_PAIR = Adapter(
    name="safe_pair",
    summary="PKU-SafeRLHF: {prompt, response_0, response_1, better_response_id, "
    "is_response_0_safe, …}; a safe answer stands before an unsafe one, two unsafe ones are out",
    columns=ANSWERS,
    adapt=answers_rows,
    category="red_team",
    recognise=lambda record: {"prompt", "response_0", "response_1"} <= set(record),
    expand=_expand_safety,
)


def _expand_scores(record: Record) -> list[Record]:
    question = record.get("question")
    if isinstance(question, dict):
        question = question.get("full_text")
    rated = [
        (_number(record.get(f"score_{n}"), f"score_{n}"), record.get(f"answer_{n}")) for n in (0, 1)
    ]
    best, worst = _best_and_worst(rated)
    return [{"instruction": question, "output": best, "worse": worst}]


SCORED_PAIR = Adapter(
    name="scored_pair",
    summary="WebGPT comparisons: {question: {full_text}, answer_0, answer_1, score_0, score_1}",
    columns=ANSWERS,
    adapt=answers_rows,
    recognise=lambda record: {"question", "answer_0", "answer_1", "score_0"} <= set(record),
    expand=_expand_scores,
)


def _expand_votes(record: Record) -> list[Record]:
    winner = record.get("winner")
    sides = [record.get("conversation_a"), record.get("conversation_b")]
    if winner in {"model_b", "b"}:
        sides.reverse()
    elif winner not in {"model_a", "a"}:
        raise WrongTypeError("neither answer won")
    return [{"turns": sides[0], "worse": sides[1]}]


ARENA = Adapter(
    name="arena",
    summary="Chatbot Arena: {conversation_a, conversation_b, winner}; ties are out",
    columns=(
        Column("turns", Kind.TURNS, ("turns",), required=True),
        Column("worse", Kind.TURNS, ("worse",)),
    ),
    adapt=compared_conversations,
    recognise=lambda record: {"conversation_a", "conversation_b", "winner"} <= set(record),
    expand=_expand_votes,
)


def _expand_helpfulness(record: Record) -> list[Record]:
    context = record.get("context")
    if not isinstance(context, list):
        raise WrongTypeError(f"context is {kind_of(context)}, not a list")
    preference = _number(record.get("overall_preference"), "overall_preference")
    answers = [
        [*context, {"role": "assistant", "content": record.get(f"response{n}")}] for n in (1, 2)
    ]
    if preference > 0:  # from -3, the first is much better, to 3
        answers.reverse()
    return [{"turns": answers[0], "worse": answers[1] if preference else None}]


HELPFULNESS = Adapter(
    name="helpsteer3",
    summary="HelpSteer3: {context (messages), response1, response2, overall_preference}",
    columns=ARENA.columns,
    adapt=compared_conversations,
    recognise=lambda record: {"context", "response1", "response2"} <= set(record),
    expand=_expand_helpfulness,
)

# -- lists of answers ------------------------------------------------------------------------


def _expand_forum(record: Record) -> list[Record]:
    rated = [
        # The asker's choice among answers of one score.
        (
            _number(answer.get("pm_score"), "pm_score") + 0.5 * (answer.get("selected") is True),
            _plain(answer.get("text")),
        )
        for answer in _listed(record, "answers")
    ]
    best, worst = _best_and_worst(rated)
    return [{"instruction": _plain(record.get("question")), "output": best, "worse": worst}]


def _plain(value: Any) -> Any:
    """The text of a page's piece, paragraphs apart."""
    if not isinstance(value, str) or "<" not in value:
        return value
    from lxml import etree, html  # pyright: ignore[reportAttributeAccessIssue]

    try:
        tree = html.fromstring(f"<div>{value}</div>")
    except (etree.LxmlError, ValueError):
        return value
    for block in tree.iter("p", "pre", "li", "h1", "h2", "h3", "br"):
        block.tail = ("\n" if block.tag in {"li", "br"} else "\n\n") + (block.tail or "").lstrip(
            "\n"
        )
    return tree.text_content().strip()


FORUM = Adapter(
    name="forum_answers",
    summary="Stack Exchange preferences: {question, answers: [{text, pm_score, selected}]}, HTML; "
    "the best answer against the worst",
    columns=ANSWERS,
    adapt=answers_rows,
    recognise=lambda record: (
        isinstance(record.get("question"), str)
        and _first_has(record.get("answers"), {"text", "pm_score"})
    ),
    expand=_expand_forum,
)


def _expand_ranks(record: Record) -> list[Record]:
    prompt = record.get("prompt")
    if not isinstance(prompt, str):
        raise WrongTypeError(f"prompt is {kind_of(prompt)}, not a text")
    rated = [
        (-_number(answer.get("rank"), "rank"), answer.get("answer"))
        for answer in _listed(record, "answers")
        if isinstance(answer.get("answer"), str)
    ]
    best, worst = _best_and_worst(rated)
    head = prompt.rstrip()
    if not head.endswith("Assistant:"):
        head = f"\n\nHuman: {head}\n\nAssistant:"
    return [
        {
            "chosen": None if best is None else f"{head} {best}",
            "rejected": None if worst is None else f"{head} {worst}",
        }
    ]


NECTAR = Adapter(
    name="nectar",
    summary="Nectar: {prompt (a transcript), answers: [{answer, rank}]}; the first against "
    "the last",
    columns=(text("chosen", required=True), text("rejected")),
    adapt=transcripts,
    recognise=lambda record: (
        "prompt" in record and _first_has(record.get("answers"), {"answer", "rank"})
    ),
    expand=_expand_ranks,
)


def _first_has(value: Any, names: set[str]) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and names <= set(value[0])
    )
