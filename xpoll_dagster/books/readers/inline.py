"""What an element inside a paragraph is: a footnote's mark, a page number, something hidden."""

from __future__ import annotations

import re
from typing import Any

from xpoll_dagster.books.readers.mathml import local_name

EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"

_PAGE_CLASSES = frozenset(
    {"pagenum", "pagenumber", "page-number", "pageno", "page-num", "pagebreak", "pgnum"}
)
_NOTE_CLASSES = frozenset(
    {"footnote", "footnotes", "endnote", "endnotes", "footnote-body", "fn", "rearnote", "sidenote"}
)
_NOTE_TYPES = frozenset(
    {"footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes", "doc-footnote",
     "doc-endnote", "doc-endnotes", "footnote-refs"}
)  # fmt: skip
_REFERENCE_TYPES = frozenset(
    {"noteref", "doc-noteref", "footnote-link", "doc-backlink", "backlink"}
)
_REFERENCE_CLASSES = frozenset(
    {"footnote_link", "footnote_backlink", "fnanchor", "noteref", "footnote-ref", "footnote-link",
     "footnote-reference", "footnote-backref", "fn-backref", "fnref", "pginternal-note"}
)  # fmt: skip
_ORNAMENTS = frozenset({"link-target", "headerlink", "anchorjs-link", "header-anchor"})
_NOTE_TARGET = re.compile(r"#.*(?:fn|foot|note|ftn|endn)", re.IGNORECASE)
_MARK = re.compile(r"\s*[\[({]?\s*(?:\d{1,4}|[a-z]|[*†‡§¶#]{1,4}|[ivxlc]{1,6})\s*[\])}]?\.?\s*")
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_BRACED_NUMBER = re.compile(
    r"\s*[\[{(]?\s*(?:p\.?\s*|pg\.?\s*|page\s*)?([\divxlc]{1,6})\s*[\]})]?\s*", re.IGNORECASE
)
_ORDINAL = frozenset({"st", "nd", "rd", "th", "e", "er", "me", "o", "a", "c", "d", "t", "s", "r"})


def classes(element: Any) -> frozenset[str]:
    """An element's classes in lower case."""
    return frozenset((element.get("class") or "").lower().split())


def types(element: Any) -> frozenset[str]:
    """What an element says it is: its `epub:type`, `role` and `data-type`, in lower case."""
    said = (
        element.get(EPUB_TYPE) or element.get("epub:type") or "",
        element.get("role") or "",
        element.get("data-type") or "",
    )
    return frozenset(" ".join(said).lower().split())


def text_of(element: Any) -> str:
    """All the text below an element as it stands."""
    return "".join(element.itertext())


def is_hidden(element: Any) -> bool:
    """Whether a browser would not show the element."""
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    return bool(style and _HIDDEN.search(style))


def is_ornament(element: Any) -> bool:
    """Whether it is the printed address of a link, or a heading's handle."""
    return bool(classes(element) & _ORNAMENTS)


def page_number(element: Any) -> str | None:
    """The printed page that begins here, `""` where it is not named, `None` for no page mark."""
    said = types(element)
    if not (classes(element) & _PAGE_CLASSES or said & {"pagebreak", "doc-pagebreak"}):
        return None
    text = text_of(element)
    match = _BRACED_NUMBER.fullmatch(
        text or element.get("title") or element.get("aria-label") or ""
    )
    if match is None:
        # A long text is no page number, whatever its class.
        return "" if len(text.strip()) < 20 else None
    return match[1]


def is_note(element: Any) -> bool:
    """Whether the element is the body of one or more footnotes."""
    return bool(classes(element) & _NOTE_CLASSES or types(element) & _NOTE_TYPES)


def is_note_reference(element: Any) -> bool:
    """Whether an inline element is only a footnote's mark."""
    name = local_name(element)
    if name == "sup":
        children = list(element)
        return (
            len(children) == 1
            and not (element.text or "").strip()
            and local_name(children[0]) == "a"
            and is_note_reference(children[0])
        ) or bool(types(element) & {"footnote-number"})
    if name != "a":
        return bool(types(element) & _REFERENCE_TYPES or classes(element) & _REFERENCE_CLASSES)
    text = text_of(element)
    if not _MARK.fullmatch(text):
        return False
    if types(element) & _REFERENCE_TYPES or classes(element) & _REFERENCE_CLASSES:
        return True
    href = element.get("href") or ""
    if _NOTE_TARGET.search(href):
        return True
    inside_sup = (
        local_name(element.getparent()) == "sup" if element.getparent() is not None else False
    )
    wraps_sup = any(local_name(child) == "sup" for child in element)
    return href.startswith("#") and (inside_sup or wraps_sup)


def superscript(text: str, before: str) -> str:
    """Raised text on the line: `10^5`, but `1st` and `Mme`."""
    text = text.strip()
    if not text or text.lower() in _ORDINAL or text[:1] in "′'\"°*†":
        return text
    if before[-1:].isalnum() or before[-1:] in ")]}":
        return f"^{text}" if re.fullmatch(r"[\w.,+−-]+", text) and len(text) < 12 else f"^({text})"
    return text
