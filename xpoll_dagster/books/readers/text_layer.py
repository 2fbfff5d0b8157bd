"""The text layer of one PDF page as line fragments with their fonts, the fast way.

MuPDF prints a page twice in C: as JSON (text and boxes of its lines) and as HTML (the runs
of fonts inside each line). Reading both is three times as fast as walking PyMuPDF's `dict`,
which makes a Python object of every word. Putting fragments in order happens in
`reading_order`, not here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

_SCALE = 100.0  # MuPDF prints whole numbers: hundredths of a point keep the precision

_PARAGRAPH = re.compile(r"<p style=\"[^\"]*\">(.*?)</p>", re.DOTALL)
_RUN = re.compile(
    r"((?:<(?:b|i|sup|tt)>)*)<span style=\"font-family:([^;]*);font-size:([\d.]+)pt[^\"]*\">"
    r"(.*?)</span>",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#x[0-9a-fA-F]+|#\d+|\w+);")

_MATH_FONT = re.compile(
    r"(?i)^(cmmi|cmsy|cmex|cmbsy|cmmib|msam|msbm|eufm|eusm|eurm|rsfs|lmmath|lmmi|lmsy|lmex|txmi"
    r"|txsy|txex|pxmi|pxsy|pxex|mtmi|mtsy|mtex|rmtmi|mathematicalpi|symbol|euclid|esint|stmary"
    r"|wasy|zptmcm)|math"
)
_MONO_FONT = re.compile(r"(?i)mono|courier|typewriter|consol|menlo|^(cm|lm|ec)tt|^sftt|fixed")
_BOLD_FONT = re.compile(r"(?i)bold|black|heavy|demi|^(cm|ec|lm|sf)(bx|ssbx|b\d)|\bbd")
_ITALIC_FONT = re.compile(r"(?i)ital|obliq|slant|^(cm|ec|lm|sf)(ti|sl|bxti|ssi|itt)")

# TeX's older fonts print an accent and its letter one over the other: the layer has both.
_ACCENTS = dict(
    zip(
        "`´ˆ˜¨¯˘˙ˇ˚˝¸",
        "\u0300\u0301\u0302\u0303\u0308\u0304\u0306\u0307\u030c\u030a\u030b\u0327",
        strict=True,
    )
)
_ACCENTED = re.compile("([`´ˆ˜¨¯˘˙ˇ˚˝¸])([^\\W\\d_])|([cCsS])(¸)")

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Face:
    """What a font's name and flags say of the text set in it."""

    bold: bool
    italic: bool
    mono: bool
    math: bool


