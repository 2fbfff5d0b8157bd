"""The forms that a model's answers must have.

Fields stand in the order in which a model shall think: an answer before its question, the
evidence before the verdict. Their JSON schemas are closed and need every field, which
servers ask for; an answer with a field too many is read all the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

_CLOSED = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"additionalProperties": False})

Relation = Literal[
    "same concept", "same method", "cause and context", "contrast", "analogy", "none"
]


def _plain(value: object) -> object:
    return " ".join(value.lower().replace("_", " ").split()) if isinstance(value, str) else value


Difficulty = Annotated[Literal["easy", "medium", "hard"], BeforeValidator(_plain)]
Mark = Literal[1, 2, 3, 4, 5]


class AnsweredQuestion(BaseModel):
    """One question: its answer first."""

    model_config = _CLOSED

    answer: str
    question: str
    difficulty: Difficulty


class AnsweredQuestions(BaseModel):
    """All questions about one passage, none where it has nothing to ask about."""

    model_config = _CLOSED

    questions: list[AnsweredQuestion]


class LinkAnswer(BaseModel):
    """Whether two passages are linked: what shows it, how, and then the verdict."""

    model_config = _CLOSED

    quote_a: str
    quote_b: str
    relation: Annotated[Relation, BeforeValidator(_plain)]
    in_a: str
    in_b: str
    because: str
    meaningful: bool


class BridgeQuestion(BaseModel):
    """A question that needs two passages, with its answer."""

    model_config = _CLOSED

    question: str
    answer: str


class Conversation(BaseModel):
    """Turns that two speakers take."""

    model_config = _CLOSED

    turns: list[str]


class BridgeMarks(BaseModel):
    """A judge's marks of a text about two passages."""

    model_config = _CLOSED

    reason: str
    relevance: Mark
    faithfulness: Mark
    integration: Mark


class QuestionMarks(BaseModel):
    """A judge's marks of a question with its answer."""

    model_config = _CLOSED

    reason: str
    groundedness: Mark
    standalone: Mark
    answerability: Mark
