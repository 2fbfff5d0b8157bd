"""Every knob of preference pairs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PreferenceOptions(BaseModel):
    """Which pairs are kept, and how many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_length_ratio: float = Field(
        default=0.8, gt=0, description="Characters of the rejected answer for each of the chosen."
    )
    max_length_ratio: float = Field(default=1.25, gt=0, description="The same, at most.")
    max_per_category: int = Field(
        default=50_000, ge=1, description="Pairs of one category at most, drawn by hash."
    )
    max_answers: int = Field(
        default=8,
        ge=2,
        description="Answers to one prompt that a reward model is asked about at most.",
    )
    max_passage_chars: int = Field(
        default=6_000,
        ge=100,
        description="Characters of the passages in a prompt about them: longer ones make none.",
    )
    max_rejected_source_share: float = Field(
        default=0.4,
        gt=0,
        le=1,
        description="Share of the pairs whose rejected answer may come from one source before "
        "the report warns: a model learns what is common to them.",
    )
    test_share: float = Field(
        default=0.02, ge=0, lt=1, description="Share of the prompts that are held out as `test`."
    )
    measured_pairs: int = Field(
        default=4_000, ge=20, description="Pairs on which the classifiers are measured, at most."
    )
    seed: int = Field(default=0, ge=0, description="Another seed draws other pairs.")
    shard_rows: int = Field(default=50_000, ge=1, description="Pairs of a shard, about.")

    @model_validator(mode="after")
    def _ordered(self) -> PreferenceOptions:
        if self.min_length_ratio > self.max_length_ratio:
            raise ValueError("min_length_ratio lies above max_length_ratio")
        return self
