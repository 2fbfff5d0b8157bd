"""Every knob of writing, with its meaning and its default. Nothing here reads the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.writing.gate_options import GateOptions


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
    styles: tuple[str, ...] = Field(
        default=("short", "medium", "long"),
        min_length=1,
        description="Styles in which each chunk is paraphrased. A model knows further ones by "
        "prompt files of your own: paraphrase/<style>.md.j2.",
    )
    seed: int = Field(default=0, description="Another seed chooses other templates.")
