"""The order in which everything is built: each phase is a job, run once or once a partition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from xpoll_dagster.defs.partitions import PartitionedBy

Product = Literal["sft", "retrieval", "corpus", "report"]
PRODUCTS: tuple[Product, ...] = get_args(Product)


@dataclass(frozen=True, slots=True)
class Phase:
    """A job, the steps that it runs in order, and what it has a run for each of.

    `products` are those that need it; `description` is the job's, for people.
    """

    job: str
    description: str
    steps: tuple[str, ...]
    partitioned_by: PartitionedBy | None = None
    products: tuple[Product, ...] = ("sft",)


BOOKS = Phase(
    "books_job",
    "One book: file → pages → chunks → embeddings and concepts.",
    ("book_pages", "chunks", "chunk_embeddings", "chunk_concepts"),
    "book",
    ("sft", "retrieval"),
)

PHASES: tuple[Phase, ...] = (
    BOOKS,
    Phase(
        "linking_job",
        "Links between the domains of the library, and the selected pairs.",
        ("concept_links", "lexical_links", "semantic_links", "cross_domain_pairs"),
    ),
    Phase(
        "pair_texts_job",
        "The texts of the pairs whose first passage stands in one book.",
        ("pair_texts",),
        "book",
    ),
    Phase(
        "sft_job",
        "The supervised fine-tuning dataset and its probe prompts.",
        ("sft_dataset", "probe_prompts"),
    ),
    Phase(
        "questions_job",
        "One book: its chunks in other words, and questions about them.",
        ("paraphrased_chunks", "questions"),
        "book",
        ("retrieval",),
    ),
    Phase(
        "retrieval_job",
        "The retrieval-RL dataset: index, questions, bundle, scores, views.",
        (
            "chunks_pkl",
            "questions_json",
            "faiss_index",
            "retrieval",
            "retrieval_scores",
            "grpo_dataset",
        ),
        products=("retrieval",),
    ),
    Phase(
        "sources_job",
        "One dataset of the catalogue, normalised.",
        ("instruct_source",),
        "source",
        ("corpus",),
    ),
    Phase(
        "corpus_job",
        "All sources merged, and what is made of the whole corpus.",
        ("merged_corpus", "preference_pairs", "persona_mirrors"),
        products=("corpus",),
    ),
    Phase(
        "mixes_job",
        "One profile's mix and its curriculum.",
        ("profile_mix", "curriculum"),
        "profile",
        ("corpus",),
    ),
    Phase("report_job", "The page that shows everything built.", ("report",), products=("report",)),
)
