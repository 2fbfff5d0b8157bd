"""The knobs of the rules author's own versions: paraphrases and questions."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class RulesOptions(BaseModel):
    """What the rules look words up in, and how careful they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wordnet_folder: Path = Field(
        default=Path("/usr/share/wordnet"),
        description="Folder with WordNet 3.0's data and index files (Debian: wordnet-base). "
        "Where it does not exist no verb is known: far fewer questions are asked, nothing is "
        "reordered and no synonym is used.",
    )
    min_synonym_cosine: float = Field(
        default=0.93,
        ge=0,
        le=1,
        description="Cosine with itself that a sentence must keep when synonyms are put in.",
    )
    max_question_rank: int = Field(
        default=3,
        ge=1,
        description="Rank of its chunk among the batch's when a question is searched by words; "
        "questions that do worse are vague and not asked.",
    )
