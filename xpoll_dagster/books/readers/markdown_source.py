"""Markdown to HTML: CommonMark with tables, footnotes, formulas and kramdown's attributes."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from xpoll_dagster.books.readers.mathml import linearise

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\n(.{0,50000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_MATH = re.compile(r"<((?:m:)?math)\b[^>]{0,1000}>.{0,60000}?</\1>", re.DOTALL)
# A formula that ends its line, though its sentence or its table row goes on behind.
_TORN = re.compile(
    r"(\ue000\d{1,9}\ue001)[ \t]*\n\s*\n(?=[ \t]+[^\s*+\-#>]|[.,;:)\]?!%’”]|[a-z]{2,})"
)
_PUNCTUATED = re.compile(r"(\ue000\d{1,9}\ue001)\s*\n[ \t]*(?=[.,;:)])")
_FORMULA = re.compile("\ue000(\\d{1,9})\ue001")
_ATTRIBUTES = re.compile(
    r"\{:(?:[^{}\n\"]|\"[^\"\n]{0,2000}\"){0,60}\}|(?<=[\w)\]*`#\s])\{[#.][\w.#:=\" -]{1,200}\}"
)
_TABLE = re.compile(r"<table\b.{0,200000}?</table>", re.DOTALL | re.IGNORECASE)
_RULE_LINE = re.compile(r"^(?P<head>[ \t]*\|[^\n]*)\n[ \t]*\|[-:| \t]*-[-:| \t]*$", re.MULTILINE)
_WRAPPER_LINE = re.compile(
    r"^[ \t]*((?:</?(?:div|section|aside|figure|figcaption|article|details|summary)\b"
    r"[^<>]{0,500}>[ \t]*){1,20})$",
    re.MULTILINE,
)
_FENCE = re.compile(
    r"^(?P<fence>[ ]{0,3}(?:`{3,}|~{3,}))[^\n]*\n.*?^(?P=fence)[`~]*[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_CODE_SPAN = re.compile(r"(?<!`)(`{1,3})(?!`)[^\n]{1,500}?(?<!`)\1(?!`)")
_REFERENCE = re.compile(r"\[\\\[link\\\]\]\(([^)\s]{0,200})\)")
_NOUNS = {"example": "the example", "equation": "the equation", "exercise": "the exercise",
          "note": "the note", "figure": "the figure", "table": "the table"}  # fmt: skip


def to_html(source: str) -> tuple[dict[str, Any], str]:
    """The fields of a Markdown file's front matter, and its text as HTML.

    Formulas in MathML are made readable first, since Markdown would break them. Links that
    only say `[link]` name what they point to.
    """
    fields, source = _front_matter(source)
    source = source.replace("\ue000", "").replace("\ue001", "")
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f"\ue000{len(kept) - 1}\ue001"

    code: list[str] = []

    def hide(match: re.Match[str]) -> str:
        code.append(match[0])
        return f"\ue002{len(code) - 1}\ue003"

    source = source.replace("\ue002", "").replace("\ue003", "")
    source = _FENCE.sub(hide, source)
    if "`" in source:
        source = _CODE_SPAN.sub(hide, source)
    if "[\\[link\\]]" in source:
        source = _name_references(source)
    if "math" in source:
        source = _MATH.sub(lambda match: keep(_formula(match[0])), source)
        source = _TORN.sub(r"\1", source)
        source = _PUNCTUATED.sub(r"\1", source)
    if "{" in source:
        source = _ATTRIBUTES.sub("", source)
    # A blank line inside an HTML table would end it for Markdown.
    source = _TABLE.sub(lambda match: re.sub(r"\n\s*", "\n", match[0]), source)
    source = _RULE_LINE.sub(_full_rule, source)
    source = _WRAPPER_LINE.sub(r"\n\1\n", source)
    source = re.sub("\ue002(\\d{1,9})\ue003", lambda match: code[int(match[1])], source)
    rendered = _renderer().render(source)
    return fields, _FORMULA.sub(lambda match: _kept(kept, match), rendered)


def _kept(kept: list[str], match: re.Match[str]) -> str:
    # A character reference can spell a mark that stands for nothing.
    number = int(match[1])
    return kept[number] if number < len(kept) else ""


def _full_rule(match: re.Match[str]) -> str:
    """A table's rule with as many columns as its head has: some dialects need but one."""
    columns = len(re.findall(r"(?<!\\)\|", match["head"].strip().rstrip("|")))
    return f"{match['head']}\n|" + " --- |" * max(columns, 1)


