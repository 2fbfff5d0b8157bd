"""A book's LaTeX source as the truth about its prose, and how much of it a text holds."""

from __future__ import annotations

import difflib
import re
import unicodedata

_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"


def latex_words(source: str) -> tuple[list[str], list[str]]:
    """The words of the main matter's prose and of its footnotes: no commands, no mathematics.

    Footnotes stand at the page's foot in print and inside a sentence in the source: they are
    given by themselves. The commands that carry no words are this one book's.
    """
    body = source.split("\\end{document}", maxsplit=1)[0].rsplit("\\begin{document}", maxsplit=1)[
        -1
    ]
    body = body.split("\\MainMatter\n")[-1]
    for end in ("\\BackMatter", "\\printindex"):
        body = body.split(end)[0]
    body = re.sub(r"(?<!\\)%.*?(?:\n[ \t]*|$)", "", body)
    notes = re.findall(rf"\\footnote\s*({_BRACES})", body)
    body = re.sub(rf"\\footnote\s*{_BRACES}", "", body)
    return _prose(body), _prose("\n".join(notes))


def _prose(body: str) -> list[str]:
    """The words of LaTeX without comments and footnotes."""
    kinds = "equation|align|gather|multline|eqnarray|displaymath|math|array|tabular|DPalign"
    body = re.sub(rf"\\begin\{{({kinds})(\*?)\}}.*?\\end\{{\1\2\}}", " ", body, flags=re.DOTALL)
    body = re.sub(r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)", " ", body, flags=re.DOTALL)
    body = re.sub(r"(?<!\\)\$[^$]*\$", " ", body)
    unread = "label|ref|pageref|index|Pagelabel|PageSep|Graphic|Figure|Input|vspace"
    body = re.sub(rf"\\(?:{unread})\*?(?:\[[^\]]*\])?(?:{_BRACES})?", "", body)
    body = re.sub(rf"\\(?:Typo|Chg){_BRACES}", "", body)
    body = re.sub(r"\\Chapter\[[^\]]*\]", " ", body)
    body = re.sub(r"\\(?:begin|end)\{[^}]*\}(?:\[[^\]]*\])?", " ", body)
    body = re.sub(r"\\[`'^\"~=.]\{?\\?([A-Za-z])\}?", r"\1", body)
    body = body.replace("\\-", "").replace("\\ae", "ae").replace("\\oe", "oe")
    body = re.sub(r"\\[A-Za-z]+\*?(?:\[[^\]]*\])?|\\.", " ", body)
    return words_of(body.replace("}{", " ").replace("{", "").replace("}", ""))


def in_order(truth: list[str], text: list[str]) -> float:
    """Share of the true words that a diff finds in the text, in order.

    A diff of whole books takes quadratic time, so both are first aligned at words that occur
    in sequences of eight that are unique in either.
    """
    found = 0
    last_truth = last_text = 0
    for here, there, length in [*_anchors(truth, text, 8), (len(truth), len(text), 0)]:
        if here < last_truth or there < last_text:
            continue
        gap = difflib.SequenceMatcher(
            None, truth[last_truth:here], text[last_text:there], autojunk=False
        )
        found += sum(block.size for block in gap.get_matching_blocks()) + length
        last_truth, last_text = here + length, there + length
    return found / max(1, len(truth))


def _anchors(one: list[str], two: list[str], length: int) -> list[tuple[int, int, int]]:
    def unique(words: list[str]) -> dict[tuple[str, ...], int]:
        seen: dict[tuple[str, ...], int] = {}
        for place in range(len(words) - length + 1):
            key = tuple(words[place : place + length])
            seen[key] = -1 if key in seen else place
        return seen

    second = unique(two)
    anchors: list[tuple[int, int, int]] = []
    for key, place in unique(one).items():
        there = second.get(key, -1)
        if place < 0 or there < 0:
            continue
        if not anchors or (place >= anchors[-1][0] + length and there >= anchors[-1][1] + length):
            # A far jump in one text only is a chance match, not the same place.
            last = anchors[-1] if anchors else (0, 0, 0)
            if abs((place - last[0]) - (there - last[1])) < 3000:
                anchors.append((place, there, length))
    return anchors


def words_of(text: str) -> list[str]:
    """The words in lower case, without accents, digits and signs."""
    plain = unicodedata.normalize("NFKD", text)
    return re.findall(r"[a-z]+", "".join(c for c in plain if not unicodedata.combining(c)).lower())
