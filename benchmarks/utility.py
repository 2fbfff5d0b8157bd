"""Does training on our data help? `python -m benchmarks.utility`.

The packaged all-MiniLM-L6-v2 is tuned on a library's accepted questions and paraphrases, each
sentence of a paraphrase by itself, to find the passage that it came from among all of the library's
(those outside the batch by the vectors that they had when they were last in one: Wang et al.,
"Cross-batch memory for embedding learning", CVPR 2020), then compared with the untuned one on
questions that other people asked, which it has not seen: recall at 1 of the chunk's one vector.

How much of the tuned weights is mixed into the untuned ones (Wortsman et al., CVPR 2022) is chosen
on questions of ours that were held back from training; the tested questions choose nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.retrieval import (
    CUTS,
    load_library,
    read_questions,
    runs,
    squad,
    supporting_chunks,
)
from xpoll_dagster.books.embedding import packaged_model_path
from xpoll_dagster.books.sentences import split_sentences
from xpoll_dagster.retrieval.windows import split_windows

_HELD_BACK = 0.3  # of the questions, to choose how much of the tuned weights is taken
_MIXED = (0.25, 0.5, 0.75, 1.0)
_FEWEST_WORDS = 6
_STATEMENT = re.compile(r"“(.+)”\?$")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A passage and what is said of it elsewhere: questions, sentences of paraphrases."""

    passage: str
    anchors: tuple[str, ...]


@dataclass(frozen=True)
class TrainingData:
    """Lessons, and questions held back: each with the place of its lesson's passage."""

    lessons: list[Lesson]
    held_back: list[tuple[str, int]]
    counts: dict[str, int]


def training_data(
    artifacts: Path,
    library: Path,
    first: str,
    most: int,
    seed: int,
    *,
    windows: bool,
    tested: Set[str] = frozenset(),
) -> TrainingData:
    """Read what was written about at most `most` chunks, those of the book `first` before others.

    With `windows` every two sentences of a passage are said of it, too. Texts that are `tested`
    (in lower case) are neither trained on nor held back.
    """
    chunks = (
        pl.read_parquet(library / "chunks" / "*.parquet")
        .select(
            "chunk_id",
            "book",
            "ordinal",
            passage=pl.when(pl.col("passage") == "").then("text").otherwise("passage"),
        )
        .sort(pl.col("book") != first, "book", "ordinal")
    )
    said = {
        asset: _accepted(artifacts / asset, column)
        for asset, column in (("questions", "question"), ("paraphrased_chunks", "text"))
    }
    rng = np.random.default_rng(seed)
    lessons: list[Lesson] = []
    held_back: list[tuple[str, int]] = []
    counts = {"questions": 0, "sentences of paraphrases": 0, "windows": 0, "left out as tested": 0}

    def untested(texts: Sequence[str]) -> list[str]:
        left = [text for text in texts if _joined(text.lower()) not in tested]
        counts["left out as tested"] += len(texts) - len(left)
        return left

    for chunk_id, passage in chunks.select("chunk_id", "passage").head(most).iter_rows():
        questions = untested([_plain(text) for text in said["questions"].get(chunk_id, ())])
        kept = [question for question in questions if rng.random() >= _HELD_BACK]
        held_back += [(question, len(lessons)) for question in questions if question not in kept]
        sentences = [
            sentence
            for text in said["paraphrased_chunks"].get(chunk_id, ())
            for sentence in split_sentences(text)
        ]
        own = split_windows(passage, 30) if windows else []
        anchors = {
            "questions": kept,
            "sentences of paraphrases": untested([_joined(s) for s in sentences if _is_long(s)]),
            "windows": untested([one for one in own if _is_long(one)]),
        }
        for name, texts in anchors.items():
            counts[name] += len(texts)
        lessons.append(Lesson(passage, tuple(text for texts in anchors.values() for text in texts)))
    return TrainingData(lessons, held_back, counts)


