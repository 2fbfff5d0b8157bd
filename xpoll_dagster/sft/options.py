"""Every knob of the dataset, with its meaning and its default. Nothing reads the environment."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xpoll_dagster.writing.options import WritingOptions


class SplitOptions(BaseModel):
    """How rows are shared out over train, validation and test."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    validation: float = Field(default=0.05, ge=0, lt=0.5, description="Share of the rows.")
    test: float = Field(default=0.05, ge=0, lt=0.5, description="Share of the rows.")
    starts: int = Field(
        default=16,
        ge=1,
        description="Places from which a piece is tried to be cut out of a component that is "
        "too large for its split; the piece that loses the fewest rows is taken.",
    )
    duplicate_sentence_length: int = Field(
        default=60,
        ge=20,
        description="Chunks that share a sentence of so many characters stay in one split.",
    )


class SftOptions(BaseModel):
    """How written texts become a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    formats: dict[str, float] = Field(
        default={"expository": 1.0, "qa": 1.0, "dialogue": 1.0},
        description="Wanted proportions of the formats; 0 leaves a format out.",
    )
    format_slack: float = Field(
        default=0.1,
        ge=0,
        description="How much more than its proportion a format may hold before it is cut.",
    )
    max_domain_pair_share: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="Share of the cross-domain rows that one pair of domains may hold. With "
        "few pairs of domains one and a half fair shares are allowed.",
    )
    max_rows: int | None = Field(
        default=None, ge=1, description="Cross-domain rows in all, best scores first."
    )
    standalone_ratio: float = Field(
        default=1.0,
        ge=0,
        description="Standalone rows for each cross-domain row, as far as passages suffice. "
        "They go to the domains that the cross-domain rows hear least.",
    )
    splits: SplitOptions = SplitOptions()
    writing: WritingOptions = Field(
        default=WritingOptions(), description="Options of the standalone texts."
    )
    rows_per_shard: int = Field(default=50_000, ge=1, description="Rows of one Parquet shard.")
    probe_prompts: int = Field(
        default=60, ge=0, description="Evaluation prompts wanted from held-out pairs."
    )
    prompts_per_pair: int = Field(
        default=12, ge=1, description="Evaluation prompts that one pair may give at most."
    )
    seed: int = Field(default=0, description="Another seed shuffles and splits otherwise.")

    @model_validator(mode="after")
    def _check(self) -> SftOptions:
        unknown = self.formats.keys() - {"expository", "qa", "dialogue"}
        if unknown or not any(weight > 0 for weight in self.formats.values()):
            raise ValueError("formats takes expository, qa and dialogue, at least one above 0.")
        if any(weight < 0 for weight in self.formats.values()):
            raise ValueError("The proportion of a format cannot be negative.")
        return self
