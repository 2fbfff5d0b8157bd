"""A reward model as a sequence classifier of transformers, loaded when it is first asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.model import SourceError


class RewardModelOptions(BaseModel):
    """Which model scores answers, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        default="",
        description="Folder or name on the hub of a sequence classifier with one output, as "
        "safetensors; unset, answers to one prompt are not ranked.",
    )
    revision: str | None = Field(default=None, description="Commit on the hub.")
    device: str = Field(default="cpu", description="Where it runs: `cpu`, `cuda`, `cuda:1`, …")
    batch_size: int = Field(default=8, ge=1, description="Answers scored at once.")
    max_tokens: int = Field(default=2048, ge=8, description="Longer ones are cut at the left.")


class RewardModel:
    """Scores (prompt, answer) pairs; a `Reward` of `preference_candidates`."""

    def __init__(self, options: RewardModelOptions) -> None:
        self.options = options
        self._loaded: tuple[Any, Any] | None = None

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """One score for each pair, in the order given.

        Raises:
            SourceError: The model cannot be loaded, or has more than one output.
        """
        import torch

        tokenizer, model = self._loaded or self._load()
        texts = [_as_text(tokenizer, prompt, answer) for prompt, answer in pairs]
        # Of like length together, so that little is padding.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        scores = [0.0] * len(texts)
        for start in range(0, len(order), self.options.batch_size):
            batch = order[start : start + self.options.batch_size]
            encoded = tokenizer(
                [texts[number] for number in batch],
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=self.options.max_tokens,
                add_special_tokens=not tokenizer.chat_template,
            ).to(self.options.device)
            with torch.inference_mode():
                found = model(**encoded).logits[:, 0].float().cpu().tolist()
            for number, score in zip(batch, found, strict=True):
                scores[number] = score
        return scores

    def _load(self) -> tuple[Any, Any]:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        options = self.options
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(
                options.model, revision=options.revision, truncation_side="left"
            )
            model: Any = AutoModelForSequenceClassification.from_pretrained(
                options.model, revision=options.revision, use_safetensors=True
            )
        except (OSError, ValueError) as error:
            raise SourceError(
                f"The reward model {options.model} cannot be loaded: {str(error).splitlines()[0]}"
            ) from error
        if model.config.num_labels != 1:
            raise SourceError(
                f"{options.model} has {model.config.num_labels} outputs: a reward model has one."
            )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        model.config.pad_token_id = tokenizer.pad_token_id
        self._loaded = (tokenizer, model.to(options.device).eval())
        return self._loaded


def _as_text(tokenizer: Any, prompt: str, answer: str) -> str:
    if not tokenizer.chat_template:
        return f"{prompt}\n\n{answer}"
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return tokenizer.apply_chat_template(turns, tokenize=False)
