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

    `products` are those that need it.
    """

    job: str
    steps: tuple[str, ...]
    partitioned_by: PartitionedBy | None = None
    products: tuple[Product, ...] = ("sft",)


BOOKS = Phase(
    "books_job",
    ("book_pages", "chunks", "chunk_embeddings", "chunk_concepts"),
    "book",
    ("sft", "retrieval"),
)

PHASES: tuple[Phase, ...] = (
    BOOKS,
    Phase(
        "linking_job", ("concept_links", "lexical_links", "semantic_links", "cross_domain_pairs")
    ),
    Phase("pair_texts_job", ("pair_texts",), "book"),
    Phase("sft_job", ("sft_dataset", "probe_prompts")),
    Phase("questions_job", ("paraphrased_chunks", "questions"), "book", ("retrieval",)),
    Phase(
        "retrieval_job",
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
    Phase("sources_job", ("instruct_source",), "source", ("corpus",)),
    Phase(
        "corpus_job", ("merged_corpus", "preference_pairs", "persona_mirrors"), None, ("corpus",)
    ),
    Phase("mixes_job", ("profile_mix", "curriculum"), "profile", ("corpus",)),
    Phase("report_job", ("report",), None, ("report",)),
)
