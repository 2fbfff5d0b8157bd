"""A small library with everything built, some of its text as hostile as text can be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from xpoll_dagster.books.model import CHUNKS_SCHEMA, CONCEPTS_SCHEMA, PAGES_SCHEMA
from xpoll_dagster.corpus.manifest import Manifest, MergedSource, write_manifest
from xpoll_dagster.linking.model import PAIRS_SCHEMA
from xpoll_dagster.report import ReportSources
from xpoll_dagster.writing.model import PAIR_TEXTS_SCHEMA, BookInfo
from xpoll_dagster.writing.paraphrases import PARAPHRASES_SCHEMA
from xpoll_dagster.writing.questions import QUESTIONS_SCHEMA

HOSTILE = (
    "</script><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
)
DIRECTION = "\u202eright to left\u202c \u2028 שלום <!-- ]]>"
BOOKS = {
    "astronomy--sky": BookInfo(HOSTILE, "astronomy", ("A. Writer", DIRECTION), "CC-BY-4.0"),
    "history--ships": BookInfo("Ships and Charts", "history", (), None, paged=False),
}
_SKY = "The chronometer keeps the time of Greenwich while the Moon moves on, said line {}."
_SHIPS = "Captains trusted chronometers only after James Cook’s second voyage 🚢, as page {} tells."


def make_sources(folder: Path, each: int = 30) -> ReportSources:
    """Two books of `each` chunks, and one of every other artifact."""
    chunks = _chunks(each)
    return ReportSources(
        chunks=chunks,
        books=BOOKS,
        failed={"history--damaged": f"The file is damaged {HOSTILE}."},
        passed_over={"notes.docx": "no reader takes .docx"},
        pages=_pages(),
        embeddings=_embeddings(chunks),
        concepts=_concepts(chunks),
        pairs=_pairs(chunks),
        pairs_left_out=pl.DataFrame({"reason": ["the score is below the bar"] * 3}),
        pair_texts=_pair_texts(chunks),
        sft_dataset=_dataset(folder / "sft", chunks),
        paraphrases=_paraphrases(chunks),
        questions=_questions(chunks),
        retrieval=_bundle(folder / "retrieval", chunks),
        retrieval_scores=_scores(),
        merged_corpus=_corpus(folder / "corpus"),
        mixes={"small": _mix(folder / "small")},
    )


def _row(schema: pl.Schema, **values: object) -> dict[str, object]:
    return dict.fromkeys(schema) | values


def _chunks(each: int) -> pl.DataFrame:
    rows = []
    for book, sentence in (("astronomy--sky", _SKY), ("history--ships", _SHIPS)):
        for n in range(each):
            text = sentence.format(n) + (f" {HOSTILE} {DIRECTION}" if n == 0 else "")
            rows.append(
                _row(
                    CHUNKS_SCHEMA,
                    chunk_id=f"{book}-{n:012x}",
                    book=book,
                    domain=book.partition("--")[0],
                    ordinal=n,
                    section=[HOSTILE if n == 0 else f"Chapter {n // 10}"],
                    page_start=n + 1,
                    page_end=n + 1,
                    text=text,
                    passage=text,
                    kind="prose",
                    context="",
                    n_tokens=20,
                )
            )
    return pl.DataFrame(rows, schema=CHUNKS_SCHEMA)


def _pages() -> pl.DataFrame:
    rows = [
        _row(PAGES_SCHEMA, book="astronomy--sky", page=1, method="ocr", confidence=0.9),
        _row(PAGES_SCHEMA, book="astronomy--sky", page=2, method="text"),
        _row(PAGES_SCHEMA, book="history--ships", page=1, method="text"),
    ]
    return pl.DataFrame(rows, schema=PAGES_SCHEMA)


def _embeddings(chunks: pl.DataFrame) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((chunks.height, 16)).astype(np.float32)
    vectors[: chunks.height // 2, 0] += 4
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    embedding = pl.Series(vectors, dtype=pl.Array(pl.Float32, 16))
    return chunks.select("chunk_id").with_columns(embedding=embedding)


def _concepts(chunks: pl.DataFrame) -> pl.DataFrame:
    rows = [
        (chunk, "marine chronometer", surface, "TERM", 1)
        for chunk, book in chunks.select("chunk_id", "book").iter_rows()
        for surface in ["chronometer" if book.startswith("astronomy") else "chronometers"]
    ]
    return pl.DataFrame(rows, schema=CONCEPTS_SCHEMA, orient="row")


def _pairs(chunks: pl.DataFrame) -> pl.DataFrame:
    half = chunks.height // 2
    rows = [
        _row(
            PAIRS_SCHEMA,
            pair_id=f"{n:016x}",
            left_chunk=chunks["chunk_id"][n],
            right_chunk=chunks["chunk_id"][half + n],
            left_book="astronomy--sky",
            right_book="history--ships",
            left_domain="astronomy",
            right_domain="history",
            concepts=[{"concept": "marine chronometer", "weight": 2.0}],
            cosine=0.5,
            score=1 - n / 100,
            signals=["concept", "semantic"] if n % 2 else ["lexical", "semantic"],
            explanation=HOSTILE if n == 0 else "Both passages speak of chronometers.",
        )
        for n in range(12)
    ]
    return pl.DataFrame(rows, schema=PAIRS_SCHEMA)


def _pair_texts(chunks: pl.DataFrame) -> pl.DataFrame:
    half = chunks.height // 2
    rows = [
        _row(
            PAIR_TEXTS_SCHEMA,
            id=f"t{n:02}",
            pair_id=f"{n:016x}",
            left_chunk=chunks["chunk_id"][n],
            right_chunk=chunks["chunk_id"][half + n],
            kind="expository",
            style="notes",
            text=f"Written text {n}. {HOSTILE if n == 1 else ''}",
            author="rules",
            model="rules",
            accepted=n % 4 > 0,
            rejected_by=[] if n % 4 else ["too little is quoted", HOSTILE],
        )
        for n in range(12)
    ]
    return pl.DataFrame(rows, schema=PAIR_TEXTS_SCHEMA)


def _dataset(folder: Path, chunks: pl.DataFrame) -> Path:
    (folder / "parquet").mkdir(parents=True)
    for split, numbers in (("train", range(8)), ("test", range(8, 10))):
        pl.DataFrame(
            {
                "id": [f"row{n:02}" for n in numbers],
                "format": ["qa" if n % 2 else "dialogue" for n in numbers],
                "cross_domain": [n % 3 > 0 for n in numbers],
                "domains": [["astronomy", "history"] if n % 3 else ["history"] for n in numbers],
                "text": [f"Longitude lesson number {n}. {HOSTILE}" for n in numbers],
                "pair_id": [f"{n:016x}" if n % 3 else None for n in numbers],
                "score": [1.0 for _ in numbers],
                "chunk_ids": [[chunks["chunk_id"][n]] for n in numbers],
            },
            schema_overrides={"pair_id": pl.String},
        ).write_parquet(folder / "parquet" / f"{split}-00000-of-00001.parquet")
    accounts = {"cross_domain": {"available": 12, "kept": 6, "left_out": {"rejected": 6}}}
    report = {"accounts": accounts, "by_licence": {"CC-BY-4.0": 6, "unknown": 10}}
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def _paraphrases(chunks: pl.DataFrame) -> pl.DataFrame:
    rows = [
        _row(
            PARAPHRASES_SCHEMA,
            id=f"p{n:02}",
            chunk_id=chunks["chunk_id"][n],
            book="astronomy--sky",
            style="short",
            text="" if n < 3 else f"Another wording {n}.",
            author="llm",
            model="a-model",
            raw=HOSTILE if n < 3 else "",
            accepted=n >= 3,
            rejected_by=["leaves out numbers"] if n < 3 else [],
        )
        for n in range(10)
    ]
    return pl.DataFrame(rows, schema=PARAPHRASES_SCHEMA)


def _questions(chunks: pl.DataFrame) -> pl.DataFrame:
    rows = [
        _row(
            QUESTIONS_SCHEMA,
            id=f"q{n:02}",
            chunk_id=chunks["chunk_id"][n],
            book="astronomy--sky",
            question=f"Which instrument keeps the time, case {n}?",
            answer="the chronometer",
            template="gap",
            author="rules",
            model="rules",
            difficulty="easy" if n % 2 else "hard",
            accepted=n > 0,
            rejected_by=[] if n else ["copied from the passage"],
        )
        for n in range(6)
    ]
    return pl.DataFrame(rows, schema=QUESTIONS_SCHEMA)


def _bundle(folder: Path, chunks: pl.DataFrame) -> Path:
    folder.mkdir()
    pl.DataFrame(
        {
            "id": [f"b{n}" for n in range(5)],
            "stable_id": chunks["chunk_id"][:5],
            "question": [f"Which instrument keeps the time, case {n}?" for n in range(5)],
            "answer": ["the chronometer"] * 5,
            "difficulty": ["easy", "easy", "hard", None, "easy"],
            "split": ["train", "train", "test", "train", None],
            "kept": [True, True, True, True, False],
            "left_out": [None, None, None, None, "its chunks lie in different splits"],
        }
    ).write_parquet(folder / "questions.parquet")
    return folder


def _scores() -> pl.DataFrame:
    rows = [
        ("question", mode, noisy, "original", metric, value, 4)
        for mode, noisy, value in (
            ("dense", False, 0.5),
            ("bm25", False, 0.75),
            ("bm25", True, 0.25),
        )
        for metric in ("recall@1", "mrr")
    ]
    names = ["task", "mode", "paraphrases_indexed", "counted", "metric", "value", "queries"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _corpus(folder: Path) -> Path:
    folder.mkdir()
    source = MergedSource(
        name="tales",
        licence="mit",
        revision="1",
        priority=1,
        read=100,
        kept=70,
        removed={"exact": 20, "near": 6},
        rejected={"empty answer": 4},
        categories={"code": 70},
        licences={"mit": 70},
        shards=[],
        ledger=None,
    )
    manifest = Manifest(
        rows=70,
        read=100,
        removed={"exact": 20, "near": 6},
        rejected=4,
        duplicate_rate=0.26,
        categories={"code": 70},
        licences={"mit": 70},
        settings={},
        tests={},
        sources=[source],
        jsonl=[],
    )
    write_manifest(manifest, folder)
    return folder


def _mix(folder: Path) -> Path:
    folder.mkdir()
    report = {
        "asked": 50,
        "rows": 40,
        "shortfall": "The category code has too few rows.",
        "licence": {"grade": 1, "names": ["mit"], "commercial": True, "rows": 40},
        "profile": {"name": "small", "description": f"For tests {HOSTILE}"},
        "before": {"category": {"code": 70}},
        "after": {"category": {"code": 40}},
    }
    (folder / "report.json").write_text(json.dumps(report))
    return folder
