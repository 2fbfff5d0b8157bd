"""Which model turns text into vectors, and how precisely."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PACKAGED = "packaged"


class EmbedderOptions(BaseModel):
    """How text becomes vectors, and which tokens count towards a chunk's size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        default=PACKAGED,
        min_length=1,
        description="`packaged` for the all-MiniLM-L6-v2 that is installed with this package, else "
        "the name or the path of any sentence-transformers model (a name may need the network).",
    )
    precision: Literal["auto", "float32", "bfloat16", "int8"] = Field(
        default="auto",
        description="`auto` takes what the hardware multiplies fastest. The packaged model on a "
        "CPU: int8 with VNNI or AMX, else float32. Other models, and GPUs: bfloat16 with AMX or "
        "from Ampere on, else float32 (AVX512-BF16 alone is slower than float32). int8 is for the "
        "packaged model on a CPU only.",
    )
    batch_size: int = Field(
        default=32, ge=1, description="Texts encoded at once by sentence-transformers."
    )
    device: str = Field(
        default="auto", description="`auto` takes a GPU where there is one, else the CPU."
    )
