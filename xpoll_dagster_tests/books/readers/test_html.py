"""HTML books, small ones written here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.model import Block, Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import html


def pages_of(path: Path) -> list[RawPage]:
    book = Book(key="a--b", domain="a", path=path, title="A book")
    return list(html.read(path, book, ReadingOptions()))


def blocks_of(folder: Path, source: str | bytes) -> list[Block]:
    path = folder / "book.html"
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return [block for page in pages_of(path) for block in page.blocks]


def texts(folder: Path, source: str | bytes) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks_of(folder, source)]


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<p>The <b>re</b>d\n fox</p>", [("paragraph", "The red fox")]),
        ("<p><span class=dropcap>O</span>NCE upon</p>", [("paragraph", "ONCE upon")]),
        ("<p>caf&eacute;&nbsp;&amp; &#8220;tea&#8221;</p>", [("paragraph", "café & “tea”")]),
        ("<p>One<p>Two", [("paragraph", "One"), ("paragraph", "Two")]),
        ("<p>so it is<sup><a href='#fn1'>1</a></sup>.</p>", [("paragraph", "so it is.")]),
        ("<p>so it is [<a href='#note12'>12</a>] said</p>", [("paragraph", "so it is said")]),
        ("<p>about 10<sup>5</sup> H<sub>2</sub>O</p>", [("paragraph", "about 10^5 H2O")]),
        ("<p>the 1<sup>st</sup> day</p>", [("paragraph", "the 1st day")]),
        ("<p>in <span class='pagenum'>[Pg 12]</span>the</p>", [("paragraph", "in the")]),
        ("<p>seen<span style='display: none'>hidden</span></p>", [("paragraph", "seen")]),
        ("<div class=footnote><p>[1] A note.</p></div>", [("note", "[1] A note.")]),
        ("<p>[<a href='#fn1text'>1</a>] A note.</p>", [("note", "A note.")]),
        ("<pre>if x:\n    y = 1\n</pre>", [("code", "if x:\n    y = 1")]),
        ("<ul><li>one<li>two <b>b</b></ul>", [("list", "- one\n- two b")]),
        ("<ol start=3><li>c<ol><li>d</ol><li>e</ol>", [("list", "3. c\n  1. d\n4. e")]),
        ("<dl><dt>mass<dd>what weighs</dl>", [("list", "- mass: what weighs")]),
        ("<nav><a href=x>Home</a></nav><p>Text", [("paragraph", "Text")]),
        ("<p>a</p><script>x()</script><p>b</p>", [("paragraph", "a"), ("paragraph", "b")]),
        ("<ruby>字<rt>ji</rt></ruby>", [("paragraph", "字")]),
        (
            "<p>New York<br>London</p>",
            [("paragraph", "New York London")],
        ),
        (
            "<div class=poem>Of arms I sing<br>and of the man</div>",
            [("list", "Of arms I sing\nand of the man")],
        ),
    ],
)
def test_reads_markup(tmp_path: Path, inside: str, expected: list[tuple[str, str]]) -> None:
    assert texts(tmp_path, f"<html><body>{inside}</body></html>") == expected


def test_tables_of_data_stay_whole_and_layout_tables_dissolve(tmp_path: Path) -> None:
    data = "<table><tr><th>a<th>b<tr><td colspan=2>x|y<tr><td rowspan=2>1<td>2<tr><td>3</table>"
    assert texts(tmp_path, data) == [
        ("table", "| a | b |\n| --- | --- |\n| x\\|y |  |\n| 1 | 2 |\n|  | 3 |")
    ]
    layout = "<table><tr><td><p>One.</p><p>Two.</p></td></tr></table>"
    assert [text for _, text in texts(tmp_path, layout)] == ["One.", "Two."]


def test_a_table_that_claims_a_million_columns_is_bounded(tmp_path: Path) -> None:
    source = "<table><tr><td colspan=1000000 rowspan=1000000>a</td><td>b</td></tr></table>"
    assert sum(len(text) for _, text in texts(tmp_path, source)) < 10_000


@pytest.mark.parametrize(
    ("math", "expected"),
    [
        ("<mfrac><mi>a</mi><mi>b</mi></mfrac>", "a/b"),
        ("<msup><mi>x</mi><mn>2</mn></msup><mo>+</mo><mn>1</mn>", "x^2 + 1"),
        ("<msqrt><mn>2</mn></msqrt>", "sqrt(2)"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a + b)/2"),
        ("<msub><mi>v</mi><mn>0</mn></msub><mo>=</mo><mo>-</mo><mn>3</mn>", "v_0 = -3"),
        ("<semantics><mi>q</mi><annotation encoding='application/x-tex'>\\pi r^2</annotation>"
         "</semantics>", "\\pi r^2"),
    ],
)  # fmt: skip
def test_formulas_become_readable_lines(tmp_path: Path, math: str, expected: str) -> None:
    assert texts(tmp_path, f"<p>as <math>{math}</math> says</p>") == [
        ("paragraph", f"as {expected} says")
    ]
    display = f"<p>as</p><math display='block'>{math}</math><p>and on</p>"
    assert texts(tmp_path, display) == [
        ("paragraph", "as"), ("formula", expected), ("paragraph", "and on"),
    ]  # fmt: skip


def test_deep_formulas_cost_no_more_than_their_size(tmp_path: Path) -> None:
    deep = "<mrow>" * 200 + "<mi>x</mi>" + "</mrow>" * 200
    assert "x" in texts(tmp_path, f"<p><math>{deep}</math> end</p>")[0][1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    source = "<html><body><p>Élan vital – “naïve” café</p></body></html>"
    assert texts(tmp_path, source.encode(encoding)) == [("paragraph", "Élan vital – “naïve” café")]


def test_a_wrong_declaration_is_overruled(tmp_path: Path) -> None:
    source = "<html><head><meta charset='iso-8859-1'></head><body><p>naïve – à la</p>"
    assert texts(tmp_path, source.encode("utf-8")) == [("paragraph", "naïve – à la")]


def test_sections_are_cut_at_headings_and_named_by_them(tmp_path: Path) -> None:
    path = tmp_path / "book.html"
    path.write_text(
        "<h1>Book</h1><h2>Contents</h2><ul><li>One 1<li>Two 2<li>Three 3</ul>"
        "<h2>I.</h2><h3>The Sea</h3><p>Water is wide and deep.</p><h2>II.</h2><p>Land.</p>"
    )
    pages = pages_of(path)
    assert [page.page for page in pages] == [1, 2, 3, 4][: len(pages)]
    assert [page.kind for page in pages if page.label == "Contents"] == ["contents"]
    assert "I. The Sea" in [page.label for page in pages]
    assert pages[-1].label == "II."


def test_nesting_beyond_the_parser_loses_no_text(tmp_path: Path) -> None:
    source = "<p>first</p>" + "<div>" * 3000 + "<p>deep text</p>" + "</div>" * 3000 + "<p>last</p>"
    path = tmp_path / "deep.html"
    path.write_text(source)
    pages = pages_of(path)
    assert [b.text for page in pages for b in page.blocks] == ["first", "deep text", "last"]
    assert any("nested" in warning for page in pages for warning in page.warnings)


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    source = (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "file://{secret}">]>'
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>a &x; b</p></body></html>'
    )
    assert "secret" not in " ".join(text for _, text in texts(tmp_path, source)).replace("&x;", "")


def test_claims_by_content(tmp_path: Path) -> None:
    for name, content, expected in [
        ("a.txt", "<!DOCTYPE html><html><p>x", True),
        ("b.html", "<p>no head", True),
        ("c.html", "just words", False),
        ("d.md", "<html><body><table>", False),
        ("e.html", "\x00\x01\x02\x03" * 50, False),
    ]:
        path = tmp_path / name
        path.write_text(content)
        assert html.claims(path) is expected, name


def test_describes_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        "<html lang=fr><head><title>\nLe Monde </title><meta name=author content='A. Auteur'></head>"  # noqa: E501
    )
    assert html.describe(path) == {
        "title": "Le Monde", "authors": ["A. Auteur"], "language": "fr",
    }  # fmt: skip
    path.write_bytes(b"\0\1")
    assert html.describe(path) == {}


PIECES = st.lists(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<table>",
            "<tr>",
            "<td>",
            "</table>",
            "<ul>",
            "<li>",
            "</ul>",
            "<dl>",
            "<dt>",
            "<dd>",
            "<h1>",
            "<h2>",
            "<pre>",
            "</pre>",
            "<math>",
            "<mfrac>",
            "<msup>",
            "<mi>",
            "</math>",
            "<br>",
            "<sup>",
            "<a>",
            "<nav>",
            "<section>",
            "&amp;",
            "&x;",
            "word",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<![CDATA[",
            "]]>",
            "<span",
            "class=pagenum>",
            "<br/>",
            "\x00",
            "\ue000",
        ]
    ),
    max_size=60,
).map("".join)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.one_of(PIECES.map(str.encode), st.binary(max_size=300)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.html"
    path.write_bytes(content)
    html.claims(path)
    html.describe(path)
    try:
        pages = pages_of(path)
    except BookError:
        return
    assert all(block.text.strip() for page in pages for block in page.blocks)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(st.from_regex(r"\A[a-z]{2,9}\Z"), min_size=1, max_size=40),
    tags=st.lists(
        st.sampled_from(["", "<b>", "</b>", "<p>", "</p>", "<i>", "<br>", "<div>", "</div>"]),
        min_size=40,
        max_size=40,
    ),
)
def test_no_word_is_lost_or_glued(tmp_path: Path, words: list[str], tags: list[str]) -> None:
    source = " ".join(f"{tag}{word}" for word, tag in zip(words, tags, strict=False))
    found = " ".join(text for _, text in texts(tmp_path, f"<body>{source}</body>")).split()
    assert found == words
