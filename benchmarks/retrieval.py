"""Search over a library's chunks, asked by other people: `python -m benchmarks.retrieval`.

The questions are those of another project (a folder with its `questions.jsonl`), asked of its own
chunks of one book; here they are asked of ours. A hit is a chunk that holds the supporting
passage, counted three ways, for the passage can lie across two of our chunks, or twice in the
book:

- `best`: the one chunk that shares most of the passage's runs of four words;
- `holds`: a chunk that shares at least a quarter of them, or the best one;
- `answer`: a chunk that shares some of them and prints the answer word for word; where none
  does, as `holds`.

None of these questions chose a weight or a rule of search; `--squad` fits the weights of fused
search on SQuAD and prints them with its recall there.

Speed is measured over the library, and over made-up chunks as many as a large one has.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.books.embedding import embed_chunks, load_embedder
from xpoll_dagster.books.model import CHUNKS_SCHEMA
from xpoll_dagster.retrieval.chunk_table import chunk_table
from xpoll_dagster.retrieval.fit import fit_weights
from xpoll_dagster.retrieval.index import WINDOWS_SCHEMA, build_index
from xpoll_dagster.retrieval.options import IndexOptions
from xpoll_dagster.retrieval.search import MODES, Searcher
from xpoll_dagster.retrieval.vectors import build_vector_index
from xpoll_dagster.retrieval.windows import split_all

_WORD = re.compile(r"[a-z0-9]+")
_RUN = 4
_REPLACED = 0.3  # share of the words of made-up chunks that are drawn anew
CUTS = (1, 5, 10)


def words(text: str) -> list[str]:
    """Lower-case words and numbers."""
    return _WORD.findall(text.lower())


def runs(text: str) -> set[tuple[str, ...]]:
    """Runs of four words; of a shorter text the text itself."""
    found = words(text)
    return {tuple(found[at : at + _RUN]) for at in range(max(1, len(found) - _RUN + 1))}


def read_questions(folder: Path) -> list[dict]:
    """The questions of the other project."""
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def supporting_chunks(question: dict, texts: list[str], held: list[set]) -> dict[str, set[int]]:
    """Places of the chunks that hold a question's passage, by way of counting."""
    passage = runs("\n\n".join(question["supporting_paragraphs"]))
    shares = np.array([len(passage & own) / len(passage) for own in held])
    best = int(shares.argmax())
    holds = {best, *np.flatnonzero(shares >= 0.25).tolist()}
    answer = f" {' '.join(words(question['answer']))} "
    printed = {
        int(place)
        for place in np.flatnonzero(shares > 0.05)
        if answer in f" {' '.join(words(texts[place]))} "
    }
    return {"best": {best}, "holds": holds, "answer": printed or holds}


def recall(ranked: np.ndarray, gold: list[set[int]], cut: int) -> float:
    """Share of the questions with a gold row among the first."""
    hits = [
        bool(set(row[:cut].tolist()) & wanted) for row, wanted in zip(ranked, gold, strict=True)
    ]
    return float(np.mean(hits))