def _accepted(folder: Path, column: str) -> dict[str, list[str]]:
    found = sorted(folder.glob("*.parquet"))
    if not found:
        raise SystemExit(f"{folder} holds no table: materialise {folder.name} first.")
    rows = pl.concat(
        [
            pl.read_parquet(path).filter(pl.col("accepted")).select("chunk_id", text=column)
            for path in found
        ]
    )
    return {
        str(chunk_id): part["text"].to_list()
        for (chunk_id,), part in rows.group_by("chunk_id", maintain_order=True)
    }


def _plain(question: str) -> str:
    """A question; of one that asks for a missing word the statement alone, without its gap."""
    match = _STATEMENT.search(question)
    return _joined(match[1].replace("____", " ")) if match and "____" in question else question


def _joined(text: str) -> str:
    return " ".join(text.split())


def _is_long(text: str) -> bool:
    return len(text.split()) >= _FEWEST_WORDS


@dataclass(frozen=True, slots=True)
class Training:
    """How the model is tuned.

    A batch holds `passages` chunks and up to `anchors` texts about each, for a passage costs
    ten times what a question costs. The lower `frozen` of six layers and the words' vectors stay.
    """

    epochs: int = 4
    passages: int = 24
    anchors: int = 5
    rate: float = 5e-5
    frozen: int = 3
    passage_tokens: int = 200
    anchor_tokens: int = 64
    scale: float = 20.0
    warm_up: float = 0.1
    seed: int = 0


