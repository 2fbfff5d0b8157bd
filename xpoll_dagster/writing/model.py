"""What an author is given and what it gives back, and the schema of `pair_texts`.

The author's other tasks have their own pages: `paraphrases.py` and `questions.py` hold the
schemas of `paraphrased_chunks` and `questions`.
"""

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
class Origin:
    """Who wrote a text, and how that went.

    `prompt_sha256` is the hash of the prompt's template (LLM) or of the templates used
    (rules). `finish_reason` is the engine's ("stop", "length", …), empty for rules. `raw` is
    the model's whole answer, kept where it could not be used as it was asked for.
    """

    author: Literal["rules", "llm"] = "rules"
    model: str = "rules"
    prompt_sha256: str = ""
    finish_reason: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One written text before the gates: fields that its kind lacks are empty.

    `quotes` are the verbatim spans it takes from the passages; `concepts` the shared
    concepts that stand in the quotes of both sides, as they read in running text; `mapping`
    says what of the one passage corresponds to what of the other (LLM).
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
    mapping: str = ""
    origin: Origin = Origin()
    problems: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SourceChunk:
    """A chunk to paraphrase or to ask about.

    `passage.text` is the chunk's prose. `before` and `after` are the prose of its
    neighbours: context that helps to understand it, never a place to take an answer from.
    `n_tokens` counts the passage in the embedder's tokens, 0 where unknown.
    """

    passage: Passage
    before: str = ""
    after: str = ""
    n_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """One paraphrase before the gates. With `problems` it was not written: they say why.

    `style` is the name of a style ("short", "medium", "long" or a user's own).
    """

    chunk_id: str
    style: str
    text: str
    origin: Origin = Origin()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answer before the gates.

    `template` names the rule that made it ("" for a model), `score` is the rule's own
    ranking of it (0 to 1; 0 for a model), `difficulty_guess` what the author says of its
    difficulty ("easy", "medium", "hard" or ""): measured later.
    """

    chunk_id: str
    question: str
    answer: str
    template: str = ""
    score: float = 0.0
    difficulty_guess: str = ""
    origin: Origin = Origin()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Persona:
    """A voice to answer in: a name, and what its system prompt says."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A prompt answered in a persona's voice. With `problems` it was not written."""

    prompt_id: str
    persona: str
    text: str
    origin: Origin = Origin()
    problems: tuple[str, ...] = ()


class Author(Protocol):
    """Whoever writes: rules or a language model. Gates judge both alike.

    Every task takes a batch and gives its drafts in the order of the batch; what could not
    be written comes back too, with `problems`.
    """

    model: str
    """Name of the model, or `rules`."""

    def paraphrase(self, chunks: Sequence[SourceChunk], style: str) -> list[Paraphrase]:
        """Say each chunk in other words: one draft for each chunk.

        Raises:
            ValueError: There is no such style.
        """
        ...

    def ask(self, chunks: Sequence[SourceChunk], n: int) -> list[Question]:
        """Ask up to `n` questions about each chunk, with answers taken from it.

        A chunk about which nothing can be asked gives one draft with `problems`.
        """
        ...

    def bridge(self, pairs: Sequence[PairEvidence]) -> list[Draft]:
        """Write expository text, a question with its answer and a dialogue for each pair."""
        ...

    def mirror(
        self, prompts: Sequence[tuple[str, str]], personas: Sequence[Persona]
    ) -> list[Reply]:
        """Answer each prompt (id, text) in the voice of each persona, prompt by prompt."""
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
        "finish_reason": pl.String,
        "raw": pl.String,  # the model's answer, where it could not be used
        "mapping": pl.String,  # what of the one passage corresponds to what of the other
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        # One column per gate measure; null where a row is not judged by it.
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
        "meta_talk": pl.String,  # what talk about the task was found
        "same_language": pl.Boolean,
        # Of rows that a model wrote of two passages:
        "attributable": pl.Float64,  # share of the sentences that the passages bear out
        "unattributed": pl.List(pl.String),  # the others
        "left_terms": pl.Int64,  # words taken from one passage alone
        "right_terms": pl.Int64,
        "answer_left_terms": pl.Int64,  # the same of a question's answer
        "answer_right_terms": pl.Int64,
        "mapping_stated": pl.Boolean,  # with words of both passages
        "judge_score": pl.Float64,
        "judge_verdict": pl.String,
    }
)
