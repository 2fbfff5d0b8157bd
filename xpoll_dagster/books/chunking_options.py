"""What a person may set about chunking."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ChunkingOptions(BaseModel):
    """Sizes of chunks, in tokens of the embedder's own tokenizer, special tokens included."""

    model_config = ConfigDict(frozen=True)

    target_tokens: int = Field(default=200, ge=8, description="The size that chunks aim at.")
    min_tokens: int = Field(
        default=60,
        ge=1,
        description="A smaller piece is joined with a neighbour of the same or the parent section.",
    )
    max_tokens: int = Field(
        default=256,
        ge=16,
        description="The embedder's window; only a single sentence, table or code block may "
        "be larger.",
    )
    context_sentences: int = Field(
        default=2, ge=0, description="How many sentences before a chunk are kept as its context."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_tokens < self.target_tokens <= self.max_tokens:
            raise ValueError("Chunk sizes must satisfy min < target <= max.")
        return self
