"""What a person may set about finding concepts, with the default and what it means."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ExtractionOptions(BaseModel):
    """How concepts are found in a book."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    use_statistical_model: bool = Field(
        default=True,
        description="Use the best English spaCy model that is installed (trf, lg, md, sm), if any; "
        "otherwise names come from WordNet and from capital letters.",
    )
    wordnet_folder: Path = Field(
        default=Path("/usr/share/wordnet"),
        description="Folder with WordNet 3.0's data and index files (Debian: wordnet-base). "
        "Where it is absent, names come from capital letters alone and any word may be a term.",
    )
    terms_per_chunk: int = Field(
        default=12, ge=0, description="Key terms kept for a chunk, the most telling first."
    )
    min_term_chunks: int = Field(
        default=2,
        ge=1,
        description="A key term stands in at least so many chunks of its book, unless WordNet "
        "lists it as an expression of several words or the book defines it.",
    )
    max_defined_words: int = Field(
        default=4, ge=1, le=8, description="A defined term has at most so many words."
    )
