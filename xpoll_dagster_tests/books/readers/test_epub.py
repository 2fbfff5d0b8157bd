"""EPUB books, built here as ZIP files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import epub, epub_archive

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)
XHTML = (
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
    "<head><title>t</title></head><body>{}</body></html>"
)


def package(spine: str | None = '<itemref idref="a"/><itemref idref="b"/>') -> str:
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<metadata><dc:title>Tides</dc:title><dc:creator>A. Moon</dc:creator>"
        "<dc:language>en</dc:language></metadata><manifest>"
        '<item id="nav" properties="nav" href="nav.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="b%20two.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="a" href="text/a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        + (f"<spine>{spine}</spine>" if spine is not None else "")
        + "</package>"
    )


def build(folder: Path, **changes: str | bytes | None) -> Path:
    parts: dict[str, str | bytes | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": package(),
        "OPS/nav.xhtml": XHTML.format('<nav epub:type="toc"><ol><li><a href="x">One</a></li></ol></nav>'),  # noqa: E501
        "OPS/text/a.xhtml": XHTML.format("<h1>One</h1><p>The sea&nbsp;rises.</p>"),
        "OPS/b two.xhtml": XHTML.format(
            '<h1>Two</h1><p>It falls<a epub:type="noteref" href="#n">1</a>.</p>'
            '<aside epub:type="footnote" id="n"><p>Twice a day.</p></aside>'
        ),
        **changes,
    }  # fmt: skip
    path = folder / "book.epub"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def pages_of(path: Path) -> list[RawPage]:
    book = Book(key="a--b", domain="a", path=path, title="A book")
    return list(epub.read(path, book, ReadingOptions()))


def texts(pages: list[RawPage]) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for page in pages for block in page.blocks]


BODY = [
    ("heading", "One"),
    ("paragraph", "The sea rises."),
    ("heading", "Two"),
    ("paragraph", "It falls."),
    ("note", "Twice a day."),
]


def test_reads_the_spine_in_its_order(tmp_path: Path) -> None:
    pages = pages_of(build(tmp_path))
    assert texts(pages) == BODY
    assert [(page.page, page.label) for page in pages] == [(1, "One"), (2, "Two")]
    assert not any(page.warnings for page in pages)


def test_marks_the_navigation_document_as_contents(tmp_path: Path) -> None:
    spine = '<itemref idref="nav"/><itemref idref="a"/>'
    pages = pages_of(build(tmp_path, **{"OPS/book.opf": package(spine)}))
    assert [page.kind for page in pages] == ["contents", "body"]
    assert pages[0].blocks[0].text == "1. One"


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({"mimetype": None}, "mimetype"),
        ({"OPS/book.opf": package(spine=None)}, "no spine"),
        ({"OPS/b two.xhtml": None}, "missing"),
    ],
)
def test_recovers_and_says_so(tmp_path: Path, changes: dict[str, str | None], warned: str) -> None:
    pages = pages_of(build(tmp_path, **changes))
    assert ("paragraph", "The sea rises.") in texts(pages)
    assert any(warned in warning for page in pages for warning in page.warnings)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"META-INF/container.xml": None}, "container"),
        ({"OPS/book.opf": "<package><metadata></package>"}, "not valid XML"),
        ({"OPS/book.opf": None}, "missing"),
        ({"OPS/text/a.xhtml": None, "OPS/b two.xhtml": None, "OPS/nav.xhtml": None}, "documents"),
        (
            {"META-INF/encryption.xml": '<encryption><EncryptionMethod Algorithm="aes"/></encryption>'},  # noqa: E501
            "protected",
        ),
    ],
)  # fmt: skip
def test_refuses_with_a_reason(tmp_path: Path, changes: dict[str, str | None], reason: str) -> None:
    with pytest.raises(BookError, match=reason):
        pages_of(build(tmp_path, **changes))


def test_scrambled_fonts_are_no_protection(tmp_path: Path) -> None:
    fonts = '<encryption><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/></encryption>'
    assert texts(pages_of(build(tmp_path, **{"META-INF/encryption.xml": fonts}))) == BODY


def test_a_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    bomb = b"<p>" + b"a" * (epub_archive.MAX_ENTRY_BYTES + 10)
    path = build(tmp_path, **{"OPS/text/a.xhtml": bomb, "OPS/b two.xhtml": bomb})
    assert path.stat().st_size < 200_000
    with pytest.raises(BookError, match="unpacks"):
        pages_of(path)


def test_a_chapter_that_stands_twice_is_read_once(tmp_path: Path) -> None:
    path = build(tmp_path)
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(path, "a") as archive,
    ):
        archive.writestr("OPS/text/a.xhtml", XHTML.format("<h1>One</h1><p>Again.</p>"))
    pages = pages_of(path)
    assert sum(text == "One" for _, text in texts(pages)) == 1
    assert any("twice" in warning for page in pages for warning in page.warnings)


def test_nothing_outside_the_archive_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.xhtml").write_text(XHTML.format("<p>secret</p>"))
    opf = package().replace("text/a.xhtml", "../../secret.xhtml")
    pages = pages_of(build(tmp_path, **{"OPS/book.opf": opf}))
    assert "secret" not in str(texts(pages))


def test_entities_do_not_expand(tmp_path: Path) -> None:
    lol = '<!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    source = lol + XHTML.format("<p>x &b; y</p>")
    pages = pages_of(build(tmp_path, **{"OPS/text/a.xhtml": source}))
    assert "hahaha" not in str(texts(pages))


def test_broken_xhtml_is_read_as_html(tmp_path: Path) -> None:
    broken = XHTML.format('<a id="x"/><p>One<br>two <i/>three')
    pages = pages_of(build(tmp_path, **{"OPS/text/a.xhtml": broken}))
    assert ("paragraph", "One two three") in texts(pages)


def test_claims_and_describes(tmp_path: Path) -> None:
    path = build(tmp_path)
    assert epub.claims(path.rename(tmp_path / "book.zip"))
    assert epub.describe(tmp_path / "book.zip") == {
        "title": "Tides", "authors": ["A. Moon"], "language": "en",
    }  # fmt: skip
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert not epub.claims(other)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(build(tmp_path).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.epub"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    epub.claims(path)
    epub.describe(path)
    try:
        pages_of(path)
    except BookError as error:
        assert len(str(error)) < 300  # noqa: PT017


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    part=st.sampled_from(["OPS/book.opf", "OPS/text/a.xhtml", "META-INF/container.xml"]),
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode())),
)
def test_any_content_is_read_or_refused(tmp_path: Path, part: str, content: bytes) -> None:
    try:
        pages_of(build(tmp_path, **{part: content}))
    except BookError as error:
        assert len(str(error)) < 300  # noqa: PT017
