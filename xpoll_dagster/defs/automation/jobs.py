"""Jobs, one per kind of partitioning: the books, then what is made of the whole library."""

import dagster as dg

books_job = dg.define_asset_job(
    "books_job",
    selection=dg.AssetSelection.groups("books"),
    description="One book: file → pages → chunks → embeddings and concepts.",
    executor_def=dg.in_process_executor,
)

linking_job = dg.define_asset_job(
    "linking_job",
    selection=dg.AssetSelection.groups("linking"),
    description="Links between the domains of the library, and the selected pairs.",
    executor_def=dg.in_process_executor,
)

pair_texts_job = dg.define_asset_job(
    "pair_texts_job",
    selection=dg.AssetSelection.assets("pair_texts"),
    description="The texts of the pairs whose first passage stands in one book.",
    executor_def=dg.in_process_executor,
)

sft_job = dg.define_asset_job(
    "sft_job",
    selection=dg.AssetSelection.assets("sft_dataset", "probe_prompts"),
    description="The supervised fine-tuning dataset and its probe prompts.",
    executor_def=dg.in_process_executor,
)

questions_job = dg.define_asset_job(
    "questions_job",
    selection=dg.AssetSelection.assets("paraphrased_chunks", "questions"),
    description="One book: its chunks in other words, and questions about them.",
    executor_def=dg.in_process_executor,
)

retrieval_job = dg.define_asset_job(
    "retrieval_job",
    selection=dg.AssetSelection.groups("retrieval")
    - dg.AssetSelection.assets("paraphrased_chunks", "questions"),
    description="The retrieval-RL dataset: index, questions, bundle, scores, views.",
    executor_def=dg.in_process_executor,
)

ALL_JOBS = [books_job, linking_job, pair_texts_job, sft_job, questions_job, retrieval_job]
