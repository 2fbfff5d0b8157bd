"""Every knob of evaluating a tuned model, with its meaning and its default."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.writing.engines.model import Sampling
from xpoll_dagster.writing.llm.options import LLMOptions


class ProbingOptions(BaseModel):
    """How probes are put to models, and how answers are measured and compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sampling: Sampling = Field(
        default=Sampling(temperature=0.0, top_p=1.0, max_tokens=768),
        description="How every model draws its answers; all are asked alike.",
    )
    system: str = Field(
        default="", description="A system prompt for every model; empty sends none."
    )
    min_side_terms: int = Field(
        default=2,
        ge=1,
        description="Content words of a field that stand in its passage, but neither in the "
        "other passage nor in the prompt, which an answer must use to count as using the field.",
    )
    judge: LLMOptions = Field(
        default=LLMOptions(), description="The judge's prompts, sampling, rounds and bounds."
    )
    bootstrap: int = Field(
        default=2000, ge=100, le=100_000, description="Resamples behind each interval."
    )
    confidence: float = Field(default=0.95, gt=0, lt=1, description="Of the intervals.")
    seed: int = Field(default=0, description="Of the resampling.")
