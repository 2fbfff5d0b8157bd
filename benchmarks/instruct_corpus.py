"""A made-up instruction corpus as JSONL files, seeded and fast to make.

Sentences are drawn from a pool whose words and phrases follow Zipf's law, so that the text
compresses about as real instruction data does. Unique rows are numbered; a row's number
decides its text alone, so a copy is the same row drawn again.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import polars as pl

WORDS = 20_000
PHRASES = 6_000
SENTENCES = 60_000
OUTPUT_SENTENCES = 19
DUPLICATES = 0.20
_BATCH = 25_000
_SHAPE = 5  # raised when the same numbers would give other rows


@functools.cache
def _shares(kinds: int) -> np.ndarray:
    weight = 1.0 / (np.arange(kinds) + 2.7)
    return np.cumsum(weight) / weight.sum()


def _zipf(rng: np.random.Generator, kinds: int, size: int) -> np.ndarray:
    return np.searchsorted(_shares(kinds), rng.random(size))


def sentence_pool(seed: int) -> pl.Series:
    """Sentences of 5 to 12 words and phrases; some hold quotes, numbers or accents."""
    rng = np.random.default_rng(seed)
    syllables = [a + b for a in "bcdfglmnprst" for b in ("a", "e", "i", "o", "u", "er", "ing", "é")]
    chance = np.where([s.endswith("é") for s in syllables], 0.004, 1.0)
    parts = rng.choice(len(syllables), size=(WORDS, 3), p=chance / chance.sum())
    count = 1 + (np.arange(WORDS) > 60) + (np.arange(WORDS) > 2000)
    words = ["".join(syllables[i] for i in row[:n]) for row, n in zip(parts, count, strict=True)]
    phrases = [
        " ".join(words[i] for i in _zipf(rng, WORDS, int(n))) for n in rng.integers(2, 5, PHRASES)
    ]
    sentences = []
    for n in rng.integers(3, 9, SENTENCES):
        words_at, phrases_at = _zipf(rng, WORDS, int(n)), _zipf(rng, PHRASES, int(n))
        whole = rng.random(int(n)) < 0.4
        pieces = [
            phrases[p] if take else words[w]
            for w, p, take in zip(words_at, phrases_at, whole, strict=True)
        ]
        if rng.random() < 0.08:
            pieces.append(str(rng.integers(2, 2000)))
        if rng.random() < 0.04:
            pieces[0] = f'"{pieces[0]}"'
        sentences.append(" ".join(pieces).capitalize() + ".")
    return pl.Series(sentences)


def rows_of(numbers: np.ndarray, pool: pl.Series) -> pl.DataFrame:
    """The rows of these numbers: instruction, input, output."""

    def sentence(place: int) -> pl.Series:
        mixed = numbers.astype(np.uint64) * np.uint64(64) + np.uint64(place)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return pool.gather((mixed ^ (mixed >> np.uint64(31))) % np.uint64(len(pool)))

    places = {f"s{place}": sentence(place) for place in range(OUTPUT_SENTENCES + 6)}
    output = [f"s{place}" for place in range(3, OUTPUT_SENTENCES + 3)]
    third = -(-len(output) // 3)
    return pl.DataFrame(places).select(
        instruction=pl.concat_str("s0", "s1", separator=" "),
        input=pl.when(pl.Series(numbers % 10 < 3)).then(pl.col("s2")).otherwise(pl.lit("")),
        output=pl.concat_str(
            [
                pl.concat_str(output[at : at + third], separator=" ")
                for at in range(0, len(output), third)
            ],
            separator="\n\n",
        ),
    )


def make_corpus(folder: Path, rows: int, files: int, added: int, seed: int = 7) -> tuple[int, int]:
    """Write `files` files of `rows` rows in all, and one of `added` rows, unless they are there.

    A fifth of all rows, and of the added ones, are copies of others.

    Returns:
        How many rows are unique in the files, and with the added one.
    """
    wanted = {"rows": rows, "files": files, "added": added, "seed": seed, "shape": _SHAPE}
    note = folder / "made.json"
    if note.is_file():
        made = json.loads(note.read_text())
        if made.get("wanted") == wanted:
            return made["unique"], made["unique_with_added"]
    folder.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    rng = np.random.default_rng(seed)
    unique = rows - int(rows * DUPLICATES)
    numbers = np.concatenate([np.arange(unique), rng.integers(0, unique, rows - unique)])
    rng.shuffle(numbers)
    fresh = added - int(added * DUPLICATES)
    new = np.concatenate(
        [np.arange(unique, unique + fresh), rng.integers(0, unique, added - fresh)]
    )
    rng.shuffle(new)
    pool = sentence_pool(seed)
    for name, part in zip(
        [*(f"part-{n:02d}.jsonl" for n in range(files)), "part-added.jsonl"],
        [*np.array_split(numbers, files), new],
        strict=True,
    ):
        with (folder / name).open("wb") as out:
            for start in range(0, len(part), _BATCH):
                rows_of(part[start : start + _BATCH], pool).write_ndjson(out)
    counts = {"unique": unique, "unique_with_added": unique + fresh}
    note.write_text(json.dumps({"wanted": wanted, **counts}))
    return unique, unique + fresh
