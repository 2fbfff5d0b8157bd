"""Every knob of retrieval, with its meaning and its default. Nothing reads the environment."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class IndexOptions(BaseModel):
    """How vectors are indexed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["auto", "flat", "ivf", "hnsw"] = Field(
        default="auto",
        description="`auto` takes exact inner products below `flat_limit` vectors and inverted "
        "lists from there on.",
    )
    flat_limit: int = Field(
        default=200_000, ge=1, description="Vectors from which on `auto` trains an index."
    )
    probed_share: float = Field(
        default=1 / 16, gt=0, le=1, description="Share of the inverted lists that are searched."
    )
    neighbours: int = Field(default=32, ge=2, description="Links of a node (hnsw).")
    training_rows: int = Field(
        default=200_000, ge=1, description="Vectors, drawn by chance, on which lists are trained."
    )
    recall_queries: int = Field(
        default=256,
        ge=1,
        description="Vectors of the index, drawn by chance and blurred, on which a trained index "
        "is compared with exact search.",
    )
    windows: bool = Field(
        default=True,
        description="Whether windows of two sentences are indexed beside the chunks. A question "
        "is about a sentence or two; their vectors find what the chunk's one vector has blurred.",
    )
    window_words: int = Field(
        default=30, ge=5, description="Longer sentences (rows of tables) are cut after so many."
    )
    gpu: bool = Field(
        default=True, description="Whether to train and fill on a GPU where FAISS has one."
    )
    seed: int = Field(default=0, description="Of the rows drawn for training and for recall.")


class FusionWeights(BaseModel):
    """What fused search adds up, each unscaled; only the proportions matter.

    The defaults were fitted (a conditional logit, `fit_weights`), half on what people ask: 2,910
    questions of SQuAD 2.0, asked of its 646 paragraphs, of the same paragraphs joined by chance
    to passages of one to five, and of those of one article alone; and half on the 217 questions
    that rules asked of a technical report, in its own words. `fit_weights` fits them on a
    bundle's own questions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: float = Field(default=1.15, ge=0, description="BM25 of two stemmed words in a row.")
    printed: float = Field(default=0.55, ge=0, description="BM25 of words with their endings.")
    together: float = Field(
        default=1.0,
        ge=0,
        description="The best window of two sentences: the weight (inverse document frequency) of "
        "the query's words that it holds, and its cosine.",
    )
    chunk: float = Field(default=3.6, ge=0, description="Cosine of the chunk's one vector.")
    cosine_in_together: float = Field(
        default=20.0, ge=0, description="Weight of the cosine beside the words in `together`."
    )


class SearchOptions(BaseModel):
    """How search weighs words and vectors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    saturation: float = Field(
        default=0.9, gt=0, description="BM25's k1: how soon repeating a word stops to count."
    )
    length_weight: float = Field(
        default=0.4, ge=0, le=1, description="BM25's b: how much long passages are held back."
    )
    pair_weight: float = Field(
        default=0.4,
        ge=0,
        description="Weight of two words in a row beside that of single ones, in mode `bm25`.",
    )
    fusion: FusionWeights = Field(
        default=FusionWeights(), description="What is added up in mode `fused`."
    )
    rank_constant: int = Field(
        default=60, ge=1, description="Of reciprocal rank fusion (mode `rrf`, for comparison)."
    )
    candidates: int = Field(
        default=200, ge=1, description="Neighbours asked of a trained index for each query."
    )
    batch: int = Field(default=64, ge=1, description="Queries scored at once.")


class DifficultyOptions(BaseModel):
    """How hard a question is to retrieve for, and which chunks answer it as well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    easy: int = Field(default=1, ge=1, description="Worst rank of an easy question's chunk.")
    medium: int = Field(default=5, ge=1, description="Worst rank of a medium one's.")
    hard: int = Field(
        default=50, ge=1, description="Worst rank of a hard one's; beyond, it is set aside."
    )
    coverage: float = Field(
        default=0.6,
        gt=0,
        le=1,
        description="Share of the question's words, by weight, that another chunk must hold in "
        "the sentences around the same answer for it to answer the question as well.",
    )
    relative_coverage: float = Field(
        default=0.9, gt=0, le=1, description="The same, measured against the question's own chunk."
    )
    max_alternates: int = Field(
        default=10,
        ge=0,
        description="A question that more other chunks answer asks for no chunk in particular "
        "and is set aside.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> DifficultyOptions:
        if not self.easy <= self.medium <= self.hard:
            raise ValueError("the ranks of easy, medium and hard questions must not fall")
        return self


class SplitOptions(BaseModel):
    """How chapters are shared out over train, validation and test."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    validation: float = Field(default=0.1, ge=0, lt=0.5, description="Share of the questions.")
    test: float = Field(default=0.1, ge=0, lt=0.5, description="Share of the questions.")
    largest_chapter: float = Field(
        default=0.25,
        gt=0,
        le=1,
        description="A chapter that holds more of its book's chunks is divided at its headings, "
        "and where there are none into runs of chunks.",
    )
    run: int = Field(default=40, ge=2, description="Chunks of such a run.")
    seed: int = Field(default=0, description="Another seed splits otherwise.")


class RetrievalOptions(BaseModel):
    """How the bundle and its dataset are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: IndexOptions = Field(default=IndexOptions(), description="Vectors to an index.")
    search: SearchOptions = Field(default=SearchOptions(), description="Queries to results.")
    difficulty: DifficultyOptions = Field(
        default=DifficultyOptions(), description="Questions to their difficulty and alternates."
    )
    splits: SplitOptions = Field(default=SplitOptions(), description="Chapters to splits.")
    max_template_share: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description="Share of the kept questions that one template of the rules may ask; a "
        "chunk's only question is set aside last.",
    )
    results: int = Field(
        default=5, ge=1, le=50, description="Passages that the model's search tool returns."
    )
    max_searches: int = Field(
        default=8, ge=1, description="Searches that an episode may make before it must answer."
    )
