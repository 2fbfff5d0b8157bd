"""Reading books: speed and faithfulness, each beside its baseline in the same run.

`python -m benchmarks.books [--library PATH] [--reference PATH] [--skip PART ...]` prints a table
and ends with one line of JSON. The library has the layout `<domain>/<book>`; the reference
holds the true texts. Times are of this machine as it is: run it with nothing beside it.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xpoll_dagster.books.model import Book, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import images, pdf

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
WHITEHEAD = "mathematics/introduction-to-mathematics-whitehead.pdf"
BALL = "mathematics/history-of-mathematics-ball.pdf"
FLORIDA = "history/colonial-florida-scan"
PARTS = ("speed", "ocr", "prose", "embedding")


def book_at(path: Path) -> Book:
    return Book(key=f"bench--{path.stem}", domain="bench", path=path, title=path.stem)


def cleaned_texts(book: Book, pages: Iterable[RawPage]) -> list[str]:
    """The texts of the cleaned pages of kind body, in order."""
    from xpoll_dagster.books.cleaning import CleaningOptions, clean_book

    frame = clean_book(pages, book, CleaningOptions())
    return [row["text"] for row in frame.iter_rows(named=True) if row["kind"] == "body"]


def measure_speed(library: Path) -> dict[str, Any]:
    import pymupdf

    figures: dict[str, Any] = {}
    options = ReadingOptions(route="fast", ocr="never")
    for name, relative in (("ball", BALL), ("whitehead", WHITEHEAD)):
        book = book_at(library / relative)
        with pymupdf.open(str(book.path)) as document:
            began = time.perf_counter()
            for page in document:
                page.get_text()
            plain = document.page_count / (time.perf_counter() - began)
        began, cpu = time.perf_counter(), time.process_time()
        pages = list(pdf.read(book.path, book, options))
        read = time.perf_counter() - began
        read_cpu = time.process_time() - cpu
        cleaned_texts(book, pages)
        cleaned = time.perf_counter() - began
        figures |= {
            f"{name}_read_pages_per_s": round(len(pages) / read, 1),
            f"{name}_read_pages_per_cpu_s": round(len(pages) / read_cpu, 1),
            f"{name}_clean_pages_per_s": round(len(pages) / cleaned, 1),
            f"{name}_plain_text_baseline_pages_per_s": round(plain, 1),
        }
    return figures


def measure_ocr(library: Path, reference: Path, baseline_pages: int = 2) -> dict[str, Any]:
    import pytesseract
    from PIL import Image
    from rapidfuzz.distance import Levenshtein

    book = book_at(library / FLORIDA)
    files = images.page_files(book.path)
    began = time.perf_counter()
    pages = list(images.read(book.path, book, ReadingOptions()))
    per_page = (time.perf_counter() - began) / len(pages)
    began = time.perf_counter()
    for file in files[5 : 5 + baseline_pages]:
        with Image.open(file) as image:
            pytesseract.image_to_string(image)
    naive = (time.perf_counter() - began) / baseline_pages
    errors = characters = failed = 0
    for file, page in zip(files, pages, strict=True):
        truth = _folded((reference / book.path.name / f"{file.stem}.txt").read_text("utf-8"))
        text = _folded(" ".join(line.text for block in page.blocks for line in block.lines))
        distance = Levenshtein.distance(truth, text)
        errors, characters = errors + distance, characters + len(truth)
        failed += distance > 0.5 * len(truth)
    return {
        "ocr_s_per_page": round(per_page, 3),
        "ocr_naive_baseline_s_per_page": round(naive, 3),
        "ocr_workers": os.cpu_count(),
        "ocr_character_error": round(errors / characters, 5),
        "ocr_pages_failing_wholly": failed,
    }


def measure_prose(library: Path, reference: Path) -> dict[str, Any]:
    book = book_at(library / WHITEHEAD)
    latex = (reference / "introduction-to-mathematics-whitehead.tex").read_text("latin-1")
    truth = latex_words(latex)
    raw = list(pdf.read(book.path, book, ReadingOptions(route="fast", ocr="never")))
    plain = "\n".join(line.text for page in raw for block in page.blocks for line in block.lines)
    return {
        "whitehead_prose_words": len(truth),
        "whitehead_words_in_order": round(
            in_order(truth, _words("".join(cleaned_texts(book, raw)))), 5
        ),
        "whitehead_words_in_order_uncleaned_baseline": round(in_order(truth, _words(plain)), 5),
    }


def latex_words(source: str) -> list[str]:
    """The words of the main matter's prose: no commands, no mathematics, no comments.

    Footnotes stand at the page's foot in print and inside a sentence in the source: they are
    left out. The commands that carry no words are this one book's.
    """
    body = source.split("\\end{document}", maxsplit=1)[0].rsplit("\\begin{document}", maxsplit=1)[
        -1
    ]
    body = body.split("\\MainMatter\n")[-1]
    for end in ("\\BackMatter", "\\printindex"):
        body = body.split(end)[0]
    braces = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
    body = re.sub(r"(?<!\\)%.*?(?:\n[ \t]*|$)", "", body)
    kinds = "equation|align|gather|multline|eqnarray|displaymath|math|array|tabular|DPalign"
    body = re.sub(rf"\\begin\{{({kinds})(\*?)\}}.*?\\end\{{\1\2\}}", " ", body, flags=re.DOTALL)
    body = re.sub(r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)", " ", body, flags=re.DOTALL)
    body = re.sub(r"(?<!\\)\$[^$]*\$", " ", body)
    unread = "label|ref|pageref|index|Pagelabel|PageSep|Graphic|Figure|Input|vspace|footnote"
    body = re.sub(rf"\\(?:{unread})\*?(?:\[[^\]]*\])?(?:{braces})?", "", body)
    body = re.sub(rf"\\(?:Typo|Chg){braces}", "", body)
    body = re.sub(r"\\Chapter\[[^\]]*\]", " ", body)
    body = re.sub(r"\\(?:begin|end)\{[^}]*\}(?:\[[^\]]*\])?", " ", body)
    body = re.sub(r"\\[`'^\"~=.]\{?\\?([A-Za-z])\}?", r"\1", body)
    body = body.replace("\\-", "").replace("\\ae", "ae").replace("\\oe", "oe")
    body = re.sub(r"\\[A-Za-z]+\*?(?:\[[^\]]*\])?|\\.", " ", body)
    return _words(body.replace("}{", " ").replace("{", "").replace("}", ""))


def in_order(truth: list[str], text: list[str]) -> float:
    """Share of the true words that a diff finds in the text, in order.

    A diff of whole books takes quadratic time, so both are first aligned at words that occur
    in sequences of eight that are unique in either.
    """
    found = 0
    last_truth = last_text = 0
    for here, there, length in [*_anchors(truth, text, 8), (len(truth), len(text), 0)]:
        if here < last_truth or there < last_text:
            continue
        gap = difflib.SequenceMatcher(
            None, truth[last_truth:here], text[last_text:there], autojunk=False
        )
        found += sum(block.size for block in gap.get_matching_blocks()) + length
        last_truth, last_text = here + length, there + length
    return found / max(1, len(truth))


def _anchors(one: list[str], two: list[str], length: int) -> list[tuple[int, int, int]]:
    def unique(words: list[str]) -> dict[tuple[str, ...], int]:
        seen: dict[tuple[str, ...], int] = {}
        for place in range(len(words) - length + 1):
            key = tuple(words[place : place + length])
            seen[key] = -1 if key in seen else place
        return seen

    second = unique(two)
    anchors: list[tuple[int, int, int]] = []
    for key, place in unique(one).items():
        there = second.get(key, -1)
        if place < 0 or there < 0:
            continue
        if not anchors or (place >= anchors[-1][0] + length and there >= anchors[-1][1] + length):
            # A far jump in one text only is a chance match, not the same place.
            last = anchors[-1] if anchors else (0, 0, 0)
            if abs((place - last[0]) - (there - last[1])) < 3000:
                anchors.append((place, there, length))
    return anchors


def _words(text: str) -> list[str]:
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    return re.findall(r"[a-z]+", "".join(c for c in plain if not unicodedata.combining(c)).lower())


def _folded(text: str) -> str:
    return " ".join(text.split())


def measure_embedding(library: Path, chunks: int = 128) -> dict[str, Any]:
    """Chunks of 1000 characters per second, beside sentence-transformers' float32."""
    from sentence_transformers import SentenceTransformer

    from xpoll_dagster.books.embedding import load_embedder, packaged_model_path
    from xpoll_dagster.books.embedding_options import EmbedderOptions

    book = book_at(library / WHITEHEAD)
    pages = pdf.read(book.path, book, ReadingOptions(route="fast", ocr="never"))
    whole = "".join(cleaned_texts(book, pages))
    texts = [whole[1000 * i : 1000 * (i + 1)] for i in range(min(chunks, len(whole) // 1000))]
    embedder = load_embedder(EmbedderOptions())
    baseline = SentenceTransformer(str(packaged_model_path()), device="cpu")
    rates = []
    for encode in (embedder.encode, baseline.encode):
        encode(texts[:8])
        began = time.perf_counter()
        encode(texts)
        rates.append(len(texts) / (time.perf_counter() - began))
    return {
        "embedding_chunks_per_s": round(rates[0], 1),
        "embedding_float32_baseline_chunks_per_s": round(rates[1], 1),
        "embedding_speedup": round(rates[0] / rates[1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, default=DATA / "library")
    parser.add_argument("--reference", type=Path, default=DATA / "reference")
    parser.add_argument("--skip", nargs="*", choices=PARTS, default=[])
    given = parser.parse_args()
    figures: dict[str, Any] = {}
    if "speed" not in given.skip:
        figures |= measure_speed(given.library)
    if "ocr" not in given.skip:
        figures |= measure_ocr(given.library, given.reference)
    if "prose" not in given.skip:
        figures |= measure_prose(given.library, given.reference)
    if "embedding" not in given.skip:
        figures |= measure_embedding(given.library)
    width = max(map(len, figures), default=0)
    for name, value in figures.items():
        print(f"{name:<{width}}  {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
