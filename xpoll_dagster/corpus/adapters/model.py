"""What an adapter is, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.model import MESSAGE

Record = Mapping[str, Any]

UNIT = "_unit"
"""Column of every frame here: which of the records a row was made of."""


class AdapterOptions(BaseModel):
    """Knobs of the adapters; a catalogue's entry sets them under `options`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str] = {}
    """The source's names of the adapter's columns, where they are unusual:
    `{instruction: task_text}`."""
    max_characters: int = Field(default=200_000, ge=100)
    """Longest row, all its texts together; longer ones are rejected."""
    max_turns: int = Field(default=400, ge=2)
    """Longest conversation."""
    max_replaced: float = Field(default=0.002, ge=0.0, le=1.0)
    """Share of characters that may be U+FFFD, which stands where decoding went wrong."""
    calculator_marks: Literal["remove", "keep"] = "remove"
    """What becomes of the `<<16-3=13>>` marks of GSM8K; its `#### 18` becomes a sentence with
    them."""
    languages: list[str] = []
    """Languages that OpenAssistant trees may have; unset, all."""
    answers_optional: bool = False
    """Whether rows without an answer stand: for evaluation sets, whose questions matter."""
    unanswerable: str = "The passage does not say."
    """The answer to a question that its passage does not answer."""


class Kind(Enum):
    """What the values of a column must be."""

    TEXT = "text"
    TEXTS = "list of texts"
    TURNS = "conversation"  # any of the usual ways to write one; see `turns`
    NUMBER = "number"
    JSON = "anything"  # as its JSON text; a text stays as it is

    @property
    def type(self) -> pl.DataType | type[pl.DataType]:
        """The column's type in the frame that an adapter gets."""
        types = {
            Kind.TEXT: pl.String,
            Kind.TEXTS: pl.List(pl.String),
            Kind.TURNS: pl.List(MESSAGE),
            Kind.NUMBER: pl.Float64,
            Kind.JSON: pl.String,
        }
        return types[self]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an adapter reads.

    `names` are the names it has in the wild; the first that a record holds with a value
    counts. `required` columns decide whether records have the adapter's schema at all.
    """

    name: str
    kind: Kind
    names: tuple[str, ...]
    required: bool = False


ROW_COLUMNS = pl.Schema(
    {
        UNIT: pl.Int64,
        "instruction": pl.String,
        "input": pl.String,
        "output": pl.String,
        "system": pl.String,
        "messages": pl.List(MESSAGE),
        "_category": pl.String,  # null where it is still to be inferred
        "_license": pl.String,  # null where the entry's licence holds
    }
)

REJECTED_COLUMNS = pl.Schema({UNIT: pl.Int64, "reason": pl.String})

PREFERENCE_COLUMNS = pl.Schema(
    {
        UNIT: pl.Int64,
        "prompt": pl.List(MESSAGE),
        "chosen": pl.String,
        "rejected": pl.String,
    }
)


@dataclass(frozen=True, slots=True)
class Normalised:
    """Rows of a frame: each of its units is a row here, or rejected.

    A preference belongs to the row of its unit. `notes` count what was left out besides, such
    as answers to compare that were no use.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    preferences: pl.DataFrame
    notes: dict[str, int] = field(default_factory=dict)


class WrongTypeError(Exception):
    """A record does not hold what its adapter reads; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """How the records of one schema become rows.

    Attributes:
        name: Its name in the catalogue.
        summary: Data sets that have this schema, for people.
        columns: What is read.
        adapt: Frame (the columns above and `_unit`) and options → rows. Pure.
        category: Of all its rows, where neither entry nor row says otherwise.
        recognise: Whether a record has this schema; unset, if all required columns are there.
        expand: One record → the units it consists of (the questions of an article).
        group: Column whose equal values in consecutive records make them one unit.
        combine: The records of one group → the unit.
    """

    name: str
    summary: str
    columns: tuple[Column, ...]
    adapt: Callable[[pl.DataFrame, AdapterOptions], Normalised]
    category: str | None = None
    recognise: Callable[[Record], bool] | None = None
    expand: Callable[[Record], list[Record]] | None = None
    group: tuple[str, ...] = ()
    combine: Callable[[list[Record]], Record] | None = None


def text(name: str, *names: str, required: bool = False) -> Column:
    """A column of texts."""
    return Column(name, Kind.TEXT, names or (name,), required)
