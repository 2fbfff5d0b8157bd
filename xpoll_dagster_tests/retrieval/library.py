"""A small library of made-up books, and a bundle built of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from xpoll_dagster.books.embedding import embed_chunks, load_embedder
from xpoll_dagster.books.model import CHUNKS_SCHEMA
from xpoll_dagster.retrieval.bundle import INDEX_FOLDER, write_chunks, write_index, write_questions
from xpoll_dagster.retrieval.chunk_table import chunk_table
from xpoll_dagster.retrieval.index import build_index, embed_paraphrases
from xpoll_dagster.retrieval.questions import measure_questions
from xpoll_dagster.retrieval.search import Searcher
from xpoll_dagster.writing.model import BookInfo
from xpoll_dagster.writing.paraphrases import PARAPHRASES_SCHEMA
from xpoll_dagster.writing.questions import QUESTIONS_SCHEMA

BOOKS = {
    "farming--hill-sheep": BookInfo("Sheep of the High Pastures", "farming"),
    "music--bell-founding": BookInfo("The Founding of Bells", "music", paged=False),
    "sailing--knots": BookInfo("Knots for Sailors", "sailing"),
    "tables--numbers": BookInfo("A Book of Numbers", "tables"),
    "single--one": BookInfo("One Page", "single"),
}

_BREEDS = ("Arvel", "Bostrin", "Corvane", "Dellick", "Embry", "Farrow", "Galtre", "Hessick")
_BELLS = ("Aldgate", "Birchover", "Cressing", "Dunmere", "Elsworth", "Fenwick", "Garth", "Holme")
_KNOTS = ("anchor", "bowline", "carrick", "diamond", "eye", "fisher", "granny", "heaving")


@dataclass(frozen=True)
class Built:
    """A bundle on disk, the searchers it was made with, and its questions."""

    folder: Path
    clean: Searcher
    noisy: Searcher
    questions: pl.DataFrame


def _texts() -> dict[str, list[tuple[str, str]]]:
    sheep = [
        (
            f"Chapter {1 + n // 2}",
            f"The {breed} sheep is kept above {300 + 40 * n} metres. Its fleece weighs "
            f"{3 + n} kilograms when it is shorn in June. Shepherds of the {breed} count the lambs "
            "at dusk and drive them to the stone folds before the snow comes.",
        )
        for n, breed in enumerate(_BREEDS)
    ]
    bells = [
        (
            f"Part {1 + n // 2}",
            f"The bell of {town} was cast in {1500 + 17 * n} by Master {town[::-1]}. "
            f"It weighs {900 + 110 * n} kilograms, and its tin came from the north. The "
            "clay of the mould dried for a month.",
        )
        for n, town in enumerate(_BELLS)
    ]
    knots = [
        (
            f"Section {1 + n // 2}",
            f"The {knot} knot takes {2 + n} turns about the spar. Sailors tie it in hemp when "
            f"a sheet must hold at {10 + 5 * n} knots of wind. Push the bight to loosen it.",
        )
        for n, knot in enumerate(_KNOTS)
    ]
    # The same words in another book: a near duplicate that answers the same question.
    knots.append(("Appendix", sheep[0][1]))
    return {
        "farming--hill-sheep": sheep,
        "music--bell-founding": bells,
        "sailing--knots": knots,
        "single--one": [("", "The only page of this book says that the moon of Varra is green.")],
        "tables--numbers": [("Table", "1 | 4 | 9\n16 | 25 | 36"), ("Table", "2 | 3 | 5\n7 | 11")],
    }


def chunks() -> pl.DataFrame:
    rows = []
    for book, texts in _texts().items():
        for ordinal, (heading, text) in enumerate(texts):
            table = book.startswith("tables")
            rows.append(
                {
                    "chunk_id": f"{book}-{ordinal:04d}",
                    "book": book,
                    "domain": BOOKS[book].domain,
                    "ordinal": ordinal,
                    "section": [heading] if heading else [],
                    "page_start": ordinal + 1,
                    "page_end": ordinal + 1,
                    "text": text + "\n\n",
                    "passage": "" if table else text,
                    "kind": "table" if table else "prose",
                    "context": "",
                    "n_tokens": len(text.split()),
                }
            )
    return pl.DataFrame(rows, schema=CHUNKS_SCHEMA)


def _question(book: str, ordinal: int, question: str, answer: str, n: int) -> dict[str, Any]:
    return {
        "id": f"{book}-{ordinal:04d}-q{n}",
        "chunk_id": f"{book}-{ordinal:04d}",
        "book": book,
        "question": question,
        "answer": answer,
        "template": "made",
        "score": 0.5,
        "difficulty_guess": "medium",
        "author": "rules",
        "model": "rules",
        "accepted": True,
        "rejected_by": [],
        "alternates": [],
    }


def questions() -> pl.DataFrame:
    """Questions of half the books' chunks; the author failed on the others."""
    rows = []
    for n, breed in enumerate(_BREEDS):
        rows.append(
            _question(
                "farming--hill-sheep",
                n,
                f"How much does the fleece of the {breed} sheep weigh when it is shorn?",
                f"{3 + n} kilograms",
                0,
            )
        )
    for n, town in enumerate(_BELLS):
        rows.append(
            _question(
                "music--bell-founding",
                n,
                f"In which year was the bell of {town} cast?",
                str(1500 + 17 * n),
                0,
            )
        )
    failed = _question("sailing--knots", 0, "", "", 0)
    rows.append(failed | {"accepted": False, "rejected_by": ["nothing can be asked"]})
    gone = _question("music--bell-founding", 7, "Which bell is gone?", "none", 1)
    rows.append(gone | {"chunk_id": "music--bell-founding-gone"})
    rows.append(_question("single--one", 0, "What colour is the moon of Varra?", "green", 0))
    frame = pl.DataFrame(rows)
    return frame.select(
        frame[name].cast(kind) if name in frame.columns else pl.lit(None, dtype=kind).alias(name)
        for name, kind in QUESTIONS_SCHEMA.items()
    )


def paraphrases() -> pl.DataFrame:
    rows = []
    for n, breed in enumerate(_BREEDS):
        rows.append(
            {
                "id": f"p-{n}",
                "chunk_id": f"farming--hill-sheep-{n:04d}",
                "book": "farming--hill-sheep",
                "style": "short",
                "text": f"Shorn in June, the {breed} sheep gives a fleece of {3 + n} kilograms.",
                "author": "rules",
                "model": "rules",
                "accepted": n != 3,
                "rejected_by": ["finished"] if n == 3 else [],
            }
        )
    frame = pl.DataFrame(rows)
    return frame.select(
        frame[name].cast(kind) if name in frame.columns else pl.lit(None, dtype=kind).alias(name)
        for name, kind in PARAPHRASES_SCHEMA.items()
    )


def build(folder: Path) -> tuple[Searcher, Searcher, pl.DataFrame]:
    """Write a whole bundle; the searcher over originals, that over all, and the questions."""
    embedder = load_embedder()
    table = chunk_table(chunks(), BOOKS)
    vectors = embed_chunks(chunks(), embedder)
    clean = Searcher(build_index(table, vectors, embedder=embedder), embedder)
    noise = paraphrases()
    noisy = build_index(
        table, vectors, noise, embed_paraphrases(noise, embedder), embedder=embedder
    )
    asked = measure_questions(questions(), clean)
    write_chunks(table, folder)
    write_questions(asked, table, folder)
    write_index(noisy, folder / INDEX_FOLDER)
    return clean, Searcher(noisy, embedder), asked
