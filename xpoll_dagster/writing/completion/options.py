"""Every knob of completing, with its meaning and its default. Nothing here reads the environment.

How a model draws its words belongs to each request (`Sampling`).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CacheOptions(BaseModel):
    """How the file of kept completions is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    busy_seconds: float = Field(
        default=30.0,
        gt=0,
        description="How long to wait for another process that is writing to the same file.",
    )
    retry_seconds: float = Field(
        default=5.0,
        ge=0,
        description="While nothing can be stored (disk full, say), how long to wait between two "
        "attempts; what could not be stored is held in memory and tried again with the next.",
    )


class Prices(BaseModel):
    """What a server charges; 0 where nothing is charged. Cached answers cost nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_per_million: float = Field(
        default=0.0, ge=0, description="Price of a million tokens of prompts."
    )
    completion_per_million: float = Field(
        default=0.0, ge=0, description="Price of a million tokens of answers."
    )
    currency: str = Field(default="USD", description="What the prices are in; only shown.")

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The price of so many tokens, in `currency`."""
        return (
            prompt_tokens * self.prompt_per_million
            + completion_tokens * self.completion_per_million
        ) / 1e6


class CompletionOptions(BaseModel):
    """How answers are asked for, read and asked for again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int = Field(
        default=3,
        ge=1,
        le=10,
        description="How often one job is put to the model at most: the first time and retries.",
    )
    length_growth: float = Field(
        default=2.0,
        gt=1,
        description="An answer that was cut is asked for once more with `max_tokens` times this.",
    )
    max_tokens_cap: int = Field(
        default=4096, ge=1, description="Beyond this `max_tokens` is never raised."
    )
    repair: bool = Field(
        default=True,
        description="Whether broken JSON of a finished answer is mended (quotes, commas, brackets) "
        "before it counts as wrong.",
    )
    max_answer_chars: int = Field(
        default=100_000, ge=1, description="A longer answer is not read, but counts as wrong."
    )
    max_repair_chars: int = Field(
        default=20_000,
        ge=1,
        description="Longer broken JSON is not mended: hostile text of this length keeps the "
        "mending busy for two seconds.",
    )
    max_quoted_chars: int = Field(
        default=2000,
        ge=100,
        description="How much of a wrong answer a retry shows to the model; of a longer one its "
        "beginning and its end.",
    )
    progress_seconds: float = Field(
        default=10.0, ge=0, description="Seconds between two reports of progress at least."
    )
    prices: Prices = Prices()
