"""Duplicates planted in a corpus: `python -m benchmarks.planted_duplicates`.

Into a corpus of distinct rows are planted, in a second source: 1,000 exact copies (with other
white space), 1,000 edited copies (one word in twenty changed; rows of 50 words or more) and
1,000 maths rows of which one number was changed. Found should be all of the first, nine in
ten of the second, none of the third; and no two of the distinct rows should be merged.

With `--rows FILE…` the distinct rows are the instruction data of these files (JSONL or JSON
with `instruction`/`input`/`output` or `question`/`answer`) instead of made-up text; their own
duplicates are then counted and the least alike of them shown, to be judged by eye.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.instruct_corpus import rows_of, sentence_pool
from xpoll_dagster.corpus.explanation import explain
from xpoll_dagster.corpus.ledger import read_ledger
from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions
from xpoll_dagster.corpus.source_writer import SourceWriter

FIELDS = ("instruction", "input", "output")
PLANTED = 1_000

_PEOPLE = [
    "Ada",
    "Ben",
    "Chloe",
    "Dmitri",
    "Elif",
    "Farah",
    "Gus",
    "Hana",
    "Ivo",
    "June",
    "Kofi",
    "Lena",
    "Milo",
    "Nora",
    "Omar",
    "Pia",
]
_THINGS = [
    "apples",
    "pencils",
    "stamps",
    "marbles",
    "tickets",
    "shells",
    "coins",
    "books",
    "plums",
    "ribbons",
]
_MATHS = (
    (
        "{who} buys {a} boxes of {things} and each box holds {b}. After giving {c} {things} to "
        "{other}, how many are left? Explain the steps that lead to your result.",
        "Each box holds {b} {things}, so {a} boxes hold {a} * {b} = {ab}. {who} gives {c} away, "
        "which leaves {ab} - {c} = {left}. The result is {left}.",
    ),
    (
        "A shop sells {things} at {b} cents each. {who} has a note of {c} cents more than the "
        "price of {a} of them. What does {who} hold after paying for {a} {things}, and why?",
        "The price of {a} {things} is {a} * {b} = {ab} cents. The note is worth {ab} + {c} "
        "cents, so after paying {who} holds {c} cents. The result is {c}.",
    ),
)


def maths_rows(count: int, rng: random.Random) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Maths rows, and each of them with one number of its question changed."""
    rows, changed = [], []
    for _ in range(count):
        question, answer = rng.choice(_MATHS)
        a, b = rng.randint(3, 4000), rng.randint(3, 4000)
        facts = {"a": a, "b": b, "ab": a * b, "c": rng.randint(2, a * b - 1)}
        facts["left"] = a * b - facts["c"]
        words = {"things": rng.choice(_THINGS), "who": rng.choice(_PEOPLE)}
        words["other"] = rng.choice([name for name in _PEOPLE if name != words["who"]])
        solved = answer.format(**facts, **words)
        rows.append((question.format(**facts, **words), "", solved))
        name = rng.choice(("a", "b", "c"))
        wrong = {**facts, name: facts[name] + rng.choice((-1, 1, 10))}
        changed.append((question.format(**wrong, **words), "", solved))
    return tuple(pl.DataFrame(part, schema=FIELDS, orient="row") for part in (rows, changed))  # pyright: ignore[reportReturnType]


def edit(text: str, words: list[str], rng: random.Random) -> str:
    """The text with one word in twenty changed for another of the vocabulary."""
    pieces = text.split(" ")
    places = [n for n, piece in enumerate(pieces) if piece.isalpha()]
    for place in rng.sample(places, min(len(places), max(1, round(len(pieces) / 20)))):
        other = rng.choice(words)
        while other.lower() == pieces[place].lower():
            other = rng.choice(words)
        pieces[place] = other
    return " ".join(pieces)


