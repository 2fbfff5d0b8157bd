"""Which elements of HTML begin a block, which hold no text, which are headings."""

from __future__ import annotations

# Elements without running text; `cnx-pi` holds instructions for a publisher's program.
SILENT = frozenset({
    "area", "audio", "base", "button", "canvas", "cnx-pi", "col", "colgroup", "embed", "head",
    "image", "img", "input", "link", "map", "meta", "meter", "noscript", "object", "option",
    "param", "picture", "progress", "rp", "rt", "script", "select", "source", "style", "svg",
    "template", "textarea", "title", "track", "video",
})  # fmt: skip

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "iframe", "legend",
    "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip

HEADINGS = {f"h{level}": level for level in range(1, 7)}

# Names of elements, or classes of a `div`, below which headings stand one level deeper.
SECTIONS = frozenset({
    "appendix", "chapter", "sect1", "sect2", "sect3", "sect4", "sect5", "section",
})  # fmt: skip
