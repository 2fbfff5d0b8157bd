"""All adapters, in the order in which a record is offered to them."""

from __future__ import annotations

from xpoll_dagster.corpus.adapters import (
    api_calls,
    dialogues,
    instructions,
    own,
    passages,
    preferences,
    rated,
    reading_comprehension,
    tasks,
    texts,
    trees,
)
from xpoll_dagster.corpus.adapters.model import Adapter
from xpoll_dagster.corpus.model import SourceError

AUTO = "auto"

_IN_ORDER: tuple[Adapter, ...] = (
    # The most special first: what a general one would also take, but read less well.
    own.DATASET,
    own.QUESTIONS,
    trees.TREE,
    trees.MESSAGE_TABLE,
    dialogues.EMPATHETIC,
    api_calls.API_BANK,
    preferences.HH,
    preferences.PAIR,
    preferences.SHP,
    preferences.ULTRAFEEDBACK,
    rated.MARKED,
    rated.SAFE_PAIR,
    rated.SCORED_PAIR,
    rated.ARENA,
    rated.HELPFULNESS,
    rated.FORUM,
    rated.NECTAR,
    preferences.TRANSCRIPT,
    preferences.MORAL_STORIES,
    dialogues.GLAIVE,
    instructions.MT_BENCH,
    instructions.SELF_INSTRUCT,
    passages.SPANS,
    passages.PARTS,
    passages.STORIES,
    passages.SERIES,
    reading_comprehension.SQUAD,
    reading_comprehension.TRIVIA,
    reading_comprehension.MULTIPLE_CHOICE,
    reading_comprehension.YES_NO,
    instructions.FUNCTION_CALLS,
    dialogues.ULTRACHAT,
    dialogues.SHAREGPT,
    dialogues.MESSAGES,
    dialogues.HISTORY,
    texts.WRITING_PROMPTS,
    instructions.ALPACA,
    instructions.QUESTION_ANSWER,
    tasks.INPUTS_TARGETS,
    tasks.SUMMARY,
    texts.TEXT,
)

ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in _IN_ORDER}
"""All adapters by name; `auto` stands for the first that recognises a record."""


def get_adapter(name: str) -> Adapter:
    """The adapter of a name.

    Raises:
        SourceError: There is none.
    """
    adapter = ADAPTERS.get(name)
    if adapter is None:
        raise SourceError(f"There is no adapter {name!r}; there are: auto, {', '.join(ADAPTERS)}.")
    return adapter
