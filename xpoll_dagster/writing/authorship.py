"""Who writes, as far as it decides what is written: what makes texts stale, and what does not.

Where a server stands, its key, how many requests run at once and what it charges change no
text; the model, its revision, the sampling and the wording of the prompts do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from xpoll_dagster.storage import hash_tree
from xpoll_dagster.writing.engines.options import OpenAIOptions
from xpoll_dagster.writing.engines.vllm_options import ONLY_SPEED, VllmOptions
from xpoll_dagster.writing.llm.options import LLMOptions

PROMPTS_FOLDER = Path(__file__).parent / "prompts"

_VLLM_ONLY_SPEED = {"tensor_parallel_size", "gpu_memory_utilization", "queued", "log_level"}


class Authorship(BaseModel):
    """What decides a text of a language model; compared as a whole, never shown."""

    model_config = ConfigDict(frozen=True)

    author: str
    model: Mapping[str, Any]
    llm: Mapping[str, Any]
    prompts: Sequence[str]
    judge: Mapping[str, Any]


def authorship(
    author: str,
    llm: LLMOptions,
    vllm: VllmOptions,
    openai: OpenAIOptions,
    judge: str,
    judge_openai: OpenAIOptions,
) -> Sequence[BaseModel]:
    """The settings that decide what the author writes; nothing for the rules author."""
    if author == "rules":
        return ()
    asked = llm.model_dump(mode="json", exclude={"prompts_dir": True, "completion": True})
    completion = llm.completion.model_dump(mode="json", exclude={"progress_seconds", "prices"})
    folders = [PROMPTS_FOLDER, *([llm.prompts_dir] if llm.prompts_dir else [])]
    return (
        Authorship(
            author=author,
            model=_vllm_model(vllm) if author == "vllm" else _server_model(openai),
            llm=asked | {"completion": completion},
            prompts=[hash_tree(folder) for folder in folders],
            judge={"judge": judge} | (_server_model(judge_openai) if judge == "openai" else {}),
        ),
    )


def _server_model(options: OpenAIOptions) -> dict[str, Any]:
    return options.model_dump(mode="json", include={"model", "revision", "extra_body"})


def _vllm_model(options: VllmOptions) -> dict[str, Any]:
    fields = options.model_dump(mode="json", exclude=_VLLM_ONLY_SPEED)
    fields["extra"] = {k: v for k, v in options.extra.items() if k not in ONLY_SPEED}
    return fields
