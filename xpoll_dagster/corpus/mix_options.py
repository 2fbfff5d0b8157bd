"""Every knob of mixing that is no matter of the profile."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.profiles import Profile


class MixOptions(BaseModel):
    """How a mix is drawn and written; what is set here comes before the profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_total: int | None = Field(
        default=None, ge=1, description="Rows of the mix at most, instead of the profile's."
    )
    seed: int | None = Field(default=None, ge=0, description="Instead of the profile's.")
    temperature: float | None = Field(
        default=None, ge=0, le=1, description="Instead of the profile's."
    )
    commercial_only: bool = Field(
        default=False,
        description="Take only rows whose licence is known and allows commercial use.",
    )
    fail_if_short: bool = Field(
        default=False,
        description="Whether a mix with fewer rows than asked for is an error. Otherwise it is "
        "written, and card and report say what held it down.",
    )
    shard_rows: int = Field(default=50_000, ge=1, description="Rows of a shard, about.")
    sample_rows: int = Field(
        default=5_000,
        ge=1,
        description="Rows of the mix, and of a random mix, whose texts are compared.",
    )

    def applied(self, profile: Profile) -> Profile:
        """The profile as these options change it."""
        changes = {
            name: value
            for name in ("max_total", "seed", "temperature")
            if (value := getattr(self, name)) is not None
        }
        if self.commercial_only:
            changes["licences"] = "commercial"
        return Profile.model_validate(profile.model_dump() | changes)
