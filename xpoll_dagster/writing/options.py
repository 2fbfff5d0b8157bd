"""Every knob of writing, with its meaning and its default. Nothing here reads the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class QuotationOptions(BaseModel):
    """Which sentences of a passage are quoted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_words: int = Field(default=60, ge=5, description="Words a side's quotation should reach.")
    max_words: int = Field(default=130, ge=10, description="Words it never exceeds.")
    min_sentences: int = Field(
        default=2, ge=1, description="Clean sentences in a row that a quotation needs."
    )
    floor_words: int = Field(
        default=30,
        ge=5,
        description="A passage whose clean sentences in a row stay below `min_words` may still "
        "be quoted from this many words on.",
    )
    max_sentence_words: int = Field(
        default=70, ge=10, description="Longer sentences are taken for damaged ones."
    )


class GateOptions(BaseModel):
    """What a row must measure to be accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_words: int = Field(default=60, ge=1, description="A cross-domain row's fewest words.")
    min_words_standalone: int = Field(default=35, ge=1, description="A standalone row's.")
    max_words: int = Field(default=700, ge=1, description="Words of any row at most.")
    min_quoted_share: float = Field(
        default=0.4, ge=0, le=1, description="Share of the words that the books must supply."
    )
    max_repetition: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the runs of six words outside the quotations that repeat an "
        "earlier run of the same row.",
    )
    min_turns: int = Field(default=4, ge=2, description="Turns of a cross-domain dialogue.")


class WritingOptions(BaseModel):
    """How pairs become text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quotation: QuotationOptions = QuotationOptions()
    gates: GateOptions = GateOptions()
    epistemic_share: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share of the texts that also contrast how the two fields come to know; "
        "pairs without a note for both fields go without.",
    )
    epistemology_dir: Path | None = Field(
        default=None,
        description="Folder of `<domain>.yaml` files that replace or add to the notes on how "
        "knowledge is established in a field.",
    )
    plain_words: bool = Field(
        default=False,
        description="Whether a pair may be written of that shares, in quotable sentences, no "
        "name or noun but only a word of which the passages do not show that it is one.",
    )
    max_concepts: int = Field(
        default=3, ge=1, description="Shared concepts that a text names at most."
    )
    seed: int = Field(default=0, description="Another seed chooses other templates.")
