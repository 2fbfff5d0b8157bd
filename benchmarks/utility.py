"""Does training on our data help? `python -m benchmarks.utility`.

The packaged all-MiniLM-L6-v2 is tuned on a library's accepted questions and paraphrases, each
paired with the passage it came from (multiple negatives ranking: the other passages of the batch
are the wrong ones), then compared with the untuned one on questions that other people asked, which
it has not seen: recall at 1 of the chunk's one vector. What is trained on is our text alone; the
tested questions choose nothing, the number of epochs included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.retrieval import (
    CUTS,
    load_library,
    read_questions,
    recall,
    runs,
    squad,
    supporting_chunks,
)
from xpoll_dagster.books.embedding import packaged_model_path


def training_pairs(artifacts: Path, library: Path, seed: int, most: int) -> pl.DataFrame:
    """`anchor` (a question or paraphrase) and `positive` (its passage), shuffled."""
    chunks = pl.read_parquet(library / "chunks" / "*.parquet").select(
        "chunk_id",
        positive=pl.when(pl.col("passage") == "").then("text").otherwise("passage"),
    )
    parts = []
    for asset, column in (("questions", "question"), ("paraphrased_chunks", "text")):
        found = sorted((artifacts / asset).glob("*.parquet"))
        if not found:
            raise SystemExit(f"{artifacts / asset} holds no table: materialise {asset} first.")
        rows = pl.concat(
            [
                pl.read_parquet(path)
                .filter(pl.col("accepted"))
                .select("chunk_id", anchor=pl.col(column), of=pl.lit(asset))
                for path in found
            ]
        )
        parts.append(rows)
    pairs = pl.concat(parts).join(chunks, on="chunk_id")
    return pairs.sample(min(most, pairs.height), shuffle=True, seed=seed)


def tune(pairs: pl.DataFrame, epochs: int, batch: int, rate: float, seed: int) -> Any:
    """The packaged model after training on the pairs."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.base.sampler import BatchSamplers
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    model = SentenceTransformer(str(packaged_model_path()), device="cpu", local_files_only=True)
    model.max_seq_length = 256
    with tempfile.TemporaryDirectory() as folder:
        SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=folder,
                num_train_epochs=epochs,
                per_device_train_batch_size=batch,
                learning_rate=rate,
                warmup_steps=0.1,
                batch_sampler=BatchSamplers.NO_DUPLICATES,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                seed=seed,
                use_cpu=True,
            ),
            train_dataset=Dataset.from_list(pairs.select("anchor", "positive").to_dicts()),
            loss=MultipleNegativesRankingLoss(model),
        ).train()
    return model


def recalls(model: Any, passages: list[str], asked: list[str], gold: list[set[int]]) -> dict:
    """Recall of the chunks' own vectors."""
    texts = model.encode(passages, normalize_embeddings=True, show_progress_bar=False)
    queries = model.encode(asked, normalize_embeddings=True, show_progress_bar=False)
    ranked = np.argsort(-(queries @ texts.T), axis=1, kind="stable")[:, : max(CUTS)]
    return {f"recall@{cut}": recall(ranked, gold, cut) for cut in CUTS}


def main() -> None:
    """Print the comparison as a table and as JSON."""
    from sentence_transformers import SentenceTransformer

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--library", type=Path, required=True, help="Artifacts with the chunks.")
    parser.add_argument("--written", type=Path, help="Artifacts with questions and paraphrases.")
    parser.add_argument("--rezero", type=Path, required=True, help="Holds questions.jsonl.")
    parser.add_argument("--squad", type=Path, help="SQuAD's JSON: test on it too.")
    parser.add_argument("--book", default="spaceflight--apollo-13-mission-report")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--most", type=int, default=6000, help="Pairs at most.")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    questions = read_questions(arguments.rezero)
    chunks, _ = load_library(arguments.library, arguments.book)
    texts = chunks["text"].to_list()
    passages = [passage or text for passage, text in chunks.select("passage", "text").iter_rows()]
    held = [runs(text) for text in texts]
    tests = {
        "other people's questions on the book": (
            passages,
            [question["question"] for question in questions],
            [supporting_chunks(question, texts, held)["holds"] for question in questions],
        )
    }
    if arguments.squad:
        paragraphs, asked, gold = squad(arguments.squad, 900)
        tests["SQuAD"] = (paragraphs["text"].to_list(), asked, [{place} for place in gold])

    pairs = training_pairs(
        arguments.written or arguments.library, arguments.library, arguments.seed, arguments.most
    )
    known = {" ".join(question["question"].lower().split()) for question in questions}
    seen = pairs.filter(pl.col("anchor").str.to_lowercase().is_in(list(known))).height
    untuned = SentenceTransformer(str(packaged_model_path()), device="cpu", local_files_only=True)
    started = time.perf_counter()
    tuned = tune(pairs, arguments.epochs, arguments.batch, arguments.rate, arguments.seed)
    report: dict = {
        "pairs": dict(pairs["of"].value_counts().sort("of").iter_rows()),
        "tested questions among them": seen,
        "seconds of training": round(time.perf_counter() - started),
    }
    print(f"{'test':40}{'model':10}" + "".join(f"recall@{cut:<5}" for cut in CUTS))
    for name, (texts_of, asked, gold) in tests.items():
        report[name] = {}
        for which, model in (("untuned", untuned), ("tuned", tuned)):
            values = recalls(model, texts_of, asked, gold)
            report[name][which] = values
            cells = "".join(f"{value:<12.3f}" for value in values.values())
            print(f"{name:40}{which:10}{cells}")
        gain = report[name]["tuned"]["recall@1"] - report[name]["untuned"]["recall@1"]
        report[name]["gain in recall@1"] = gain
        print(f"{name:40}{'gain':10}{gain:+.3f}")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
