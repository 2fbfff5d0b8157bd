"""Cleaning and chunking measured on real books, where the library lies beside the project."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from rapidfuzz.distance import LCSseq

from xpoll_dagster.books.chunking import chunk_book
from xpoll_dagster.books.cleaning import clean_book
from xpoll_dagster.books.model import Book
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import pdf

ROOT = Path(__file__).parents[3]
LIBRARY = Path(os.environ.get("XPOLL_TEST_LIBRARY", ROOT.parent / "shared" / "data"))
MATHEMATICS = LIBRARY / "library" / "mathematics"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not MATHEMATICS.is_dir(),
        reason=f"no library of real books at {LIBRARY}; XPOLL_TEST_LIBRARY names one",
    ),
]

HEADS = {
    "introduction-to-mathematics-whitehead": r"[A-Z][A-Z ]{8,} \d{1,3}$|^\d{2,3}$",
    "history-of-mathematics-ball": r"^(?:CH\. [IVXL]+\]|TABLE OF CONTENTS [ivxl]+|INDEX \d+)",
    "pari-gp-tutorial": r"^\d{1,2}$",
}


def cleaned(name: str) -> pl.DataFrame:
    path = MATHEMATICS / f"{name}.pdf"
    book = Book(f"mathematics--{name}", "mathematics", path, name)
    options = ReadingOptions(route="fast", ocr="never")
    return clean_book(pdf.read(path, book, options), book)


def prose_words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower().replace("æ", "ae").replace("œ", "oe"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[a-z]{2,}", re.sub(r"(?<=[a-z])['’](?=[a-z])", "", plain))


def latex_words(source: str) -> list[str]:
    """Prose words of a LaTeX source: comments, formulas and commands aside."""
    text = re.sub(r"(?<!\\)%.*", "", source)
    environment = r"\\begin\{((?:DP)?(?:align|gather|equation|multline|array)\w*\*?)\}"
    text = re.sub(environment + r".*?\\end\{\1\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"\\\[.*?\\\]|\$\$.*?\$\$|\\\(.*?\\\)", " ", text, flags=re.DOTALL)
    text = re.sub(r"(?<!\\)\$[^$]*\$", " ", text)
    text = re.sub(r"\\(?:begin|end)\{\w+\*?\}(?:\{[^{}]*\})*", " ", text)
    aside = "index|label|Graphic|includegraphics|[Pp]age[lr]\\w+|PageSep|Fig\\w*|Eq|Tag|tag"
    text = re.sub(rf"\\(?:{aside})\*?(\[[^\]]*\])?(\{{[^{{}}]*\}})+", " ", text)
    text = re.sub(r"\\Chg\{[^{}]*\}", " ", text)
    text = re.sub(r"\\Chapter\{[^{}]*\}", " ", text)
    for command, plain in ((r"\oe", "oe"), (r"\ae{}", "ae"), (r"\ae", "ae"), (r"\-", "")):
        text = text.replace(command, plain)
    text = re.sub(r"\\[`'^\"~=.]\{?([a-zA-Z])\}?", r"\1", text).replace("~", " ")
    text = re.sub(r"\\[a-zA-Z]+\*?", " ", text)
    return prose_words(text.replace("{", "").replace("}", ""))


def test_prose_of_whitehead_is_found_in_order():
    path = LIBRARY / "reference" / "introduction-to-mathematics-whitehead.tex"
    source = path.read_text(encoding="latin-1")
    start = source.index(r"\First{The} study of mathematics")
    reference = latex_words(source[start : source.index(r"\printindex", start)])
    table = cleaned("introduction-to-mathematics-whitehead")
    text = "".join(table.filter(pl.col("kind") == "body")["text"])
    found = prose_words(text[text.index("The study of mathematics") :])
    assert LCSseq.similarity(reference, found) / len(reference) >= 0.99


@pytest.mark.parametrize("name", HEADS)
def test_no_running_head_is_left_and_chunks_give_the_text_back(name: str):
    table = cleaned(name)
    body = table.filter(pl.col("kind") == "body")
    lines = [line for text in body["text"] for line in text.split("\n")]
    assert [line for line in lines if re.search(HEADS[name], line)] == []
    chunks = chunk_book(table, lambda texts: [len(text.split()) * 4 // 3 + 2 for text in texts])
    assert "".join(chunks["text"]) == "".join(body["text"])
    prose = chunks.filter(pl.col("kind") == "prose")
    within = prose["n_tokens"].is_between(60, 256)
    assert within.sum() >= 0.95 * len(within)
