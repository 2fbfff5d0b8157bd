"""What a person may set about reading books, with the default and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ReadingOptions(BaseModel):
    """How files become raw pages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: Literal["auto", "fast", "careful"] = Field(
        default="auto",
        description="PDF pages: `fast` takes the text layer, `careful` asks the layout model "
        "(one to eight pages a second), `auto` asks it only for pages that look like tables. A "
        "book whose own route is not `auto` overrules this.",
    )
    ocr: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="`auto` recognises the pages whose text layer is missing or garbage, "
        "`always` every page, `never` none.",
    )
    ocr_dpi: int = Field(
        default=300, ge=72, le=600, description="Dots per inch at which PDF pages are rendered."
    )
    ocr_workers: int | None = Field(
        default=None, ge=1, description="Pages recognised at once; as many as cores when null."
    )
    ocr_timeout_seconds: float = Field(
        default=60.0, gt=0, description="Time that one recognition of one page may take."
    )
    ocr_retry_below: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="A page recognised with less confidence is tried again turned, cropped, "
        "enlarged or segmented otherwise, and the best result is kept.",
    )
    cache_dir: Path | None = Field(
        default=None,
        description="Folder that keeps recognised pages, so that an interrupted scan goes on "
        "where it stopped; no cache when null.",
    )
    max_render_pixels: int = Field(
        default=25_000_000, gt=0, description="A larger page is rendered at a lower scale."
    )
    max_image_pixels: int = Field(
        default=200_000_000,
        gt=0,
        description="A page that holds a larger image is not decoded but marked unreadable.",
    )
    max_pages: int = Field(default=20_000, gt=0, description="A book with more pages is refused.")
