from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xpoll_dagster.report import ReportError, ReportOptions, ReportSources, write_report
from xpoll_dagster.report.inlining import content_hash
from xpoll_dagster_tests.report.library import HOSTILE, make_sources


class _Page(HTMLParser):
    """The page as a browser takes it apart: elements, and what its scripts hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[dict[str, str | None], str]] = []
        self.text: list[str] = []
        self._inside: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._inside = dict(attrs) | {"tag": tag}
            self.raw.append((self._inside, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            self.text.append(data)
        else:
            self.raw[-1] = (self.raw[-1][0], self.raw[-1][1] + data)

    def data(self, name: str) -> Any:
        return next(json.loads(raw) for attrs, raw in self.raw if attrs.get("id") == f"data-{name}")

    @property
    def policy(self) -> str:
        return next(
            attrs["content"] or ""
            for tag, attrs in self.elements
            if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def sources(folder: Path) -> ReportSources:
    return make_sources(folder)


@pytest.fixture(scope="module")
def page(folder: Path, sources: ReportSources) -> _Page:
    write_report(folder, sources)
    return _Page((folder / "index.html").read_text(encoding="utf-8"))


def test_no_text_of_a_book_becomes_markup(page: _Page) -> None:
    assert all(tag != "img" for tag, _ in page.elements)
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    executable = [raw for attrs, raw in page.raw if attrs == {"tag": "script"}]
    assert len(executable) == 1
    assert "owned" not in executable[0]
    assert page.data("passages")["text"][0].count(HOSTILE) == 1
    assert page.data("pairs")["explanation"][0] == HOSTILE


def test_the_policy_allows_this_script_and_style_and_nothing_else(page: _Page) -> None:
    rules = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    assert rules["default-src"] == "'none'"
    for attrs, raw in page.raw:
        if "type" not in attrs:
            assert rules[f"{attrs['tag']}-src"] == content_hash(raw)
    assert "unsafe" not in page.policy


def test_nothing_is_fetched_from_anywhere(page: _Page) -> None:
    for tag, attrs in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        for name in ("src", "href", "action", "data", "srcset"):
            assert (attrs.get(name) or "#").startswith("#")


def test_directions_and_controls_of_a_title_stay_inside_it(page: _Page) -> None:
    shown = "".join(page.text)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", shown)
    assert "שלום" in shown


def test_every_part_is_there_with_its_counts(page: _Page) -> None:
    shown = " ".join(" ".join(page.text).split())
    for said in (
        "75.0 % accepted: 9 of 12; 3 rejected.",
        "70.0 % accepted: 7 of 10; 3 rejected.",
        "100 rows before, 70 after merging: 26 removed",
        "Left out of the bundle: 1 (its chunks lie in different splits)",
        "notes.docx no reader takes .docx",
        "The category code has too few rows.",
    ):
        assert said in shown
    assert "is built yet" not in shown


def test_a_pair_has_both_passages_with_the_shared_concept_marked(page: _Page) -> None:
    passages, pairs = page.data("passages"), page.data("pairs")
    for side, expected in (("left", "chronometer"), ("right", "chronometers")):
        text = passages["text"][pairs[side][1]]
        spans = pairs["marks"][1][0 if side == "left" else 1]
        assert [text[start:end] for start, end, _ in spans] == [expected]


def test_only_chunks_are_needed(tmp_path: Path, sources: ReportSources) -> None:
    numbers = write_report(tmp_path, ReportSources(chunks=sources.chunks))
    shown = "".join(_Page((tmp_path / "index.html").read_text(encoding="utf-8")).text)
    assert numbers.parts == ("library",)
    for absent in (
        "No embeddings are built, so there is no map.",
        "No pairs are built yet.",
        "No dataset is built yet.",
        "No texts are written yet.",
        "No questions are built yet.",
        "No training corpus is merged yet.",
        "No mixes are built yet.",
    ):
        assert absent in shown


def test_chunks_without_prose_make_a_page_too(tmp_path: Path, sources: ReportSources) -> None:
    chunks = sources.chunks.lazy().with_columns(passage=pl.lit(""))
    numbers = write_report(tmp_path, ReportSources(chunks=chunks, embeddings=sources.embeddings))
    assert (numbers.chunks, numbers.passages) == (60, 0)
    with pytest.raises(ReportError, match="No book has been read yet"):
        write_report(tmp_path, ReportSources(chunks=chunks.head(0)))


def test_words_that_the_explanation_quotes_are_marked_besides_the_concepts(
    tmp_path: Path, sources: ReportSources
) -> None:
    assert sources.pairs is not None
    said = "Both passages share the words “tells” and “chronometer”."
    pairs = sources.pairs.lazy().with_columns(explanation=pl.lit(said))
    write_report(
        tmp_path, ReportSources(chunks=sources.chunks, concepts=sources.concepts, pairs=pairs)
    )
    page = _Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert page.data("pairs")["concepts"][2] == ["marine chronometer", "tells"]
    right = page.data("passages")["text"][page.data("pairs")["right"][2]].encode("utf-16-le")
    spans = page.data("pairs")["marks"][2][1]
    marked = [right[2 * start : 2 * end].decode("utf-16-le") for start, end, _ in spans]
    assert marked == ["chronometers", "tells"]


def test_limits_hold_and_are_told(tmp_path: Path, sources: ReportSources) -> None:
    options = ReportOptions(
        max_passages=20, max_pairs=5, max_rows=4, max_questions=2, max_rejected=1
    )
    numbers = write_report(tmp_path, sources, options)
    assert (numbers.passages, numbers.passages_total) == (20, 60)
    assert (numbers.pairs, numbers.pairs_total) == (5, 12)
    assert (numbers.rows, numbers.rows_total) == (4, 10)
    assert (numbers.questions, numbers.questions_total) == (2, 4)
    assert (numbers.rejected, numbers.rejected_total) == (3, 7)
    assert numbers.bytes == (tmp_path / "index.html").stat().st_size
    shown = " ".join("".join(_Page((tmp_path / "index.html").read_text("utf-8")).text).split())
    assert "Of 60 passages 20 are shown" in shown
    assert "The best 5 of 12 pairs are shown." in shown
    assert "Of 10 rows this page holds 4" in shown


def test_the_same_library_gives_the_same_page(tmp_path: Path, sources: ReportSources) -> None:
    pages = []
    for name in ("first", "second"):
        write_report(tmp_path / name, sources)
        pages.append((tmp_path / name / "index.html").read_bytes())
    assert pages[0] == pages[1]


def test_pairs_without_their_chunks_are_an_error(tmp_path: Path, sources: ReportSources) -> None:
    chunks = sources.chunks.lazy().filter(pl.col("ordinal") > 3)
    with pytest.raises(ReportError, match="materialise cross_domain_pairs again"):
        write_report(tmp_path, ReportSources(chunks=chunks, pairs=sources.pairs))


def test_a_broken_folder_says_what_to_do(tmp_path: Path, sources: ReportSources) -> None:
    for broken in (
        ReportSources(chunks=sources.chunks, sft_dataset=tmp_path),
        ReportSources(chunks=sources.chunks, retrieval=tmp_path),
        ReportSources(chunks=sources.chunks, mixes={"small": tmp_path}),
        ReportSources(chunks=sources.chunks, merged_corpus=tmp_path),
    ):
        with pytest.raises(ReportError):
            write_report(tmp_path, broken)
    assert not (tmp_path / "index.html").exists()