@dataclass(slots=True)
class Fragment:
    """A run of text on one baseline, as MuPDF cuts it; coordinates in points.

    `start` is where the first character stands; `block` numbers MuPDF's visual blocks in the
    order of the page's content; `bold`, `italic` and `mono` hold for most characters, `math`
    is a share (0-1).
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    start: float
    baseline: float
    size: float
    block: int
    bold: bool = False
    italic: bool = False
    mono: bool = False
    math: float = 0.0
    vertical: bool = False


@lru_cache(maxsize=4096)
def face(name: str) -> Face:
    """Judge a font by its name, the subset prefix (`ABCDEF+`) aside."""
    name = name[7:] if len(name) > 7 and name[6] == "+" else name
    math = bool(_MATH_FONT.search(name))
    return Face(
        bold=bool(_BOLD_FONT.search(name)),
        italic=bool(_ITALIC_FONT.search(name)) and not math,
        mono=bool(_MONO_FONT.search(name)),
        math=math,
    )


def read_fragments(page: Any) -> list[Fragment]:
    """The fragments of a `pymupdf.Page` in content order; empty where it has no text.

    Ligatures are undone by MuPDF; digits raised above the line become superscript digits,
    so that neither a note's mark nor an exponent melts into the word before it.
    """
    import pymupdf

    flags = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
    textpage = page.get_textpage(flags=flags)
    fragments = _from_json(_print_json(textpage))
    if not fragments:
        return []
    runs = _PARAGRAPH.findall(textpage.extractHTML())
    if len(runs) == len(fragments):  # else MuPDF printed them differently: keep the first font
        for fragment, run in zip(fragments, runs, strict=True):
            _apply_runs(fragment, run)
    for fragment in fragments:
        if not fragment.mono and (not fragment.text.isascii() or "`" in fragment.text):
            fragment.text = _ACCENTED.sub(_compose, fragment.text)
    return [fragment for fragment in fragments if fragment.text.strip()]


def _compose(match: re.Match[str]) -> str:
    accent, letter = match[1] or match[4], match[2] or match[3]
    letter = {"ı": "i", "ȷ": "j"}.get(letter, letter)
    composed = unicodedata.normalize("NFC", letter + _ACCENTS[accent])
    return composed if len(composed) == 1 else match[0]


def _print_json(textpage: Any) -> str:
    from pymupdf import mupdf

    buffer = mupdf.fz_new_buffer(1 << 14)
    output = mupdf.FzOutput(buffer)
    mupdf.fz_print_stext_page_as_json(output, textpage.this, _SCALE)
    output.fz_close_output()
    return bytes(buffer.fz_buffer_extract()).decode("utf-8", errors="replace")


def _from_json(printed: str) -> list[Fragment]:
    fragments: list[Fragment] = []
    for number, block in enumerate(json.loads(printed, strict=False)["blocks"]):
        for line in block.get("lines", ()):
            box, font = line["bbox"], line["font"]
            x0, y0 = box["x"] / _SCALE, box["y"] / _SCALE
            style = face(font["name"])
            fragments.append(
                Fragment(
                    text=line["text"],
                    x0=x0,
                    y0=y0,
                    x1=x0 + box["w"] / _SCALE,
                    y1=y0 + box["h"] / _SCALE,
                    start=line["x"] / _SCALE,
                    baseline=line["y"] / _SCALE,
                    size=font["size"] / _SCALE,
                    block=number,
                    bold=style.bold or font["weight"] == "bold",
                    italic=style.italic or (font["style"] == "italic" and not style.math),
                    mono=style.mono or font["family"] == "monospace",
                    math=float(style.math),
                    vertical=line["wmode"] == 1,
                )
            )
    return fragments


def _apply_runs(fragment: Fragment, html: str) -> None:
    """Correct a fragment whose first character's font does not hold for all of it."""
    if html.count("<span") < 2:
        return
    text = fragment.text
    place = total = bold = italic = mono = math = 0
    sizes: dict[float, int] = {}
    pieces: list[str] = []
    mark = float("inf")
    for tags, family, size, content in _RUN.findall(html):
        length = len(_ENTITY.sub("x", content)) if "&" in content else len(content)
        piece = text[place : place + length]
        place += length
        visible = len(piece.replace(" ", ""))
        style = face(family.rsplit(",", 1)[0])
        total += visible
        bold += visible * (style.bold or "<b>" in tags)
        italic += visible * ((style.italic or "<i>" in tags) and not style.math)
        mono += visible * (style.mono or "<tt>" in tags)
        math += visible * style.math
        points = float(size)
        sizes[points] = sizes.get(points, 0) + visible
        digits = piece.strip().isdigit() and piece.isascii()
        if digits and "<sup>" in tags:
            piece = piece.strip().translate(_SUPERSCRIPTS)
        elif digits and not pieces:
            mark = points  # a note's mark, should the line turn out to be set larger
        pieces.append(piece)
    if place != len(text) or not total:
        return
    fragment.size = max(sizes, key=lambda size: sizes[size])
    if mark < 0.85 * fragment.size:
        pieces[0] = pieces[0].strip().translate(_SUPERSCRIPTS)
    fragment.text = "".join(pieces)
    fragment.bold, fragment.italic = 2 * bold > total, 2 * italic > total
    fragment.mono, fragment.math = 2 * mono > total, math / total


def upright(page: Any, fragments: list[Fragment]) -> tuple[list[Fragment], bool]:
    """Turn a page whose text runs mostly up, down or upside down; leave others as they are.

    Returns the fragments and whether width and height have changed places. Text that stands
    sideways on an otherwise upright page (a stamp on the margin) keeps its place.
    """
    suspicious = sum(len(f.text) for f in fragments if _looks_turned(f))
    if 2 * suspicious <= sum(len(f.text) for f in fragments):
        return fragments, False
    directions: dict[tuple[int, int], int] = {}
    for block in page.get_text("dict", flags=0)["blocks"]:
        for line in block.get("lines", ()):
            direction = (round(line["dir"][0]), round(line["dir"][1]))
            length = sum(len(span["text"]) for span in line["spans"])
            directions[direction] = directions.get(direction, 0) + length
    main = max(directions, key=lambda key: directions[key], default=(1, 0))
    width, height = page.rect.width, page.rect.height
    turn = {
        (0, -1): lambda f: (height - f.y1, f.x0, height - f.y0, f.x1),
        (0, 1): lambda f: (f.y0, width - f.x1, f.y1, width - f.x0),
        (-1, 0): lambda f: (width - f.x1, height - f.y1, width - f.x0, height - f.y0),
    }.get(main)
    if turn is None:
        return fragments, False
    turned = []
    for fragment in fragments:
        x0, y0, x1, y1 = turn(fragment)
        base = y0 + 0.8 * (y1 - y0)
        turned.append(replace(fragment, x0=x0, y0=y0, x1=x1, y1=y1, baseline=base))
    return turned, main[0] == 0


def _looks_turned(fragment: Fragment) -> bool:
    """Whether a fragment is high and narrow, or begins on the right (as Arabic does, too)."""
    if fragment.vertical or len(fragment.text) <= 3:
        return False
    middle = (fragment.x0 + fragment.x1) / 2
    return fragment.start > middle or fragment.y1 - fragment.y0 > 3 * (middle - fragment.x0)
