"""Adapters of questions whose answers are given, chosen or found in a passage."""

from __future__ import annotations

import string
from typing import Any

import polars as pl

from xpoll_dagster.corpus.adapters.model import (
    Adapter,
    AdapterOptions,
    Column,
    Kind,
    Normalised,
    Record,
    WrongTypeError,
    text,
)
from xpoll_dagster.corpus.adapters.rows import finish_rows
from xpoll_dagster.corpus.reading.batches import kind_of

# -- SQuAD ---------------------------------------------------------------------------------


def _expand_article(record: Record) -> list[Record]:
    paragraphs = record.get("paragraphs")
    if paragraphs is None:
        return [_question(record, record)]
    if not isinstance(paragraphs, list):
        raise WrongTypeError(f"paragraphs is {kind_of(paragraphs)}, not a list")
    return [
        _question(question, paragraph)
        for paragraph in paragraphs
        for question in _listed(paragraph, "qas")
    ]


def _listed(item: Any, name: str) -> list[Any]:
    found = item.get(name) if isinstance(item, dict) else None
    if not isinstance(found, list):
        raise WrongTypeError(f"{name} is {kind_of(found)}, not a list")
    return found


def _question(question: Any, paragraph: Any) -> Record:
    if not isinstance(question, dict) or not isinstance(paragraph, dict):
        raise WrongTypeError("a question is no object")
    answers = question.get("answers")
    if isinstance(answers, dict):  # as the hub has it: columns
        answers = answers.get("text")
    texts: Any = None
    if isinstance(answers, list):
        texts = [answer.get("text") if isinstance(answer, dict) else answer for answer in answers]
    elif answers is not None:
        raise WrongTypeError(f"answers is {kind_of(answers)}, not a list")
    return {
        "instruction": question.get("question"),
        "input": paragraph.get("context"),
        "answers": texts,
        "impossible": 1.0 if question.get("is_impossible") is True or texts == [] else 0.0,
    }


