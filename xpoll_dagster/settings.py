"""Every knob and path, typed, from `XPOLL_*` environment variables.

Nothing else in the package reads the environment. Each capability package declares its own
options (`books.options`, `linking.options`, …) with documented defaults; this module only
puts them together. A nested option is set with a double underscore:
`XPOLL_CHUNKING__TARGET_TOKENS=150`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from xpoll_dagster.books.chunking_options import ChunkingOptions
from xpoll_dagster.books.cleaning.options import CleaningOptions
from xpoll_dagster.books.concepts.options import ExtractionOptions
from xpoll_dagster.books.embedding_options import EmbedderOptions
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.sandbox import Limits
from xpoll_dagster.corpus.options import CorpusOptions
from xpoll_dagster.linking.options import LinkingOptions
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.retrieval.options import RetrievalOptions
from xpoll_dagster.sft.options import SftOptions
from xpoll_dagster.sft.probing_options import ProbingOptions
from xpoll_dagster.writing.authorship import authorship
from xpoll_dagster.writing.completion.options import CacheOptions
from xpoll_dagster.writing.engines.options import OpenAIOptions
from xpoll_dagster.writing.engines.vllm_options import VllmOptions
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.options import WritingOptions
from xpoll_dagster.writing.rules.options import RulesOptions

_CHECKOUT = Path(__file__).resolve().parent.parent


def _default_data_dir() -> Path:
    checkout = _CHECKOUT / "data"
    return checkout if (_CHECKOUT / "pyproject.toml").exists() else Path.cwd() / "data"


class AutomationOptions(BaseModel):
    """What runs by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        default=False,
        description="Whether the sensor and the schedules run from the start; otherwise each is "
        "switched on in the UI, with one click.",
    )
    interval_seconds: int = Field(
        default=30, ge=1, description="Time between two looks at the books' folder."
    )
    settle_seconds: float = Field(
        default=10,
        ge=0,
        description="A book whose files changed more recently counts as still being copied.",
    )
    patience_seconds: float = Field(
        default=1800,
        ge=0,
        description="How long the library waits for a book that goes on changing; after that it "
        "is built from the others, and this one follows when it is still.",
    )
    gpu: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether steps of the GPU pool are started by themselves: `auto` starts them "
        "where they use no GPU and call no model that costs money or time.",
    )

    # The corpus costs a pass over millions of rows.
    corpus: Literal["weekly", "always"] = Field(
        default="weekly",
        description="When sources, corpus and mixes follow a change: at the weekly schedule, or "
        "at once like everything else.",
    )


