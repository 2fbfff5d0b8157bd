"""Every knob of the dataset, with its meaning and its default."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SftOptions(BaseModel):
    """How rows are balanced, split and saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=17, description="Decides every draw and the order of the rows.")
    standalone_ratio: float = Field(
        default=1.0, ge=0, description="Standalone rows for each cross-domain row, where there are."
    )
    max_over_mean: float = Field(
        default=2.0,
        ge=1,
        description="No format, and no pair of domains, has more than this many times the mean "
        "of its kind; the rows of lowest score are left out first.",
    )
    validation_share: float = Field(default=0.05, ge=0, lt=0.5, description="Share of all rows.")
    test_share: float = Field(default=0.05, ge=0, lt=0.5, description="Share of all rows.")
    max_rows_per_shard: int = Field(
        default=50_000, ge=1, description="Rows of one Parquet shard at most."
    )
    min_probes: int = Field(
        default=50, ge=1, description="Probe prompts aimed at; fewer where held-out pairs lack."
    )
    max_probes: int = Field(default=400, ge=1, description="Probe prompts at most.")

    @model_validator(mode="after")
    def _leaves_room_for_training(self) -> SftOptions:
        if self.validation_share + self.test_share > 0.5:
            raise ValueError(
                "validation_share and test_share together leave less than half to train"
            )
        return self