def load_library(folder: Path, book: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Chunks and vectors of one book, or of all, from a folder of artifacts."""
    name = f"{book or '*'}.parquet"
    return (
        pl.read_parquet(folder / "chunks" / name),
        pl.read_parquet(folder / "chunk_embeddings" / name),
    )


def make_searcher(folder: Path, book: str | None) -> Searcher:
    """Search over the originals of a folder of artifacts."""
    chunks, vectors = load_library(folder, book)
    embedder = load_embedder()
    index = build_index(chunk_table(chunks, {}), vectors, embedder=embedder)
    return Searcher(index, embedder)


def measure(searcher: Searcher, book: str, questions: list[dict]) -> dict:
    """Recall by mode and way of counting; chunks of other books are rivals."""
    table = searcher.index.table
    own = table.filter(pl.col("book") == book)
    texts = own["text"].to_list()
    held = [runs(text) for text in texts]
    first = int(own["number"][0])
    gold: dict[str, list[set[int]]] = {"best": [], "holds": [], "answer": []}
    for question in questions:
        for counted, places in supporting_chunks(question, texts, held).items():
            gold[counted].append({first + place for place in places})
    asked = [question["question"] for question in questions]
    found = {mode: searcher.rank(asked, max(CUTS), mode)[0] for mode in MODES}
    return {
        mode: {
            counted: {f"recall@{cut}": recall(ranked, wanted, cut) for cut in CUTS}
            for counted, wanted in gold.items()
        }
        for mode, ranked in found.items()
    }


def measure_speed(searcher: Searcher, questions: list[dict], rounds: int) -> dict:
    """Queries a second in batches, by the clock and by processor time."""
    asked = [question["question"] for question in questions] * rounds
    searcher.search(asked[:8], 5)
    clock, processor = time.perf_counter(), time.process_time()
    searcher.search(asked, 5)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return {
        "queries": len(asked),
        "rows": searcher.index.rows.height,
        "windows": len(searcher.index.window_rows),
        "queries_per_second": len(asked) / clock,
        "queries_per_processor_second": len(asked) / processor,
        "cores": os.cpu_count(),
    }


def grown(searcher: Searcher, chunks: int, seed: int = 0) -> Searcher:
    """Search over made-up chunks, as many as wanted: for its speed alone.

    Their words are drawn from the library's own as often as they occur there, in the order of
    real chunks for the most part, and so are their lengths; their vectors are drawn by chance,
    for a product of matrices takes the same time whatever stands in them.
    """
    rng = np.random.default_rng(seed)
    source = searcher.index.table
    pool = np.array([word for text in source["text"] for word in text.split()])
    drawn = rng.integers(0, source.height, chunks)
    texts = []
    for place in drawn:
        own = np.array(source["text"][int(place)].split(" "), dtype=object)
        other = rng.random(len(own)) < _REPLACED
        own[other] = rng.choice(pool, int(other.sum()))
        texts.append(" ".join(own))
    table = source[drawn].with_columns(
        number=pl.int_range(pl.len(), dtype=pl.Int64),
        stable_id=pl.format("made-up-{}", pl.int_range(pl.len())),
        chunk_id=pl.format("chunk_{}", pl.int_range(pl.len())),
        text=pl.Series(texts),
    )
    rows = pl.concat([searcher.index.rows] * (chunks // source.height + 1))[:chunks].with_columns(
        row=table["number"], number=table["number"], text=table["text"]
    )
    windows, owners = split_all(texts, IndexOptions().window_words)

    def vectors(count: int) -> np.ndarray:
        found = rng.standard_normal((count, searcher.index.chunks.index.d), dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    index = replace(
        searcher.index,
        table=table,
        rows=rows,
        chunks=build_vector_index(vectors(chunks), IndexOptions()),
        windows=build_vector_index(vectors(len(windows)), IndexOptions()),
        window_table=pl.DataFrame({"row": owners, "text": windows}, schema=WINDOWS_SCHEMA),
    )
    return Searcher(index, load_embedder())


def squad(path: Path, count: int) -> tuple[pl.DataFrame, list[str], list[int]]:
    """Paragraphs of SQuAD as chunks, and questions drawn from them with their paragraph."""
    texts: list[str] = []
    asked: list[tuple[str, int]] = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            asked += [
                (item["question"], len(texts))
                for item in paragraph["qas"]
                if not item.get("is_impossible")
            ]
            texts.append(paragraph["context"])
    order = np.random.default_rng(0).permutation(len(asked))[:count]
    chunks = pl.DataFrame(
        [
            {
                "chunk_id": f"squad-{place}",
                "book": "squad",
                "domain": "squad",
                "ordinal": place,
                "section": [],
                "page_start": 1,
                "page_end": 1,
                "text": text,
                "passage": text,
                "kind": "prose",
                "context": "",
                "n_tokens": 0,
            }
            for place, text in enumerate(texts)
        ],
        schema=CHUNKS_SCHEMA,
    )
    chosen = [asked[place] for place in order]
    return chunks, [question for question, _ in chosen], [place for _, place in chosen]


def fit(path: Path, count: int) -> dict:
    """Weights of fused search fitted on SQuAD, and its recall there."""
    chunks, asked, gold = squad(path, count)
    embedder = load_embedder()
    vectors = embed_chunks(chunks, embedder)
    searcher = Searcher(build_index(chunk_table(chunks, {}), vectors, embedder=embedder), embedder)
    fitted = fit_weights(searcher, asked, [[place] for place in gold])
    again = Searcher(searcher.index, embedder, fitted)
    ranked = again.rank(asked, max(CUTS))[0]
    return {
        **fitted.fusion.model_dump(),
        **{f"recall@{cut}": recall(ranked, [{place} for place in gold], cut) for cut in CUTS},
    }


def main() -> None:
    """Print the table and the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--library", type=Path, required=True, help="A folder of artifacts.")
    parser.add_argument("--rezero", type=Path, required=True, help="Holds questions.jsonl.")
    parser.add_argument("--book", default="spaceflight--apollo-13-mission-report")
    parser.add_argument("--whole", action="store_true", help="Also among all books' chunks.")
    parser.add_argument("--squad", type=Path, help="SQuAD's JSON: fit the weights again.")
    parser.add_argument("--rounds", type=int, default=5, help="Of the measure of speed.")
    parser.add_argument(
        "--chunks", type=int, default=10_000, help="Made-up chunks to measure speed over; 0: none."
    )
    arguments = parser.parse_args()
    questions = read_questions(arguments.rezero)
    report: dict = {"questions": len(questions)}
    scopes = {"the book alone": arguments.book} | ({"all books": None} if arguments.whole else {})
    for scope, book in scopes.items():
        searcher = make_searcher(arguments.library, book)
        report[scope] = measure(searcher, arguments.book, questions)
        report[f"{scope}, speed"] = measure_speed(searcher, questions, arguments.rounds)
        print(f"\n{len(questions)} questions among {searcher.index.rows.height} chunks: {scope}")
        print(f"{'mode':10}{'hit':10}" + "".join(f"recall@{cut:<5}" for cut in CUTS))
        for mode, counted in report[scope].items():
            for name, values in counted.items():
                cells = "".join(f"{value:<12.3f}" for value in values.values())
                print(f"{mode:10}{name:10}{cells}")
        print(f"{report[f'{scope}, speed']['queries_per_second']:.0f} queries a second")
        if arguments.chunks and book is not None:
            larger = measure_speed(grown(searcher, arguments.chunks), questions, arguments.rounds)
            report["made-up chunks, speed"] = larger
            print(f"{larger['queries_per_second']:.0f} over {larger['rows']} made-up chunks")
    if arguments.squad:
        report["fitted on SQuAD"] = fit(arguments.squad, 900)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
