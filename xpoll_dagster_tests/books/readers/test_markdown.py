"""Markdown books, small ones written here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import markdown

MATH = "<math><msup><mi>x</mi><mn>2</mn></msup></math>"


def pages_of(path: Path) -> list[RawPage]:
    book = Book(key="a--b", domain="a", path=path, title="A book")
    return list(markdown.read(path, book, ReadingOptions()))


def texts(folder: Path, source: str) -> list[tuple[str, str]]:
    path = folder / "book.md"
    path.write_text(source)
    return [(block.kind, block.text) for page in pages_of(path) for block in page.blocks]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("One *two*\n__three__ `four_5`.", [("paragraph", "One two three four_5.")]),
        ("A **term**{: .c #id} here.\n{: .note}", [("paragraph", "A term here.")]),
        ("# Head {#h}\n\ntext", [("heading", "Head"), ("paragraph", "text")]),
        ("- a\n- b\n  - c", [("list", "- a\n- b\n  - c")]),
        ("```py\nx = {: 1}\n\n<div>\n```", [("code", "x = {: 1}\n\n<div>")]),
        ("|a|b|\n|---|---|\n|1|2|", [("table", "| a | b |\n| --- | --- |\n| 1 | 2 |")]),
        ("|a|b|\n|----\n|1|2|", [("table", "| a | b |\n| --- | --- |\n| 1 | 2 |")]),
        ("Said.[^1]\n\n[^1]: A note.", [("paragraph", "Said."), ("note", "A note.")]),
        ("so $a_1*b_2*c$ is", [("paragraph", "so $a_1*b_2*c$ is")]),
        ("it costs $5 or $6.", [("paragraph", "it costs $5 or $6.")]),
        ("$$\nx_1 = *2*\n$$", [("formula", "$$x_1 = *2*$$")]),
        (f"where {MATH}\n\n is large", [("paragraph", "where x^2 is large")]),
        (f"it is {MATH}\n\n. So", [("paragraph", "it is x^2. So")]),
        (f'<div data-type="equation">\n{MATH}\n</div>', [("formula", "x^2")]),
        ('<div class="n" markdown="1">\n**In** it.\n</div>', [("paragraph", "In it.")]),
        ('![alt](a.png "The sea.")\n\ntext', [("paragraph", "The sea."), ("paragraph", "text")]),
        ("![alt](a.png)\nFigure 1. Sea.", [("paragraph", "Figure 1. Sea.")]),
        (
            "![a](b.png){: #f1}\n\nas in [\\[link\\]](#f1) above",
            [("paragraph", "as in the figure above")],
        ),
        (
            f"<table>\n<tr><td>{MATH}\n\n</td>\n    <td>b</td></tr>\n</table>",
            [("table", "| x^2 | b |")],
        ),
        ("term\n: what it is", [("list", "- term: what it is")]),
    ],
)
def test_reads_markdown(tmp_path: Path, source: str, expected: list[tuple[str, str]]) -> None:
    assert texts(tmp_path, source) == expected


def test_numbers_give_flat_headings_their_depth(tmp_path: Path) -> None:
    heads = ["1.0 ONE", "1.1 First", "1.1.1 Inner", "1.2 Second", "2.0 TWO", "2.1 Third"]
    path = tmp_path / "book.md"
    path.write_text("\n\n".join(f"# {head}\n\nSome text." for head in heads))
    blocks = [block for page in pages_of(path) for block in page.blocks]
    assert [block.level for block in blocks if block.kind == "heading"] == [1, 2, 3, 2, 1, 2]


def library(folder: Path) -> Path:
    book = folder / "book"
    (book / "parts").mkdir(parents=True)
    for name in ("a", "b2", "b10"):
        (book / "parts" / f"{name}.md").write_text(f"# Title {name}\n\n## Inner\n\nText of {name}.")
    return book


def test_a_folder_without_summary_is_read_by_name(tmp_path: Path) -> None:
    pages = pages_of(library(tmp_path))
    assert [page.label for page in pages] == ["Title a", "Title b2", "Title b10"]


def test_a_summary_orders_the_files_and_nests_their_headings(tmp_path: Path) -> None:
    folder = library(tmp_path)
    (tmp_path / "outside.md").write_text("# Secret\n\nsecret")
    (folder / "parts" / "a.md").write_text("---\ntitle: From the front\n---\n\n### Deep\n\nText.")
    (folder / "SUMMARY.md").write_text(
        "# Summary\n\n* [B](parts/b10.md)\n  * [A](parts/a.md)\n* [Out](../outside.md)\n"
        "* [Away](https://example.org/x.md)\n"
    )
    pages = pages_of(folder)
    assert [page.label for page in pages] == ["Title b10", "From the front"]
    levels = [(b.text, b.level) for page in pages for b in page.blocks if b.kind == "heading"]
    assert levels == [("Title b10", 1), ("Inner", 2), ("From the front", 2), ("Deep", 3)]
    said = " ".join(warning for page in pages for warning in page.warnings)
    assert "1 Markdown files that SUMMARY.md does not list" in said
    assert "1 files that SUMMARY.md lists are missing" in said


def test_one_broken_file_does_not_cost_the_book(tmp_path: Path) -> None:
    folder = library(tmp_path)
    (folder / "parts" / "a.md").write_bytes(b"\x00\x01\x02\x03" * 20)
    pages = pages_of(folder)
    assert [page.label for page in pages] == ["Title b2", "Title b10"]
    assert any("a.md" in warning for page in pages for warning in page.warnings)


def test_links_to_elsewhere_are_not_followed(tmp_path: Path) -> None:
    folder = library(tmp_path)
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    (folder / "link.md").symlink_to(secret)
    assert "secret" not in str(pages_of(folder))


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    assert not markdown.claims(folder)
    (folder / "a.md").write_text("   ")
    with pytest.raises(BookError, match="no text"):
        pages_of(folder)


def test_describes_itself(tmp_path: Path) -> None:
    path = tmp_path / "book.md"
    path.write_text("---\ntitle: On Tides\nauthor: A. Moon\nlang: en\n---\n\nText.")
    assert markdown.describe(path) == {
        "title": "On Tides", "authors": ["A. Moon"], "language": "en",
    }  # fmt: skip


PIECES = st.lists(
    st.sampled_from(
        ["# ", "\n", "\n\n", "* ", "| a | b |\n", "|---|\n", "$", "$$", "```", "`", "<math>",
         "</math>", "<div>\n", "</div>\n", "<table>", "[^1]", "[^1]: ", "{: .c}", "word ", "  ",
         "[\\[link\\]](#x)", "![a](b \"c\")", "---\n", "&#xE000;3&#xE001;", "\ue0029\ue003", ": "]
    ),
    max_size=50,
).map("".join)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.one_of(PIECES.map(str.encode), st.binary(max_size=200), st.text().map(str.encode))
)
def test_anything_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.md"
    path.write_bytes(content)
    markdown.claims(path)
    markdown.describe(path)
    try:
        pages_of(path)
    except BookError as error:
        assert "any.md" in str(error)  # noqa: PT017
