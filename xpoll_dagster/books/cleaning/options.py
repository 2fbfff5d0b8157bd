"""The switches of cleaning: each may be turned off alone.

No cleaning happens here.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CleaningOptions(BaseModel):
    """What cleaning does to a book; whatever it takes away stays in its page's `removed`."""

    model_config = ConfigDict(frozen=True)

    running_heads: bool = Field(
        default=True,
        description="Remove lines at the head and foot of pages that neighbouring pages repeat.",
    )
    page_numbers: bool = Field(
        default=True,
        description="Remove page numbers, recognised by their running on from page to page.",
    )
    head_similarity: float = Field(
        default=0.9,
        ge=0.5,
        le=1.0,
        description="How alike (0-1) two lines must be to count as the same running head; "
        "0.15 less on pages that were recognised from a picture.",
    )
    head_repeats: int = Field(
        default=3, ge=2, description="On how many of ten neighbours a running head must recur."
    )
    head_words: int = Field(
        default=12, ge=1, description="A line with more words than this is never a running head."
    )
    hyphens: bool = Field(
        default=True,
        description="Undo hyphens at line ends where the book's own words say that they were "
        "put there by the typesetter.",
    )
    characters: bool = Field(
        default=True,
        description="Resolve ligatures, stray accents and compatibility letters, drop control "
        "characters, compose accents (Unicode NFC).",
    )
    join_paragraphs: bool = Field(
        default=True, description="Join paragraphs that run over a page break."
    )
    footnotes: bool = Field(
        default=True,
        description="Take footnotes out of the running text, behind the paragraph they interrupt.",
    )
    note_marks: bool = Field(
        default=True,
        description="Remove a footnote's mark from the end of the word it hangs on.",
    )
    headings: bool = Field(
        default=True, description="Recognise headings by size, weight, numbering and position."
    )
    figure_labels: bool = Field(
        default=True,
        description="Remove the scattered letters and numbers printed inside figures.",
    )
    licence: bool = Field(
        default=True,
        description="Set aside what surrounds a book: a distributor's licence, notes of the "
        "transcriber.",
    )
    contents_pages: bool = Field(
        default=True, description="Mark tables of contents and lists of figures; never chunked."
    )
    index_pages: bool = Field(default=True, description="Mark index pages; never chunked.")