def _squad(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    # The answer that most annotators gave; of equals the first.
    answers = pl.col("answers").list
    often = answers.eval(
        pl.element().filter(
            pl.element().count().over(pl.element()) == pl.element().count().over(pl.element()).max()
        )
    ).list.first()
    rows = frame.with_columns(
        output=pl.when(pl.col("impossible") == 1.0)
        .then(pl.lit(options.unanswerable))
        .otherwise(often)
    )
    return finish_rows(rows, options)


SQUAD = Adapter(
    name="squad",
    summary="SQuAD 1.1 and 2.0, nested ({title, paragraphs: [{context, qas}]}) or flat as on the "
    "hub; a question without an answer is answered as such",
    columns=(
        text("instruction", required=True),
        text("input"),
        Column("answers", Kind.TEXTS, ("answers",)),
        Column("impossible", Kind.NUMBER, ("impossible",)),
    ),
    adapt=_squad,
    category="factual",
    recognise=lambda record: (
        isinstance(record.get("paragraphs"), list)
        or (
            {"question", "context", "answers"} <= set(record)
            and isinstance(record["answers"], dict | list)
        )
    ),
    expand=_expand_article,
)

# -- TriviaQA -------------------------------------------------------------------------------


def _expand_trivia(record: Record) -> list[Record]:
    answer = record.get("Answer", record.get("answer"))
    if answer is None:
        return [{"instruction": record.get("Question", record.get("question"))}]
    if not isinstance(answer, dict):
        raise WrongTypeError(f"answer is {kind_of(answer)}, not an object with aliases")
    return [
        {
            "instruction": record.get("Question", record.get("question")),
            "value": answer.get("Value", answer.get("value")),
            "aliases": answer.get("Aliases", answer.get("aliases")),
        }
    ]


def _trivia(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    value = pl.col("value").fill_null("").str.strip_chars()
    aliases = pl.col("aliases").list.drop_nulls()
    # A value in capitals alone is a slip of the quiz: an alias that reads the same is better.
    shouted = (
        (value == value.str.to_uppercase())
        & (value.str.len_chars() > 4)
        & (value != value.str.to_lowercase())
    )
    exploded = (
        frame.select("_unit", value=value, alias=aliases)
        .explode("alias", empty_as_null=False)
        .filter(
            (pl.col("alias").str.to_lowercase() == pl.col("value").str.to_lowercase())
            & (pl.col("alias") != pl.col("alias").str.to_uppercase())
        )
        .unique("_unit", keep="first", maintain_order=True)
    )
    rows = frame.join(
        exploded.select("_unit", "alias"), on="_unit", how="left", maintain_order="left"
    )
    return finish_rows(
        rows.with_columns(
            output=pl.when(value == "")
            .then(aliases.list.first())
            .when(shouted)
            .then(pl.coalesce("alias", value))
            .otherwise(value)
        ),
        options,
    )


TRIVIA = Adapter(
    name="triviaqa",
    summary="TriviaQA with aliases, as its authors publish it (Data, Answer) or as on the hub",
    columns=(
        text("instruction", required=True),
        text("value"),
        Column("aliases", Kind.TEXTS, ("aliases",)),
    ),
    adapt=_trivia,
    category="factual",
    recognise=lambda record: (
        isinstance(record.get("Answer", record.get("answer")), dict)
        and ("Question" in record or "question" in record)
    ),
    expand=_expand_trivia,
)

# -- multiple choice ------------------------------------------------------------------------

_QUESTION = ("question", "question_stem", "Question", "prompt", "sent1", "ctx")
_CHOICES = ("choices", "options", "endings")
_KEY = (
    "answer",
    "answerKey",
    "correct",
    "label",
    "cop",
    "correct_answer",
    "gold",
    "answer_idx",
    "correct_option",
)
_SPREAD = (
    ("opa", "opb", "opc", "opd"),
    ("A", "B", "C", "D"),
    ("ending0", "ending1", "ending2", "ending3"),
    ("option_a", "option_b", "option_c", "option_d"),
)
_WHY = ("rationale", "explanation", "exp", "support", "solution")


def _choices(record: Record) -> tuple[list[str], list[str]]:
    """Labels and texts of the answers to choose from."""
    for name in _CHOICES:
        value = record.get(name)
        if isinstance(value, dict) and isinstance(value.get("text"), list):
            labels = value.get("label") or list(string.ascii_uppercase)
            return [str(one) for one in labels], [str(one) for one in value["text"]]
        if isinstance(value, dict):
            return list(map(str, value)), [str(one) for one in value.values()]
        if isinstance(value, list) and value:
            texts = [one.get("text", "") if isinstance(one, dict) else one for one in value]
            if not all(isinstance(one, str) for one in texts):
                raise WrongTypeError(f"a choice is {kind_of(texts[0])}, not a text")
            return list(string.ascii_uppercase), [_without_label(one) for one in texts]
    for names in _SPREAD:
        if all(isinstance(record.get(name), str) for name in names):
            return list("ABCD"), [record[name] for name in names]
    others = [record.get(f"distractor{number}") for number in (1, 2, 3)]
    texts = [one for one in (record.get("correct_answer"), *others) if isinstance(one, str)]
    if len(texts) > 1:
        return list(string.ascii_uppercase), sorted(texts)
    raise WrongTypeError("there is nothing to choose from")


def _without_label(choice: str) -> str:
    head = choice.lstrip()[:2]
    if len(head) == 2 and head[0] in string.ascii_uppercase and head[1] in ").:":
        return choice.lstrip()[2:].strip()
    return choice.strip()


def _expand_choice(record: Record) -> list[Record]:
    labels, texts = _choices(record)
    if len(texts) > len(string.ascii_uppercase) or len(labels) < len(texts):
        raise WrongTypeError("there are more choices than labels")
    key: Any = next((record[name] for name in _KEY if record.get(name) is not None), None)
    question = next((record[n] for n in _QUESTION if isinstance(record.get(n), str)), None)
    if isinstance(record.get("question"), dict):  # ARC and OpenBookQA as their authors have it
        question = record["question"].get("stem")
    at = _chosen(key, labels, texts)
    letters = string.ascii_uppercase
    shown = "\n".join(f"{letter}. {one}" for letter, one in zip(letters, texts, strict=False))
    answer = None if at is None else f"{letters[at]}. {texts[at]}"
    why = next(
        (record[n] for n in _WHY if isinstance(record.get(n), str) and record[n].strip()), ""
    )
    return [
        {
            "instruction": f"{question.strip()}\n\n{shown}" if isinstance(question, str) else None,
            "input": next(
                (
                    record[n]
                    for n in ("article", "passage", "context")
                    if isinstance(record.get(n), str)
                ),
                "",
            ),
            "output": f"{why.strip()}\n\nThe answer is {answer}" if answer and why else answer,
        }
    ]


def _chosen(key: Any, labels: list[str], texts: list[str]) -> int | None:
    if isinstance(key, bool):
        return None
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if isinstance(key, int):
        return key if 0 <= key < len(texts) else None
    if not isinstance(key, str):
        return None
    key = key.strip()
    for known in (labels[: len(texts)], texts):
        if key in known:
            return known.index(key)
    if key.isdigit() and int(key) < len(texts):
        return int(key)
    return None


def _plain(frame: pl.DataFrame, options: AdapterOptions) -> Normalised:
    return finish_rows(frame, options)


MULTIPLE_CHOICE = Adapter(
    name="multiple_choice",
    summary="MMLU, ARC, CommonsenseQA, AQuA, RACE, MedMCQA: a question, choices and the right one",
    columns=(text("instruction", required=True), text("input"), text("output")),
    adapt=_plain,
    recognise=lambda record: (
        any(n in record for n in _KEY)
        and (any(n in record for n in _QUESTION))
        and (
            any(isinstance(record.get(n), dict | list) for n in _CHOICES)
            or "distractor1" in record
            or any(all(isinstance(record.get(o), str) for o in names) for names in _SPREAD)
        )
    ),
    expand=_expand_choice,
)


def _expand_passage(record: Record) -> list[Record]:
    answer = record.get("answer", record.get("label"))
    if answer in (True, 1):
        said: Any = "Yes."
    elif answer in (False, 0):
        said = "No."
    else:
        raise WrongTypeError(f"answer is {kind_of(answer)}, not a truth value")
    passage = record.get("passage", record.get("context"))
    return [{"instruction": record.get("question"), "input": passage, "output": said}]


YES_NO = Adapter(
    name="yes_no",
    summary="BoolQ and StrategyQA: a question, perhaps a passage, and a truth value",
    columns=(text("instruction", required=True), text("input"), text("output")),
    adapt=_plain,
    category="factual",
    recognise=lambda record: isinstance(record.get("answer"), bool) and "question" in record,
    expand=_expand_passage,
)