def edited_rows(rows: pl.DataFrame, words: list[str], rng: random.Random) -> pl.DataFrame:
    """Rows with one word in twenty changed, over the row as a whole."""
    mark = "\x1e"
    texts = [edit(f" {mark} ".join(row), words, rng) for row in rows.iter_rows()]
    parts = [[part.strip() for part in text.split(mark)] for text in texts]
    return pl.DataFrame(parts, schema=FIELDS, orient="row")


def read_rows(files: list[Path]) -> pl.DataFrame:
    """Instruction data as rows, whatever of the two schemas it has."""
    frames = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text) if text.startswith("[") else map(json.loads, text.splitlines())
        rows = [
            (
                r.get("instruction", r.get("question", "")),
                r.get("input", ""),
                r.get("output", r.get("answer", "")),
            )
            for r in found
        ]
        frames.append(pl.DataFrame(rows, schema=FIELDS, orient="row"))
    return pl.concat(frames).filter(pl.col("instruction") != "", pl.col("output") != "")


def write_source(folder: Path, frame: pl.DataFrame) -> list[str]:
    """Write a source of the folder's name; returns the ids of its rows.

    The first sources outrank the planted ones, so that it is the planted rows that go.
    """
    folder.mkdir(parents=True)
    with SourceWriter(folder, folder.name, licence="MIT", priority=-ord(folder.name[0])) as writer:
        ids = writer.write(frame.with_columns(_category=pl.lit("instruction")))
        writer.finish()
    return ids.to_list()


def show(corpus: Path, sources: list[Path], ledger: pl.DataFrame, count: int) -> None:
    """Print the least alike of the merged rows."""
    for removed, kept, score in (
        ledger.sort("similarity")
        .head(count)
        .select("removed_id", "kept_id", "similarity")
        .iter_rows()
    ):
        print(f"--- {score:.3f}")
        for row_id in (removed, kept):
            found = explain(row_id, corpus, sources).row or {}
            print("   ", " | ".join(str(found[field])[:300] for field in FIELDS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--distinct", type=int, default=20_000)
    parser.add_argument("--rows", type=Path, nargs="*")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    if options.rows:
        base = read_rows(options.rows).unique(FIELDS, keep="first", maintain_order=True)
    else:
        base = rows_of(np.arange(options.distinct), sentence_pool(options.seed))
    words = base["output"].head(2_000).str.extract_all(r"[A-Za-z]+").explode().unique().sort()
    long = base.filter(pl.sum_horizontal(pl.col(FIELDS).str.count_matches(r"\S+")) >= 50).sample(
        min(2 * PLANTED, base.height // 2), seed=options.seed, shuffle=True
    )
    half = long.height // 2
    copies = long.head(half).with_columns(pl.col(FIELDS).str.replace_all(" ", "  ") + "\n")
    edited = edited_rows(long.tail(long.height - half), words.drop_nulls().to_list(), rng)
    maths, changed = maths_rows(PLANTED, rng)
    with tempfile.TemporaryDirectory(prefix="xpoll-planted-") as temporary:
        root = Path(temporary)
        sources = [
            root / name for name in ("a-base", "b-maths", "c-copies", "d-edited", "e-changed")
        ]
        ids = [
            write_source(folder, frame)
            for folder, frame in zip(sources, (base, maths, copies, edited, changed), strict=True)
        ]
        start = time.perf_counter()
        corpus = root / "corpus"
        merge_sources(sources, corpus, MergeOptions(near_duplicates=True, jsonl="none"))
        seconds = time.perf_counter() - start
        ledger = read_ledger(corpus)
        removed = set(ledger["removed_id"].to_list())
        own = ledger.filter(pl.col("removed_source") == "a-base")
        if options.show:
            show(corpus, sources, own, options.show)
        result = {
            "rows": sum(map(len, ids)),
            "merge_s": round(seconds, 2),
            "exact_found": round(len(removed & set(ids[2])) / len(ids[2]), 4),
            "edited_found": round(len(removed & set(ids[3])) / len(ids[3]), 4),
            "numbers_merged": len(removed & (set(ids[1]) | set(ids[4]))),
            "distinct_merged": own.height,
            "distinct_merged_share": round(own.height / base.height, 6),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
