"""Which model vLLM loads into this process, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

SECRETS = frozenset({"hf_token"})
"""Arguments of vLLM that are secrets: they would be printed and stored with the options."""

ONLY_SPEED = frozenset(
    {
        "async_scheduling",
        "block_size",
        "compilation_config",
        "cpu_offload_gb",
        "disable_custom_all_reduce",
        "disable_log_stats",
        "distributed_executor_backend",
        "download_dir",
        "enable_chunked_prefill",
        "enable_prefix_caching",
        "enforce_eager",
        "kv_cache_memory_bytes",
        "load_format",
        "max_loras",
        "max_num_batched_tokens",
        "max_num_seqs",
        "pipeline_parallel_size",
    }
)
"""Arguments of vLLM that decide how fast and in how much memory it runs, not what it says."""


class VllmOptions(BaseModel):
    """A model that vLLM runs in this process, and how its chats are put to it.

    The default model follows instructions well, is a plain transformer without vision or
    thinking, is downloaded without asking for leave (Apache 2.0), and its 8 GB leave a card
    of 24 GB room for some 80,000 tokens of chats at once. Its own context of 262,144 tokens
    would not fit there, hence `max_model_len`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str = Field(
        default="Qwen/Qwen3-4B-Instruct-2507",
        min_length=1,
        description="The model's name on the Hugging Face hub, or a folder that holds it. "
        "`meta-llama/Llama-3.1-8B-Instruct` works as well, once its licence is accepted there.",
    )
    name: str = Field(
        default="",
        description="What rows say of who wrote them; empty for the model's name or, of a "
        "folder, its last part, with the adapter's.",
    )
    revision: str | None = Field(
        default=None, description="Branch, tag or commit of the model on the hub."
    )
    tensor_parallel_size: int = Field(
        default=1, ge=1, description="GPUs that share the model's weights."
    )
    quantization: str | None = Field(
        default=None,
        description="How the weights are shrunk: fp8, awq, gptq, bitsandbytes, …; None takes "
        "what the model's files say.",
    )
    dtype: str = Field(
        default="auto",
        description="Number format of the weights: auto, bfloat16, float16, float32.",
    )
    max_model_len: int | None = Field(
        default=8192,
        ge=16,
        description="Tokens of prompt and answer together at most; None for all that the model "
        "was made for, which takes much memory.",
    )
    gpu_memory_utilization: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="Share of the GPU's memory that vLLM takes; less where something else "
        "(embeddings, another model) needs room too.",
    )
    lora: str | None = Field(
        default=None, description="LoRA adapter: a folder, or its name on the hub."
    )
    chat_template: Path | None = Field(
        default=None,
        description="File with a Jinja chat template, in place of the model's own.",
    )
    chat_template_kwargs: dict[str, Any] = Field(
        default={"enable_thinking": False},
        description="Variables of the chat template. `enable_thinking: false` keeps models that "
        "can think first (Qwen3 and others) from it; templates without it ignore it.",
    )
    seed: int = Field(
        default=0, ge=0, description="Start of all draws; another one gives other answers."
    )
    trust_remote_code: bool = Field(
        default=False, description="Run Python code that comes with the model. Read it first."
    )
    queued: int = Field(
        default=4096,
        ge=1,
        description="Chats handed to vLLM at once, more than it works on at a time, so that its "
        "batches stay full; the rest wait here.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="What vLLM prints; INFO shows how the loading goes."
    )
    extra: dict[str, Any] = Field(
        default={},
        description="Further arguments of vLLM's LLM class: "
        '{"enforce_eager": true, "max_num_seqs": 64}.',
    )

    @field_validator("extra")
    @classmethod
    def _only_further_arguments(cls, value: dict[str, Any]) -> dict[str, Any]:
        if own := sorted(set(cls.model_fields).intersection(value)):
            raise ValueError(f"extra may not set {', '.join(own)}: each is an option of its own.")
        if secret := sorted(SECRETS.intersection(value)):
            raise ValueError(
                f"extra may not hold {', '.join(secret)}, a secret: set the environment variable "
                "HF_TOKEN, which the hub's client reads."
            )
        return value

    @property
    def row_name(self) -> str:
        """The model's name as it is recorded in rows; never a path of this machine."""
        if self.name:
            return self.name
        name = Path(self.model).resolve().name if Path(self.model).exists() else self.model
        if self.lora is None:
            return name
        adapter = Path(self.lora).resolve().name if Path(self.lora).exists() else self.lora
        return f"{name}+{adapter}"
