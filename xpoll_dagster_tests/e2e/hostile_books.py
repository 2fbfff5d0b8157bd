"""Made-up hostile things for a books' folder, each with what is to become of it."""

from __future__ import annotations

import io
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pymupdf

from xpoll_dagster_tests.e2e.small_library import book_text

Fate = Literal["built", "failed", "either", "passed over", "unseen"]
"""`passed over` is said to the user, `unseen` (a link, a hidden file) is no book to begin with."""

_CONTAINER = (
    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="a.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(97 + n)} "{f"&{chr(96 + n)};" * 10}">' for n in range(1, 12))
    + "]>"
)
_PROSE = "The towns kept their markets on the roads, and the gates were closed at night. "


@dataclass(frozen=True, slots=True)
class Hostile:
    """One thing: how it is put at a path, what becomes of it, and the name that it gets."""

    name: str
    put: Callable[[Path], object]
    fate: Fate


def _opf(*chapters: str) -> str:
    items = "".join(
        f'<item id="c{n}" href="{chapter}" media-type="application/xhtml+xml"/>'
        for n, chapter in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )


def _epub(path: Path, chapters: dict[str, bytes], spine: tuple[str, ...]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", _CONTAINER)
        archive.writestr("a.opf", _opf(*spine))
        for name, content in chapters.items():
            archive.writestr(name, content)


def _page(body: str, head: str = "") -> bytes:
    return f'{head}<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'.encode()


def _zip_bomb(path: Path) -> None:
    _epub(path, {"c.xhtml": _page("<p>" + " " * 600_000_000 + "</p>")}, ("c.xhtml",))


def _traversal(path: Path) -> None:
    _epub(path, {"../../../outside.xhtml": _page("<p>out</p>")}, ("../../../outside.xhtml",))


def _entities_epub(path: Path) -> None:
    _epub(path, {"c.xhtml": _page("<p>&k;</p>", _BOMB)}, ("c.xhtml",))


def _pdf(path: Path, pages: int = 3, **saving: object) -> None:
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page()
        page.insert_textbox(pymupdf.Rect(60, 60, 540, 780), f"{number}. {_PROSE * 20}")
    document.save(path, **saving)  # type: ignore[arg-type]


def _torn_pdf(path: Path) -> None:
    _pdf(path, 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _locked_pdf(path: Path) -> None:
    # 5: AES with 256 bits
    _pdf(path, encryption=5, user_pw="user", owner_pw="owner")


def _huge_header_png(folder: Path) -> None:
    """A picture of 60,000 × 60,000 points that are not there."""
    folder.mkdir()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    content += chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    (folder / "page-001.png").write_bytes(content)


def _many_files(folder: Path) -> None:
    folder.mkdir()
    for number in range(2000):
        text = f"# {number}\n\nGate {number} was closed.\n"
        (folder / f"{number:05d}.md").write_text(text, encoding="utf-8")


def _deep_folder(folder: Path) -> None:
    """A path longer than the system takes in one piece."""
    folder.mkdir()
    (folder / "a.md").write_text(_PROSE * 5, encoding="utf-8")
    here = os.getcwd()  # noqa: PTH109
    try:
        os.chdir(folder)
        for _ in range(60):
            Path("d" * 100).mkdir()
            os.chdir("d" * 100)
        Path("b.md").write_text(_PROSE, encoding="utf-8")
    finally:
        os.chdir(here)


def _linking_folder(folder: Path) -> None:
    """A book that links out of itself, and into itself."""
    folder.mkdir()
    (folder / "01.md").write_text(book_text(7), encoding="utf-8")
    (folder / "02.md").symlink_to("/etc/passwd")
    (folder / "again").symlink_to(folder, target_is_directory=True)


def _socket(path: Path) -> None:
    here = os.getcwd()  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)  # a socket's path may be no longer than 108 bytes
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(9 << 30)


def _text(content: str | bytes) -> Callable[[Path], object]:
    data = content.encode() if isinstance(content, str) else content
    return lambda path: path.write_bytes(data)


def _bad_yaml(path: Path) -> None:
    path.write_text(_PROSE * 30, encoding="utf-8")
    path.with_suffix(".book.yaml").write_text("[" * 50_000, encoding="utf-8")


def _image_bomb_pdf(path: Path) -> None:
    """One page whose picture claims 40,000 × 40,000 points."""
    data = zlib.compress(b"\0" * 100)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length 30>>stream\nq 600 0 0 800 0 0 cm /I Do Q  \nendstream",
        b"<</Type/XObject/Subtype/Image/Width 40000/Height 40000/BitsPerComponent 8"
        b"/ColorSpace/DeviceRGB/Filter/FlateDecode/Length %d>>stream\n"
        % len(data)
        + data
        + b"\nendstream",
    ]
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, os.SEEK_END)
    for number, body in enumerate(objects, 1):
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    out.write(b"trailer<</Root 1 0 R/Size 6>>\n%%EOF")
    path.write_bytes(out.getvalue())


def hostile_books() -> list[Hostile]:
    """All of them; the names are the keys of the partitions, where one is made."""
    return [
        Hostile("empty.pdf", _text(b""), "failed"),
        Hostile("empty.txt", _text(b""), "failed"),
        Hostile("torn.pdf", _torn_pdf, "built"),
        Hostile("locked.pdf", _locked_pdf, "failed"),
        Hostile("zip-bomb.epub", _zip_bomb, "failed"),
        Hostile("traversal.epub", _traversal, "failed"),
        Hostile("entities.epub", _entities_epub, "either"),
        Hostile("entities.html", _text(_page("<p>&k;</p>", _BOMB)), "either"),
        Hostile("deep.html", _text("<div>" * 100_000 + _PROSE * 30), "either"),
        Hostile("deep.md", _text("> " * 20_000 + _PROSE * 30), "either"),
        Hostile("brackets.md", _text("[" * 50_000 + _PROSE * 30), "either"),
        Hostile("nulls.txt", _text(b"\0" * 1_000_000), "failed"),
        Hostile("nulls-in-text.txt", _text(_PROSE.encode().replace(b" ", b"\0") * 200), "failed"),
        Hostile("one-line.txt", _text(_PROSE * (1_000_000 // len(_PROSE))), "built"),
        Hostile("one-word.txt", _text("a" * 1_000_000), "built"),
        Hostile("huge-picture", _huge_header_png, "failed"),
        Hostile("huge-picture.pdf", _image_bomb_pdf, "failed"),
        Hostile("many-files", _many_files, "built"),
        Hostile("deep-folder", _deep_folder, "either"),
        Hostile("links-out", _linking_folder, "built"),
        Hostile("pipe.pdf", os.mkfifo, "passed over"),
        Hostile("socket.txt", _socket, "passed over"),
        Hostile("sparse.pdf", _sparse, "passed over"),
        Hostile("program.exe", _text(b"MZ"), "passed over"),
        Hostile("nested-description.txt", _bad_yaml, "passed over"),
        Hostile("new\nline.txt", _text(_PROSE * 30), "passed over"),
        Hostile(os.fsdecode(b"latin-\xe9.txt"), _text(_PROSE * 30), "passed over"),
        Hostile("link.txt", lambda path: path.symlink_to("/etc/passwd"), "unseen"),
        Hostile(".hidden.txt", _text(_PROSE), "unseen"),
        Hostile(f"{'long-' * 50}.txt", _text(book_text(5)), "built"),
        Hostile("-rf \U0001f600.txt", _text(book_text(3)), "built"),
    ]
