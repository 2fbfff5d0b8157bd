"""What a writer is given and what it gives back, and the schema of `pair_texts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import polars as pl

TextKind = Literal["expository", "qa", "dialogue"]


@dataclass(frozen=True, slots=True)
class BookInfo:
    """What a text says about a book: title, authors, field, licence, and how it is paged.

    `paged` is False for formats without pages (EPUB, HTML, Markdown), whose `page` is a
    section's ordinal; they are cited by the section's heading. `licence` is None where the
    library does not say.
    """

    title: str
    domain: str
    authors: tuple[str, ...] = ()
    licence: str | None = None
    paged: bool = True


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept as one passage words it: a row of the chunk's concepts.

    `concept` is the normalised form that links compare, `surface` what the passage prints.
    """

    concept: str
    surface: str
    kind: str = "TERM"
    count: int = 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk's prose with what is needed to attribute it.

    `mentions` are the concepts found in this chunk; empty where they are not known, and
    then only concepts that the text prints word for word can be shown.
    """

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
    mentions: tuple[Mention, ...] = ()


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
class Quote:
    """A verbatim span of a chunk's passage, white space folded, and how it is attributed.

    `title` and `locator` ("p. 41", "pp. 41-42", a section's heading, or nothing) stand in
    the text as they stand here, so that a gate can look for them.
    """

    chunk_id: str
    text: str
    title: str
    locator: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One written text before the gates: fields that its kind lacks are empty.

    `prompt_sha256` is the hash of the prompt (LLM) or of the templates used (rules);
    `quotes` are the verbatim spans it takes from the passages; `concepts` the shared
    concepts that stand in the quotes of both sides, as they read in running text.
    A draft with `problems` was not written: they say why.
    """

    pair_id: str
    kind: TextKind
    style: str
    text: str
    instruction: str = ""
    response: str = ""
    messages: tuple[Message, ...] = ()
    quotes: tuple[Quote, ...] = ()
    concepts: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()  # of a dialogue, one entry for each turn
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
        "concepts": pl.List(pl.String),  # shared concepts that stand in the quotes of both
        "author": pl.String,
        "model": pl.String,
        "prompt_sha256": pl.String,
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        # One column per gate measure.
        "n_words": pl.Int64,
        "quoted_share": pl.Float64,  # share of the words that are quoted
        "both_quoted": pl.Boolean,  # every passage of the row is quoted
        "verbatim": pl.Boolean,  # every quote stands in its chunk, white space folded
        "attributed": pl.Boolean,  # title and page of every quoted chunk stand in the text
        "finished": pl.Boolean,
        "balanced": pl.Boolean,  # brackets and double quotation marks
        "alternating": pl.Boolean,  # speakers take turns; null where it is no dialogue
        "n_turns": pl.Int64,  # null where it is no dialogue
        "self_contained": pl.Boolean,  # the question stands alone; null without one
        "repetition": pl.Float64,  # share of 6-word runs outside the quotes seen before in the row
        "duplicate_of": pl.String,  # an earlier row with the same words
    }
)
