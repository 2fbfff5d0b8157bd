"""Entropy of outputs under a small language model, loaded when it is first asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.model import SourceError


class LanguageEntropyOptions(BaseModel):
    """Which model measures entropy, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        default="",
        description="Folder or hub name of a causal model, as safetensors; unset, what stands in "
        "for it is measured (compression, rare and distinct words).",
    )
    revision: str | None = Field(default=None, description="Commit on the hub.")
    device: str = Field(default="cpu", description="Where it runs: `cpu`, `cuda`, …")
    batch_size: int = Field(default=8, ge=1, description="Texts measured at once.")
    max_tokens: int = Field(default=512, ge=2, description="Tokens of a text that are measured.")


class LanguageEntropy:
    """Mean entropy of a model's next-token distribution over a text, in bits a token."""

    def __init__(self, options: LanguageEntropyOptions) -> None:
        self.options = options
        self._loaded: tuple[Any, Any] | None = None

    def __call__(self, texts: Sequence[str]) -> list[float]:
        """The entropy of each text, in order; 0 for a text of fewer than two tokens.

        Raises:
            SourceError: The model cannot be loaded.
        """
        import torch

        tokenizer, model = self._loaded or self._load()
        found: list[float] = []
        for start in range(0, len(texts), self.options.batch_size):
            batch = [text or " " for text in texts[start : start + self.options.batch_size]]
            encoded = tokenizer(
                batch,
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=self.options.max_tokens,
            ).to(self.options.device)
            with torch.inference_mode():
                chances = model(**encoded).logits[:, :-1].float().log_softmax(-1)
                bits = -(chances.exp() * chances).sum(-1) / torch.log(torch.tensor(2.0))
            real = encoded["attention_mask"][:, 1:]
            mean = (bits * real).sum(1) / real.sum(1).clamp(min=1)
            found += mean.cpu().tolist()
        return found

    def _load(self) -> tuple[Any, Any]:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        options = self.options
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(
                options.model, revision=options.revision, padding_side="right"
            )
            model: Any = AutoModelForCausalLM.from_pretrained(
                options.model, revision=options.revision, use_safetensors=True
            )
        except (OSError, ValueError) as error:
            raise SourceError(
                f"The language model {options.model} cannot be loaded: {str(error).splitlines()[0]}"
            ) from error
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._loaded = (tokenizer, model.to(options.device).eval())
        return self._loaded