def tune(data: TrainingData, training: Training) -> Any:
    """The packaged model after training on the lessons."""
    import torch

    torch.manual_seed(training.seed)
    rng = np.random.default_rng(training.seed)
    model = untuned()
    model.eval()  # without dropout: a few dozen steps need no more noise
    bert = model[0].auto_model
    for part in (bert.embeddings, *bert.encoder.layer[: training.frozen]):
        part.requires_grad_(requires_grad=False)
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=training.rate, weight_decay=0.01)
    used = [place for place, lesson in enumerate(data.lessons) if lesson.anchors]
    steps = training.epochs * (len(used) // training.passages)

    def rate(step: int) -> float:
        rising = (step + 1) / max(1.0, training.warm_up * steps)
        return min(1.0, rising) * max(0.05, 1 - step / max(1, steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    with torch.no_grad():
        memory = torch.cat(
            [
                _embed(
                    model,
                    [lesson.passage for lesson in data.lessons[start : start + training.passages]],
                    training.passage_tokens,
                )
                for start in range(0, len(data.lessons), training.passages)
            ]
        )
    for _ in range(training.epochs):
        order = rng.permutation(used)
        for start in range(0, len(order) - training.passages + 1, training.passages):
            lessons = [data.lessons[place] for place in order[start : start + training.passages]]
            chosen = [
                (lesson.anchors[at], number)
                for number, lesson in enumerate(lessons)
                for at in rng.permutation(len(lesson.anchors))[: training.anchors]
            ]
            passages = _embed(
                model, [lesson.passage for lesson in lessons], training.passage_tokens
            )
            anchors = _embed(model, [text for text, _ in chosen], training.anchor_tokens)
            batch = torch.tensor(order[start : start + training.passages])
            everything = memory.index_put((batch,), passages)
            loss = torch.nn.functional.cross_entropy(
                anchors @ everything.T * training.scale,
                batch[[number for _, number in chosen]],
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimiser.step()
            schedule.step()
            memory[batch] = passages.detach()
    return model


def untuned() -> Any:
    """The packaged model."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(packaged_model_path()), device="cpu", local_files_only=True)


def _embed(model: Any, texts: Sequence[str], tokens: int) -> Any:
    from torch.nn.functional import normalize

    whole = model.max_seq_length
    model.max_seq_length = tokens
    try:
        features = model.preprocess(list(texts))
    finally:
        model.max_seq_length = whole
    return normalize(model(features)["sentence_embedding"], dim=-1)


def mix(plain: Any, tuned: Any, share: float) -> Any:
    """A model whose weights lie between the untuned and the tuned ones; 1 for the tuned."""
    mixed = untuned()
    one, other = plain.state_dict(), tuned.state_dict()
    mixed.load_state_dict(
        {
            name: weight + share * (other[name] - weight) if weight.is_floating_point() else weight
            for name, weight in one.items()
        }
    )
    return mixed


def ranks(model: Any, passages: list[str], asked: list[str], gold: list[set[int]]) -> np.ndarray:
    """Rank of each question's first right passage by the passages' own vectors, from 1."""
    texts = model.encode(passages, normalize_embeddings=True, show_progress_bar=False)
    queries = model.encode(asked, normalize_embeddings=True, show_progress_bar=False)
    scores = queries @ texts.T
    best = np.array([row[list(own)].max() for row, own in zip(scores, gold, strict=True)])
    return 1 + (scores > best[:, None]).sum(axis=1)


def choose_share(plain: Any, tuned: Any, data: TrainingData) -> tuple[float, dict[float, float]]:
    """The share of tuned weights with the best mean reciprocal rank of held-back questions."""
    passages = [lesson.passage for lesson in data.lessons]
    asked = [question for question, _ in data.held_back]
    gold = [{place} for _, place in data.held_back]
    found = {
        share: float(np.mean(1 / ranks(model, passages, asked, gold)))
        for share in (0.0, *_MIXED)
        for model in ([plain] if share == 0 else [mix(plain, tuned, share)])
    }
    return max(_MIXED, key=lambda share: (found[share], -share)), found


def main() -> None:
    """Print the comparison as a table and as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--library", type=Path, required=True, help="Artifacts with the chunks.")
    parser.add_argument("--written", type=Path, help="Artifacts with questions and paraphrases.")
    parser.add_argument("--rezero", type=Path, required=True, help="Holds questions.jsonl.")
    parser.add_argument("--squad", type=Path, help="SQuAD's JSON: test on it too.")
    parser.add_argument("--book", default="spaceflight--apollo-13-mission-report")
    parser.add_argument("--epochs", type=int, default=Training().epochs)
    parser.add_argument("--rate", type=float, default=Training().rate)
    parser.add_argument("--most", type=int, default=400, help="Chunks at most, the book's first.")
    parser.add_argument(
        "--no-windows", action="store_true", help="Questions and paraphrases alone."
    )
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

    data = training_data(
        arguments.written or arguments.library,
        arguments.library,
        arguments.book,
        arguments.most,
        arguments.seed,
        windows=not arguments.no_windows,
        tested={_joined(text.lower()) for _, asked, _ in tests.values() for text in asked},
    )
    plain = untuned()
    started = time.perf_counter()
    training = Training(epochs=arguments.epochs, rate=arguments.rate, seed=arguments.seed)
    tuned = tune(data, training)
    seconds = time.perf_counter() - started
    share, found = choose_share(plain, tuned, data)
    report: dict = {
        "passages": len(data.lessons),
        "trained on": data.counts,
        "seconds of training": round(seconds),
        "held-back questions": len(data.held_back),
        "their mean reciprocal rank by share of tuned weights": found,
        "chosen share": share,
    }
    models = {"untuned": plain, "tuned": mix(plain, tuned, share)}
    print(f"{'test':40}{'model':10}" + "".join(f"recall@{cut:<5}" for cut in CUTS))
    for name, (texts_of, asked, gold) in tests.items():
        report[name] = {}
        for which, model in models.items():
            place = ranks(model, texts_of, asked, gold)
            values = {f"recall@{cut}": float((place <= cut).mean()) for cut in CUTS}
            report[name][which] = values
            cells = "".join(f"{value:<12.3f}" for value in values.values())
            print(f"{name:40}{which:10}{cells}")
        gain = report[name]["tuned"]["recall@1"] - report[name]["untuned"]["recall@1"]
        report[name]["gain in recall@1"] = gain
        print(f"{name:40}{'gain':10}{gain:+.3f}")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
