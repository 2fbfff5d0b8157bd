"""Reading books: speed and faithfulness, each beside its baseline in the same run.

`python -m benchmarks.books [--library PATH] [--reference PATH] [--skip PART ...]` prints a table
and ends with one line of JSON. The library has the layout `<domain>/<book>`, the sample books
by default; the reference, without which only speeds are measured, holds the true texts: a
LaTeX source `<book>.tex` of a PDF, a folder `<book>/<page>.txt` for a folder of page images.
Times are of this machine as it is: run it with nothing beside it; the figures per second of
processor time (`cpu_s`) suffer less from what runs there besides.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.prose import in_order, latex_words, words_of
from xpoll_dagster.books.cleaning import CleaningOptions, clean_book
from xpoll_dagster.books.model import Book, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import images, pdf

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "books"
PARTS = ("speed", "ocr", "prose", "embedding")
FAST = ReadingOptions(route="fast", ocr="never")


def book_at(path: Path) -> Book:
    return Book(key=f"bench--{path.stem}", domain="bench", path=path, title=path.stem)


def text_books(library: Path) -> list[Book]:
    """The PDFs of the library whose first pages have a text layer."""
    books = [book_at(path) for path in sorted(library.glob("*/*.pdf"))]
    return [book for book in books if _has_text(book)]


def _has_text(book: Book) -> bool:
    import pymupdf

    with pymupdf.open(str(book.path)) as document:
        first = range(min(10, document.page_count))
        return sum(len(document[number].get_text()) for number in first) > 1000


def image_folders(library: Path) -> list[Book]:
    folders = sorted(path for path in library.glob("*/*") if images.claims(path))
    return [book_at(path) for path in folders]


def cleaned(book: Book, pages: Iterable[RawPage]) -> pl.DataFrame:
    """The cleaned pages of kind body, in order."""
    return clean_book(pages, book, CleaningOptions()).filter(pl.col("kind") == "body")


def processor_seconds() -> float:
    """User and system time of this process and of the children it has waited for."""
    usages = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure_speed(library: Path, reference: Path | None) -> dict[str, Any]:
    """PDF to cleaned pages, in this process and in the child process of the real pipeline."""
    del reference
    import pymupdf

    from xpoll_dagster.books.reading import read_pages
    from xpoll_dagster.compute.sandbox import Limits

    figures: dict[str, Any] = {}
    for book in text_books(library):
        with pymupdf.open(str(book.path)) as document:
            began = time.perf_counter()
            for page in document:
                page.get_text()
            plain = time.perf_counter() - began
        began, began_cpu = time.perf_counter(), processor_seconds()
        pages = list(pdf.read(book.path, book, FAST))
        read_cpu = processor_seconds() - began_cpu
        cleaned(book, pages)
        whole, whole_cpu = time.perf_counter() - began, processor_seconds() - began_cpu
        began, began_cpu = time.perf_counter(), processor_seconds()
        read_pages(book, FAST, CleaningOptions(), Limits())
        child, child_cpu = time.perf_counter() - began, processor_seconds() - began_cpu
        seconds = {
            "pages_per_s": whole,
            "pages_per_cpu_s": whole_cpu,
            "read_only_pages_per_cpu_s": read_cpu,
            "in_child_process_pages_per_s": child,
            "in_child_process_pages_per_cpu_s": child_cpu,
            "plain_text_baseline_pages_per_s": plain,
        }
        figures |= {
            f"{book.path.stem}_{name}": round(len(pages) / spent, 1)
            for name, spent in seconds.items()
        }
    if not figures:
        print("speed: skipped, the library holds no PDF with a text layer")
    return figures


def measure_ocr(
    library: Path, reference: Path | None, most_pages: int = 24, baseline_pages: int = 2
) -> dict[str, Any]:
    """Recognition of page images beside pytesseract as it comes, and its character error."""
    figures: dict[str, Any] = {"ocr_workers": os.cpu_count()}
    for book in image_folders(library):
        figures |= _measure_ocr(book, reference, most_pages, baseline_pages)
    if len(figures) == 1:
        print("ocr: skipped, the library holds no folder of page images")
        return {}
    return figures


def _measure_ocr(
    book: Book, reference: Path | None, most_pages: int, baseline_pages: int
) -> dict[str, Any]:
    import pytesseract
    from PIL import Image
    from rapidfuzz.distance import Levenshtein

    files = images.page_files(book.path)
    pages: list[RawPage] = []
    began, began_cpu = time.perf_counter(), processor_seconds()
    reading = images.read(book.path, book, ReadingOptions())
    for page in reading:
        pages.append(page)
        if len(pages) == most_pages:
            break
    whole, whole_cpu = time.perf_counter() - began, processor_seconds() - began_cpu
    reading.close()  # type: ignore[attr-defined] - a generator: ends what has begun beyond
    began = time.perf_counter()
    chosen = files[5 : 5 + baseline_pages]
    for file in chosen:
        with Image.open(file) as image:
            pytesseract.image_to_string(image)
    naive = time.perf_counter() - began
    name = book.path.name
    figures: dict[str, Any] = {
        f"{name}_ocr_s_per_page": round(whole / len(pages), 3),
        f"{name}_ocr_cpu_s_per_page": round(whole_cpu / len(pages), 3),
        f"{name}_ocr_pytesseract_baseline_s_per_page": round(naive / max(1, len(chosen)), 3),
    }
    if reference is None or not (reference / name).is_dir():
        print(f"character error of {name}: skipped, no reference folder holds its true pages")
        return figures
    errors = characters = failed = 0
    for file, page in zip(files, pages, strict=False):
        truth = _folded((reference / name / f"{file.stem}.txt").read_text("utf-8"))
        text = _folded(" ".join(line.text for block in page.blocks for line in block.lines))
        distance = Levenshtein.distance(truth, text)
        errors, characters = errors + distance, characters + len(truth)
        failed += distance > 0.5 * len(truth)
    return figures | {
        f"{name}_character_error": round(errors / characters, 5),
        f"{name}_pages_failing_wholly": failed,
    }


def _folded(text: str) -> str:
    return " ".join(text.split())


def measure_prose(library: Path, reference: Path | None) -> dict[str, Any]:
    """Words of LaTeX sources found in order in the cleaned text of their PDFs.

    Footnotes are compared by themselves, with the blocks that the pipeline takes for notes:
    in print they stand at the foot of a page, in the source inside a sentence.
    """
    figures: dict[str, Any] = {}
    for book in text_books(library):
        source = None if reference is None else reference / f"{book.path.stem}.tex"
        if source is None or not source.is_file():
            continue
        truth, true_notes = latex_words(source.read_text("latin-1"))
        raw = list(pdf.read(book.path, book, FAST))
        plain = " ".join(x.text for page in raw for block in page.blocks for x in block.lines)
        body = cleaned(book, raw)
        blocks = body.explode("blocks").select(pl.col("blocks").struct.unnest())
        notes = " ".join(blocks.filter(pl.col("kind") == "note")["text"])
        text = "".join(body["text"])
        name = book.path.stem
        figures |= {
            f"{name}_prose_words": len(truth),
            f"{name}_words_in_order": round(in_order(truth, words_of(text)), 5),
            f"{name}_words_in_order_uncleaned_baseline": round(in_order(truth, words_of(plain)), 5),
            f"{name}_footnote_words": len(true_notes),
            f"{name}_footnote_words_in_notes": round(in_order(true_notes, words_of(notes)), 5),
        }
    if not figures:
        print("prose: skipped, no reference folder holds the LaTeX source of a PDF of the library")
    return figures


def measure_embedding(library: Path, reference: Path | None, chunks: int = 256) -> dict[str, Any]:
    """Pieces of 1000 characters per second, in turns with sentence-transformers' float32."""
    del reference
    from sentence_transformers import SentenceTransformer

    from xpoll_dagster.books.embedding import load_embedder, packaged_model_path

    books = text_books(library)
    if not books:
        print("embedding: skipped, the library holds no PDF with a text layer")
        return {}
    longest = max(books, key=lambda book: book.path.stat().st_size)
    whole = "".join(cleaned(longest, pdf.read(longest.path, longest, FAST))["text"])
    texts = [whole[1000 * i : 1000 * (i + 1)] for i in range(min(chunks, len(whole) // 1000))]
    embedder = load_embedder()
    baseline = SentenceTransformer(str(packaged_model_path()), device="cpu")
    spent = [0.0, 0.0]
    for start in range(0, len(texts), 64):
        for place, encode in enumerate((embedder.encode, baseline.encode)):
            if start == 0:
                encode(texts[:8])  # the first call also prepares
            began = time.perf_counter()
            encode(texts[start : start + 64])
            spent[place] += time.perf_counter() - began
    return {
        "embedding_chunks_per_s": round(len(texts) / spent[0], 1),
        "embedding_float32_baseline_chunks_per_s": round(len(texts) / spent[1], 1),
        "embedding_speedup": round(spent[1] / spent[0], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, default=SAMPLES)
    parser.add_argument("--reference", type=Path, default=None)
    parser.add_argument("--skip", nargs="*", choices=PARTS, default=[])
    given = parser.parse_args()
    measures = dict(
        zip(PARTS, (measure_speed, measure_ocr, measure_prose, measure_embedding), strict=True)
    )
    figures: dict[str, Any] = {}
    for part, measure in measures.items():
        if part in given.skip:
            continue
        figures |= measure(given.library, given.reference)
    width = max(map(len, figures), default=0)
    for name, value in figures.items():
        print(f"{name:<{width}}  {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
