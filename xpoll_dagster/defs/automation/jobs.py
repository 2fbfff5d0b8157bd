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

sources_job = dg.define_asset_job(
    "sources_job",
    selection=dg.AssetSelection.assets("instruct_source"),
    description="One dataset of the catalogue, normalised.",
    executor_def=dg.in_process_executor,
)

corpus_job = dg.define_asset_job(
    "corpus_job",
    selection=dg.AssetSelection.assets("merged_corpus", "preference_pairs", "persona_mirrors"),
    description="All sources merged, and what is made of the whole corpus.",
    executor_def=dg.in_process_executor,
)

mixes_job = dg.define_asset_job(
    "mixes_job",
    selection=dg.AssetSelection.assets("profile_mix", "curriculum"),
    description="One profile's mix and its curriculum.",
    executor_def=dg.in_process_executor,
)

report_job = dg.define_asset_job(
    "report_job",
    selection=dg.AssetSelection.assets("report"),
    description="The page that shows everything built.",
    executor_def=dg.in_process_executor,
)

ALL_JOBS = [
    books_job,
    linking_job,
    pair_texts_job,
    sft_job,
    questions_job,
    retrieval_job,
    sources_job,
    corpus_job,
    mixes_job,
    report_job,
]
