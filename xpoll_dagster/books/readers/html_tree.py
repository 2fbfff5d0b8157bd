"""HTML and XHTML bytes or text to an element tree, without network, entities or deep nesting."""

from __future__ import annotations

import html
import html.entities
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from xpoll_dagster.books.model import BookError

_DECLARED = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE
)
_XML_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""")
_PROLOGUE = re.compile(r"^\s*<\?xml[^>]{0,500}\?>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]{0,2000}(?:\[[^\]]{0,100000}\])?[^>]{0,100}>", re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_CLOSED = re.compile(r"<([A-Za-z][\w:.-]{0,30})((?:\s[^<>]{0,2000})?)/>")
_WRAPPERS = re.compile(
    r"</?(?:div|span|font|center|b|i|em|strong|section|blockquote|ul|ol|li)\b[^>]{0,500}>",
    re.IGNORECASE,
)
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "malignmark", "meta",
    "mglyph", "mprescripts", "mspace", "none", "param", "source", "track", "wbr",
})  # fmt: skip
_XML_OWN = frozenset({"amp", "lt", "gt", "quot", "apos"})


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed document and what was wrong with it."""

    root: Any
    warnings: tuple[str, ...] = ()


def declared_encoding(data: bytes) -> str | None:
    """The encoding that an HTML file names in its first kilobytes."""
    match = _XML_DECLARED.search(data[:1024]) or _DECLARED.search(data[:8192])
    return match[1].decode("ascii") if match else None


def parse(text: str, name: str, *, xhtml: bool = False) -> Tree:
    """Parse a document; XHTML that is not well formed is read as HTML.

    Raises `BookError` where nothing can be made of it.
    """
    text = _DOCTYPE.sub("", _PROLOGUE.sub("", text, count=1), count=1)
    text = text.replace("\0", "")
    if xhtml:
        root = _parse_xml(text)
        if root is not None:
            return Tree(root)
        text = _CLOSED.sub(_open_and_close, text)
    root, deep = _parse_html(text)
    warnings: tuple[str, ...] = ()
    if deep:
        # The parser drops what lies deeper than it goes: without wrappers it lies higher.
        root, still = _parse_html(_WRAPPERS.sub("", text))
        what = "could not be read whole" if still else "lost some of its structure"
        warnings = (f"{name} is nested so deeply that it {what}.",)
    if root is None:
        raise BookError(f"{name} holds no HTML that can be read.")
    return Tree(root, warnings)


def _named_to_character(match: re.Match[str]) -> str:
    if match[1] in _XML_OWN:
        return match[0]
    character = html.entities.html5.get(match[1] + ";")
    return match[0] if character is None else html.escape(character)


def _open_and_close(match: re.Match[str]) -> str:
    if match[1].lower() in _VOID:
        return match[0]
    return f"<{match[1]}{match[2]}></{match[1]}>"


def _parse_xml(text: str) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True, encoding="utf-8",
    )  # fmt: skip
    try:
        data = _ENTITY.sub(_named_to_character, text).encode("utf-8", errors="replace")
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parse_html(text: str) -> tuple[Any, bool]:
    parser = etree.HTMLParser(
        no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8"
    )
    try:
        root = etree.fromstring(text.encode("utf-8", errors="replace"), parser)
    except (etree.XMLSyntaxError, etree.ParserError, ValueError, AssertionError):
        return None, False
    deep = any("depth" in entry.message.lower() for entry in parser.error_log)
    return root, deep
