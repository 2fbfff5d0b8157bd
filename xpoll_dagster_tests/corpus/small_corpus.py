"""A small merged corpus for the tests of mixes and of what is derived from them."""

from __future__ import annotations

import random
from pathlib import Path

from xpoll_dagster.corpus.merge import merge_sources
from xpoll_dagster.corpus.merge_options import MergeOptions, SourceOptions
from xpoll_dagster_tests.corpus.sources import write_source

WORDS = [
    f"{a}{b}" for a in ("ba", "ko", "mi", "tu", "re", "sa") for b in ("lan", "ter", "mos", "pi")
]

SOURCES = {
    # name: category, rows, licence
    "questions": ("factual", 120, "CC-BY-SA-4.0"),
    "talks": ("dialogue", 150, "MIT"),
    "stories": ("creative", 90, "MIT"),
    "sums": ("maths", 60, "MIT"),
    "programs": ("code", 150, "CC-BY-NC-4.0"),
    "tools": ("tool_use", 20, "Apache-2.0"),
    "orders": ("instruction", 300, "MIT"),
    "essays": ("analytical", 80, "MIT"),
}


def sentence(rng: random.Random, n: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(n)).capitalize() + "."


def source_rows(name: str, extra: int = 0) -> list[dict[str, object]]:
    category, count, _ = SOURCES[name]
    rng = random.Random(name)
    rows: list[dict[str, object]] = []
    for number in range(count + extra):
        row: dict[str, object] = {
            "instruction": f"{number}: {sentence(rng, 6)}",
            "input": sentence(rng, 3) if number % 3 == 0 else "",
            "output": sentence(rng, rng.randint(4, 40)),
            "system": "Be kind." if number % 5 == 0 else "",
            "_category": category,
        }
        if category == "dialogue":
            row["messages"] = [
                {"role": "user", "content": row["instruction"]},
                {"role": "assistant", "content": row["output"]},
                {"role": "user", "content": sentence(rng, 4)},
                {"role": "assistant", "content": sentence(rng, 8)},
            ]
        rows.append(row)
    return rows


def build_corpus(root: Path, *, shard_rows: int = 50, extra: dict[str, int] | None = None) -> Path:
    """Write the sources below `root` and merge them; returns the corpus' folder."""
    folders = [
        write_source(
            root / "sources",
            name,
            source_rows(name, (extra or {}).get(name, 0)),
            licence=licence,
            options=SourceOptions(shard_rows=shard_rows),
            batch=shard_rows,
        )
        for name, (_, _, licence) in SOURCES.items()
    ]
    merge_sources(folders, root / "corpus", MergeOptions(near_duplicates=False, jsonl="none"))
    return root / "corpus"
