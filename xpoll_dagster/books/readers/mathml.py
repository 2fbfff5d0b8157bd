"""MathML to one readable line: `a/b`, `x^2`, `sqrt(2)`."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_MAX_DEPTH = 120
_SPACED = frozenset("=≠≈≡<>≤≥+−±∓×÷→⇒↔∝∈∼≪≫∪∩⋅·")
_PREFIX_SIGNS = frozenset("+−-±∓")
_ACCENTS = {
    "¯": "\u0304", "‾": "\u0304", "―": "\u0304", "_": "\u0304", "→": "\u20d7", "^": "\u0302",
    "ˆ": "\u0302", "~": "\u0303", "˜": "\u0303", "˙": "\u0307", ".": "\u0307", "¨": "\u0308",
}  # fmt: skip
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064\u200b")
_SCRIPTS = frozenset({"msup", "msub", "msubsup", "munder", "mover", "munderover"})
_WITH_ARGUMENTS = _SCRIPTS | {"mfrac", "mroot"}
_SIMPLE = re.compile(
    r"[^\W_]+(?:[.,]\d+)*|[^\s\w]|\(.*\)|[−-]?\d+|[\w′*'°]+(?:[_^]\w+)*", re.DOTALL
)
_SPACES = re.compile(r"\s+")


def local_name(element: Any) -> str:
    """An element's name in lower case without namespace or prefix; empty for comments."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1].lower()


def linearise(math: Any) -> str:
    """A `<math>` element (lxml) as one line of text.

    TeX is preferred where the formula carries it (`alttext`, or an annotation in TeX).
    """
    alternative = math.get("alttext")
    if alternative and alternative.strip():
        return _SPACES.sub(" ", alternative).strip()
    for element in math.iter():
        if local_name(element) == "annotation" and "tex" in (element.get("encoding") or "").lower():
            tex = _SPACES.sub(" ", element.text or "").strip()
            if tex:
                return tex
    return _tidy(_row(math, 0))


def _tidy(text: str) -> str:
    text = _SPACES.sub(" ", text.translate(_INVISIBLE))
    text = re.sub(r" +([,;.:)\]])", r"\1", text)
    text = re.sub(r"([(\[]) +", r"\1", text)
    return text.strip()


def _row(element: Any, depth: int) -> str:
    parts: list[str] = [element.text or ""] if not len(element) else []
    for child in element:
        name = local_name(child)
        if name == "mo":
            parts.append(_operator(child, "".join(parts)))
            continue
        text = _node(child, depth + 1)
        if not text:
            continue
        before = parts[-1] if parts else ""
        if (name == "mi" and len(text) > 1 and text.isalpha() and before[-1:].isalnum()) or (
            before[-3:] in {"sin", "cos", "tan", "log", "exp"} and text[:1].isalnum()
        ):
            parts.append(" ")
        parts.append(text)
    return "".join(parts)


def _operator(element: Any, before: str) -> str:
    sign = "".join(element.itertext()).strip()
    if sign == ",":
        return ", "
    start = before.rstrip()
    if sign in _PREFIX_SIGNS and (not start or start[-1] in "(=[,|" or start[-1] in _SPACED):
        return "" + sign if before.endswith(" ") or not start else sign
    if sign in _SPACED or (sign == "-" and start):
        return f" {sign} "
    return sign if len(sign) <= 1 or not sign.isalpha() else f" {sign} "


def _group(text: str) -> str:
    text = _tidy(text)
    return text if len(text) < 3 or _SIMPLE.fullmatch(text) else f"({text})"


def _node(element: Any, depth: int) -> str:
    if depth > _MAX_DEPTH:
        return "".join(element.itertext())
    name = local_name(element)
    if name in {"annotation", "annotation-xml", "mphantom", "none", "mprescripts", ""}:
        return ""
    if name == "mspace":
        return " "
    if name in {"mi", "mn", "mo", "ms", "mtext"}:
        text = "".join(element.itertext())
        return _SPACES.sub(" ", text) if name == "mtext" else text.strip()
    children = [child for child in element if local_name(child)]
    # Each child is visited once: twice, and the work would double with every level.
    arguments = (
        [_node(child, depth + 1) for child in children[:3]] if name in _WITH_ARGUMENTS else []
    )
    if name == "mfrac" and len(arguments) == 2:
        return f"{_group(arguments[0])}/{_group(arguments[1])}"
    if name == "msqrt":
        return f"sqrt({_tidy(_row(element, depth))})"
    if name == "mroot" and len(arguments) == 2:
        return f"root({_tidy(arguments[0])}, {_tidy(arguments[1])})"
    if name in _SCRIPTS and arguments:
        return _scripts(name, arguments)
    if name == "mfenced":
        inside = ", ".join(filter(None, (_tidy(_node(child, depth + 1)) for child in children)))
        return f"{element.get('open', '(')}{inside}{element.get('close', ')')}"
    if name == "mtable":
        rows = (
            ", ".join(filter(None, (_tidy(_row(cell, depth + 2)) for cell in row)))
            for row in children
        )
        return "; ".join(filter(None, rows))
    if name in _WITH_ARGUMENTS:
        return " ".join(filter(None, arguments))
    return _row(element, depth)


def _scripts(name: str, arguments: list[str]) -> str:
    base = _tidy(arguments[0])
    first = _tidy(arguments[1]) if len(arguments) > 1 else ""
    second = _tidy(arguments[2]) if len(arguments) > 2 else ""
    if name == "mover":
        if first in _ACCENTS:
            return unicodedata.normalize("NFC", base + _ACCENTS[first]) if len(base) < 3 else base
        return f"{base}^{_group(first)}" if first else base
    if name == "munder":
        return f"{base}_{_group(first)}" if first and first != "_" else base
    lower = first if name in {"msub", "msubsup", "munderover"} else ""
    upper = first if name == "msup" else second
    if upper in {"′", "'", "″", "°", "*"}:
        base, upper = base + upper, ""
    text = base + (f"_{_group(lower)}" if lower else "")
    return text + (f"^{_group(upper)}" if upper else "")