class Settings(BaseSettings):
    """The whole configuration; immutable, one per process."""

    model_config = SettingsConfigDict(
        env_prefix="XPOLL_", env_nested_delimiter="__", frozen=True, extra="ignore"
    )

    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Holds books/ (inputs), artifacts/ (everything built) and .dagster/: a folder, "
        "or the address of an object store that several machines share (s3://bucket/prefix).",
    )
    work_dir: Path | None = Field(
        default=None,
        description="With an address: the folder of this machine where its part of the data is "
        "worked on, empty at first; default: one below ~/.cache/xpoll.",
    )
    # The address, where data_dir was given as one: data_dir is then the working folder.
    data_address: str = Field(default="", exclude=True)
    reading: ReadingOptions = Field(default=ReadingOptions(), description="Files to raw pages.")
    limits: Limits = Field(default=Limits(), description="What reading one book may use.")
    cleaning: CleaningOptions = Field(
        default=CleaningOptions(), description="Raw pages to clean text."
    )
    chunking: ChunkingOptions = Field(default=ChunkingOptions(), description="Text to chunks.")
    embedder: EmbedderOptions = Field(default=EmbedderOptions(), description="Chunks to vectors.")
    concepts: ExtractionOptions = Field(
        default=ExtractionOptions(), description="Chunks to names and terms."
    )
    linking: LinkingOptions = Field(default=LinkingOptions(), description="Chunks to pairs.")
    author: Literal["rules", "vllm", "openai"] = Field(
        default="rules",
        description="Who writes: rules, a model in this process (vLLM), or a model on any server "
        "that speaks OpenAI's API.",
    )
    writing: WritingOptions = Field(default=WritingOptions(), description="Pairs to text.")
    rules: RulesOptions = Field(default=RulesOptions(), description="How the rules author writes.")
    llm: LLMOptions = Field(
        default=LLMOptions(), description="How a language model is asked to write."
    )
    vllm: VllmOptions = Field(default=VllmOptions(), description="The model in this process.")
    openai: OpenAIOptions = Field(
        default=OpenAIOptions(), description="The server that speaks OpenAI's API."
    )
    openai_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("XPOLL_OPENAI_API_KEY", "OPENAI_API_KEY"),
        description="Key of that server, where it wants one.",
    )
    judge: Literal["none", "author", "openai"] = Field(
        default="none",
        description="Who marks what a model wrote: nobody, the author's own model, or the model "
        "on the server of `judge_openai`.",
    )
    judge_openai: OpenAIOptions = Field(
        default=OpenAIOptions(), description="The judge's server, where it is not the author's."
    )
    judge_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("XPOLL_JUDGE_API_KEY"),
        description="Key of the judge's server; the author's where it is empty.",
    )
    cache: CacheOptions = Field(
        default=CacheOptions(), description="The file that keeps every completion."
    )
    sft: SftOptions = Field(default=SftOptions(), description="Texts to the dataset.")
    compute: Literal["local", "ray"] = Field(
        default="local",
        description="Where heavy batches run: in this process, or on a Ray cluster.",
    )
    ray: ComputeOptions = Field(
        default=ComputeOptions(), description="Which cluster, and how much of it."
    )
    automation: AutomationOptions = Field(
        default=AutomationOptions(), description="What runs by itself."
    )
    retrieval: RetrievalOptions = Field(
        default=RetrievalOptions(), description="Questions and paraphrases to the bundle."
    )
    corpus: CorpusOptions = Field(
        default=CorpusOptions(), description="Instruction datasets to the training corpus."
    )
    report: ReportOptions = Field(
        default=ReportOptions(), description="The page that shows everything built."
    )
    probing: ProbingOptions = Field(
        default=ProbingOptions(), description="How a tuned model is evaluated."
    )
    hub_repository: str = Field(
        default="", description="Where hub_upload pushes the dataset: owner/name."
    )
    hub_token: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="HF_TOKEN",
        description="Hugging Face token, used by hub_upload alone.",
    )
    postgres_url: SecretStr = Field(
        default=SecretStr(""),
        description="Postgres for Dagster's runs and events, instead of SQLite in its home: "
        "postgresql://user:password@host:5432/database. Without effect on a DAGSTER_HOME of "
        "your own.",
    )
    dagster_home_override: Path | None = Field(
        default=None,
        validation_alias="DAGSTER_HOME",
        description="Dagster's own home; default: .dagster below data_dir.",
    )

    @model_validator(mode="before")
    @classmethod
    def _takes_an_address(cls, given: Any) -> Any:
        address = str(given.get("data_dir", "")) if isinstance(given, dict) else ""
        if "://" not in address:
            return given
        if address.startswith("file://"):
            return {**given, "data_dir": address.removeprefix("file://")}
        work = given.get("work_dir")
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "xpoll"
        name = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:16]
        return {**given, "data_address": address, "data_dir": work or cache / name}

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        # Steps may run in processes with another working directory.
        return value.expanduser().absolute()

    @property
    def books_dir(self) -> Path:
        """Inputs, laid out `<domain>/<book>`."""
        return self.data_dir / "books"

    @property
    def corpus_dir(self) -> Path:
        """The catalogue of instruction datasets, profiles and personas.

        `corpus/` below the data folder; where there is none, the one that xpoll ships.
        """
        own = self.data_dir / "corpus"
        return own if own.is_dir() else _CHECKOUT / "data" / "corpus"

    @property
    def artifacts_dir(self) -> Path:
        """Everything built; safe to delete, at the price of building it again."""
        return self.data_dir / "artifacts"

    @property
    def reading_with_cache(self) -> ReadingOptions:
        """Reading options as used: recognised pages are kept below the artifacts."""
        if self.reading.cache_dir is not None:
            return self.reading
        return self.reading.model_copy(update={"cache_dir": self.artifacts_dir / ".cache" / "ocr"})

    @property
    def reading_without_cache(self) -> ReadingOptions:
        """Reading options that decide the result: where pages are kept does not."""
        return self.reading.model_copy(update={"cache_dir": None, "ocr_workers": None})

    @property
    def writing_with_notes(self) -> WritingOptions:
        """Writing options as used: the user's own notes lie below the data folder."""
        if self.writing.epistemology_dir is not None:
            return self.writing
        return self.writing.model_copy(update={"epistemology_dir": self.data_dir / "epistemology"})

    @property
    def llm_with_prompts(self) -> LLMOptions:
        """Options as used: the user's own prompts lie below the data folder."""
        folder = self.data_dir / "prompts"
        if self.llm.prompts_dir is not None or not folder.is_dir():
            return self.llm
        return self.llm.model_copy(update={"prompts_dir": folder})

    @property
    def rules_with_wordnet(self) -> RulesOptions:
        """Options as used: words are looked up where names and terms are."""
        folder = self.concepts.wordnet_folder
        return self.rules.model_copy(update={"wordnet_folder": folder})

    @property
    def compute_options(self) -> ComputeOptions:
        """Where heavy batches run, with all that belongs to it."""
        return self.ray.model_copy(update={"kind": self.compute})

    @property
    def completions_file(self) -> Path:
        """Where every completion is kept."""
        return self.artifacts_dir / ".cache" / "completions.sqlite"

    @property
    def authorship(self) -> Sequence[BaseModel]:
        """Of the settings of authors, those that decide what is written."""
        return authorship(
            self.author,
            self.llm_with_prompts,
            self.vllm,
            self.openai,
            self.judge,
            self.judge_openai,
        ) or (self.rules_with_wordnet,)

    @property
    def sft_with_writing(self) -> SftOptions:
        """Dataset options as used: standalone texts are written as the pairs' texts are."""
        return self.sft.model_copy(update={"writing": self.writing_with_notes})

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps runs, events and partitions."""
        return self.dagster_home_override or self.data_dir.resolve() / ".dagster"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read from the environment once."""
    return Settings()
