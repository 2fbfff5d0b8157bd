"""Every knob of the report, with its meaning and its default."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ReportOptions(BaseModel):
    """How much the page holds, so that it opens fast whatever the library's size.

    What a limit leaves out is counted, and the page says so where it matters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(
        default="Cross-pollination report", max_length=200, description="Title of the page."
    )
    max_passages: int = Field(
        default=20_000,
        ge=1,
        description="Passages in the page, on the map and in the search. Those of pairs and of "
        "questions come first, the others are sampled book by book.",
    )
    max_pairs: int = Field(default=3_000, ge=0, description="Pairs in the page, best first.")
    max_rows: int = Field(
        default=10_000, ge=0, description="Rows of the dataset in the page, sampled."
    )
    max_questions: int = Field(default=10_000, ge=0, description="Questions in the page, sampled.")
    max_rejected: int = Field(
        default=400,
        ge=0,
        description="Rejected texts of each kind in the page, shared out over the reasons.",
    )
    max_table_rows: int = Field(
        default=500, ge=1, description="Rows of the longest tables (books, sources) at most."
    )
    passage_characters: int = Field(
        default=7_000_000,
        ge=10_000,
        description="Characters of all passages together that do not stand in a shown pair; "
        "longer passages are cut, all at the same length, until they fit.",
    )
    row_characters: int = Field(
        default=3_000_000,
        ge=10_000,
        description="Characters of all dataset rows together; longer ones are cut alike.",
    )
    max_text_characters: int = Field(
        default=6_000, ge=200, description="Characters of any single text in the page."
    )
    projection: Literal["tsne", "pca"] = Field(
        default="tsne",
        description="How vectors become places on the map: `tsne` keeps neighbours together "
        "(van der Maaten and Hinton 2008), `pca` is linear and takes no time.",
    )
    projected_passages: int = Field(
        default=2_000,
        ge=50,
        description="Passages that t-SNE places; the others are put among their nearest ones. "
        "Time grows with it.",
    )
    seed: int = Field(default=0, ge=0, description="Another seed samples and projects otherwise.")
