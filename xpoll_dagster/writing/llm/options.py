"""Every knob of the language model as an author, with its meaning and its default."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from xpoll_dagster.writing.completion.options import CompletionOptions
from xpoll_dagster.writing.engines.model import Sampling

TASKS = ("paraphrase", "ask", "bridge", "mirror", "judge")


class SamplingChange(BaseModel):
    """What to set otherwise in how a model draws its words; what is None stays as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(default=None, ge=0, description="As in `Sampling`.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="As in `Sampling`.")
    max_tokens: int | None = Field(default=None, ge=1, description="As in `Sampling`.")
    seed: int | None = Field(default=None, description="As in `Sampling`.")

    def of(self, sampling: Sampling) -> Sampling:
        """The sampling with these changes."""
        return sampling.model_copy(update=self.model_dump(exclude_none=True))


class JudgeOptions(BaseModel):
    """What a judge's marks (1 to 5) must be for a row to pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_bridge_mean: float = Field(
        default=3.5,
        ge=1,
        le=5,
        description="Mean of a bridge's marks; bins from 3.5 on are what MDCure keeps.",
    )
    min_bridge_mark: int = Field(
        default=3, ge=1, le=5, description="Each single mark of a bridge at least."
    )
    min_question_mark: int = Field(
        default=4,
        ge=1,
        le=5,
        description="Each single mark of a question at least, as in the RAG evaluation recipe "
        "of the Hugging Face cookbook.",
    )


class LLMOptions(BaseModel):
    """How a language model is asked to write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompts_dir: Path | None = Field(
        default=None,
        description="Folder of prompt files laid out like the package's (`<task>/<style>.md.j2`): "
        "a file of the same name replaces the package's, another name adds a style.",
    )
    sampling: dict[str, SamplingChange] = Field(
        default={},
        description="Changes of the sampling by task (paraphrase, ask, bridge, mirror, judge) or "
        "by task/style (paraphrase/long). Applied in this order: defaults, the task's, what "
        "the prompt's file sets, the task/style's.",
    )
    context_chars: int = Field(
        default=800,
        ge=0,
        description="Characters of the chunk before and of the one after that a question's "
        "prompt shows as context; 0 shows none.",
    )
    max_passage_chars: int = Field(
        default=12_000,
        ge=100,
        description="A passage with more characters is not put to the model, and is rejected.",
    )
    min_cited_share: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Share of the sentences of a text about two passages that the model must "
        "mark with their source, questions not counted; else it is asked again. The marks are "
        "taken out of the finished text.",
    )
    min_evidence_likeness: float = Field(
        default=90.0,
        ge=0,
        le=100,
        description="How like the passage's own words those must be on which the model rests "
        "a link (best partial match, 100 for a verbatim one).",
    )
    completion: CompletionOptions = CompletionOptions()
    judge: JudgeOptions = JudgeOptions()

    @field_validator("sampling")
    @classmethod
    def _known_tasks(cls, value: dict[str, SamplingChange]) -> dict[str, SamplingChange]:
        for name in value:
            task, _, style = name.partition("/")
            if task not in TASKS or ("/" in name and not re.fullmatch(r"[\w-]+", style)):
                raise ValueError(
                    f"Sampling is set for {', '.join(TASKS)}, or for one of their styles as in "
                    f"paraphrase/long, not for {name!r}."
                )
        return value