def _front_matter(source: str) -> tuple[dict[str, Any], str]:
    match = _FRONT_MATTER.match(source)
    if match is None:
        return {}, source
    try:
        fields = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return {}, source
    known = {str(key).lower(): value for key, value in fields.items()}
    title = known.get("title")
    known["title"] = " ".join(str(title).split())[:500] if isinstance(title, str | int) else None
    return known, source[match.end() :]


def _formula(source: str) -> str:
    """One formula as HTML that holds its readable form."""
    parser = etree.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")
    try:
        root = etree.fromstring(source.encode("utf-8", errors="replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    math = (
        None
        if root is None
        else next((e for e in root.iter() if str(e.tag).endswith("math")), None)
    )
    return html.escape(linearise(math), quote=False) if math is not None else html.escape(source)


def _name_references(source: str) -> str:
    """Say for `[link]` what is at its target, as far as the file tells."""

    def name(match: re.Match[str]) -> str:
        target = match[1].rpartition("#")[2]
        before = source[max(0, match.start() - 2) : match.start()]
        noun = _noun(source, target) if target else "another section"
        sentence = not before.strip() or before.endswith((". ", "\n"))
        return noun[:1].upper() + noun[1:] if sentence and match.start() else noun

    return _REFERENCE.sub(name, source)


def _noun(source: str, target: str) -> str:
    place = source.find(f'id="{target}"')
    if place >= 0:
        start = source.rfind("<", 0, place)
        opening = source[start : place + 300] if place - start < 500 else ""
        for word, noun in _NOUNS.items():
            if opening.startswith(f"<{word}") or f'data-type="{word}"' in opening.split(">", 1)[0]:
                return noun
    place = source.find(f"{{: #{target}")
    if place < 0:
        place = source.find(f"#{target}", source.find("{:") if "{:" in source else 0)
    line = source[source.rfind("\n", 0, place) + 1 : place] if place >= 0 else ""
    if "![" in line:
        return "the figure"
    return "the table" if line.lstrip().startswith(("{:", "|")) else "another section"


@lru_cache(maxsize=1)
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    renderer = MarkdownIt("commonmark", {"html": True, "maxNesting": 60}).enable(
        ["table", "strikethrough"]
    )
    renderer.use(footnote_plugin).use(deflist_plugin)
    renderer.use(dollarmath_plugin, allow_space=False, allow_digits=False)
    renderer.add_render_rule("image", _image)
    renderer.add_render_rule("math_inline", _inline_math)
    renderer.add_render_rule("math_inline_double", _block_math)
    renderer.add_render_rule("math_block", _block_math)
    renderer.add_render_rule("math_block_label", _block_math)
    renderer.add_render_rule("footnote_ref", _note_reference)
    renderer.add_render_rule("footnote_anchor", _nothing)
    return renderer


def _nothing(self: Any, tokens: Any, index: int, *rest: Any) -> str:  # noqa: ARG001
    return ""


def _note_reference(self: Any, tokens: Any, index: int, *rest: Any) -> str:  # noqa: ARG001
    return '<a class="footnote-ref">1</a>'


def _image(self: Any, tokens: Any, index: int, *rest: Any) -> str:  # noqa: ARG001
    """A picture that stands alone leaves its caption, which Markdown keeps in its title."""
    others = [
        t for t in tokens if t.type not in {"image", "softbreak", "hardbreak"} and t.content.strip()
    ]
    title = str(tokens[index].attrGet("title") or "")
    return f"<div>{html.escape(' '.join(title.split()))}</div>" if title and not others else ""


def _inline_math(self: Any, tokens: Any, index: int, *rest: Any) -> str:  # noqa: ARG001
    return f"${html.escape(' '.join(tokens[index].content.split()))}$"


def _block_math(self: Any, tokens: Any, index: int, *rest: Any) -> str:  # noqa: ARG001
    return f'<div class="math">$${html.escape(tokens[index].content.strip())}$$</div>'
