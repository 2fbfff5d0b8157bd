"""What a writer is given and what it gives back, and the schema of `pair_texts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import polars as pl

TextKind = Literal["expository", "qa", "dialogue"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk's prose with what is needed to attribute it."""

    chunk_id: str
    book: str
    title: str
    authors: tuple[str, ...]
    domain: str
    section: tuple[str, ...]
    page_start: int
    page_end: int
    text: str
    paged: bool = True  # False where `page` is a section's ordinal (EPUB, HTML, Markdown)


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """Two passages of different domains and why they were linked."""

    pair_id: str
    left: Passage
    right: Passage
    concepts: tuple[tuple[str, float], ...]
    signals: tuple[str, ...]
    score: float
    explanation: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One written text before the gates: fields that its kind lacks are empty.

    `prompt_sha256` is the hash of the prompt (LLM) or of the templates used (rules);
    `quotes` are the verbatim spans it takes from the passages.
    """

    pair_id: str
    kind: TextKind
    style: str
    text: str
    instruction: str = ""
    response: str = ""
    messages: tuple[Message, ...] = ()
    quotes: tuple[str, ...] = ()
    author: Literal["rules", "llm"] = "rules"
    model: str = "rules"
    prompt_sha256: str = ""
    problems: tuple[str, ...] = field(default=())


class Author(Protocol):
    """Whoever writes: rules or a language model. Gates judge both alike."""

    def bridge(self, pairs: Sequence[PairEvidence]) -> list[Draft]:
        """Write expository text, a question with its answer and a dialogue for each pair."""
        ...


MESSAGE_STRUCT = pl.Struct({"role": pl.String, "content": pl.String})

PAIR_TEXTS_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "pair_id": pl.String,
        "left_chunk": pl.String,
        "right_chunk": pl.String,
        "kind": pl.String,
        "style": pl.String,
        "text": pl.String,
        "instruction": pl.String,
        "response": pl.String,
        "messages": pl.List(MESSAGE_STRUCT),
        "author": pl.String,
        "model": pl.String,
        "prompt_sha256": pl.String,
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        # One column per gate measure.
        "n_words": pl.Int64,
        "quoted_share": pl.Float64,
        "both_quoted": pl.Boolean,
        "repetition": pl.Float64,
    }
)
