"""The lines of a plain text to paragraphs, and what kind of paragraph each is by its shape."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DIVISION = re.compile(r"^(?:BOOK|PART|VOLUME)\s+(?:[IVXLC]+|\d+|[A-Z]+)\b", re.IGNORECASE)
_CHAPTER = re.compile(
    r"^(?:CHAPTER|CHAP\.|LECTURE|LETTER|ESSAY|APPENDIX)\s+(?:[IVXLC]+|\d+|[A-Z])\b|"
    r"^(?:CHAPTER|LECTURE)\s+(?:THE\s+)?\w+$",
    re.IGNORECASE,
)
_FRONT = re.compile(
    r"^(?:PREFACE|FOREWORD|INTRODUCTION|PROLOGUE|EPILOGUE|CONTENTS|TABLE OF CONTENTS|INDEX|"
    r"GLOSSARY|BIBLIOGRAPHY|CONCLUSION|APPENDIX|FOOTNOTES|NOTES|DEDICATION|ACKNOWLEDGE?MENTS|"
    r"LIST OF \w+|BIBLIOGRAPHICAL NOTE|POSTSCRIPT)\b[^.?!]{0,60}\.?$"
)
_ROMAN = re.compile(r"^(?=[IVXLC])(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\.?(?:\s+[A-Z].{0,60})?$")
_SECTION = re.compile(r"^(?:§|SECTION|SEC\.)\s*(?:[IVXLC]+|\d+)\b", re.IGNORECASE)
_NO_HEADING = re.compile(r"^\*|^(?:produced|transcribed|by)\s", re.IGNORECASE)
_GAPS = re.compile(r"\S(?: {3,})(?=\S)")
_RULED = re.compile(r"^[\s|+=_-]*[|+][\s|+=_-]*.*[|+]|^\s*[-=_+|]{6,}[\s\-=_+|]*$")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that stand together, and how many blank lines stand before and behind them."""

    lines: tuple[str, ...]
    blank_before: int
    blank_after: int


def width_of(lines: Sequence[str]) -> int:
    """How many characters the text's full lines have: 95 of 100 lines are no longer."""
    lengths = sorted(len(line.rstrip()) for line in lines if line.strip())
    return lengths[min(len(lengths) - 1, int(0.95 * len(lengths)))] if lengths else 0


def paragraphs(lines: Sequence[str], width: int) -> Iterator[Paragraph]:
    """Group lines: by blank lines; where there are hardly any, by indentation or line by line."""
    filled = sum(bool(line.strip()) for line in lines)
    blank = len(lines) - filled
    single = width > 160  # one line is one paragraph
    indented = sum(line[:1] == " " and bool(line.strip()) for line in lines)
    by_indent = not single and blank < 0.03 * filled and 0.03 * filled < indented < 0.5 * filled
    group: list[str] = []
    before = after = 0
    pending: tuple[tuple[str, ...], int] | None = None
    for line in [*lines, ""]:
        if not line.strip():
            if group:
                pending, group = (tuple(group), before), []
                after = 0
            after += 1
            continue
        starts = single or (by_indent and line[:1] == " ")
        if group and starts:
            pending, group = (tuple(group), before), []
            after = 0
        if pending is not None:
            yield Paragraph(pending[0], pending[1], after)
            pending, before = None, after
        elif not group:
            before = after
        group.append(line.rstrip())
    if pending is not None:
        yield Paragraph(pending[0], pending[1], after)


def chapter_rank(text: str) -> int | None:
    """1 for a book or part, 2 for a chapter or what stands beside chapters; else None."""
    text = text.strip()
    if len(text) > 120:
        return None
    if _DIVISION.match(text) and (text.isupper() or len(text.split()) <= 3):
        return 1
    if _CHAPTER.match(text) and not text.endswith((",", ";")) and text[:1].isupper():
        return 2 if text[:4].isupper() or len(text.split()) <= 12 else None
    return 2 if _FRONT.match(text) else None


def is_heading(paragraph: Paragraph) -> bool:
    """Whether a group of lines is a heading: short, set apart, and numbered or in capitals."""
    lines = [line.strip() for line in paragraph.lines]
    text = " ".join(lines)
    if len(lines) > 3 or len(text) > 150 or _GAPS.search(text) or _NO_HEADING.match(text):
        return False
    if len(lines) > 1 and sum(chapter_rank(line) is not None for line in lines) > 1:
        return False  # entries of a table of contents
    words = text.split()
    apart = max(paragraph.blank_before, paragraph.blank_after) >= 2
    if chapter_rank(text) is not None:
        return not (words[-1][-1:].isdigit() and len(words) > 3)
    if _ROMAN.match(text):
        return True
    if _SECTION.match(text):
        return len(words) <= 12
    letters = [character for character in text if character.isalpha()]
    if len(letters) < 3 or text.endswith((",", ";", ":")) or len(words) > 14:
        return False
    if text.isupper():
        return paragraph.blank_before >= 1
    titled = sum(word[:1].isupper() for word in words) >= 0.6 * len(words)
    return (
        paragraph.blank_before >= 2
        and apart
        and len(lines) == 1
        and titled
        and text[0].isupper()
        and len(words) <= 10
        and not text.endswith((".", "!", "?", '"', "”"))
        and not _GAPS.search(text)
        and ":" not in text
    )


def is_aligned(paragraph: Paragraph) -> bool:
    """Whether the lines are a table, its columns set apart by spaces or rules."""
    if len(paragraph.lines) < 2:
        return False
    aligned = sum(bool(_GAPS.search(line) or _RULED.match(line)) for line in paragraph.lines)
    return aligned >= 0.5 * len(paragraph.lines)


def is_verse(paragraph: Paragraph, width: int) -> bool:
    """Whether the lines end where their author ended them: the next word would have fitted."""
    lines = paragraph.lines
    if len(lines) < 2:
        return False
    meant = sum(
        len(line) + 1 + len(after.split()[0]) <= width - 4
        for line, after in itertools.pairwise(lines)
    )
    indented = all(line[:1] == " " for line in lines)
    wanted = 0.5 if indented else 0.7
    # Indented prose keeps its own, shorter width: there its lines are of one length.
    lengths = sorted(len(line) for line in lines[:-1])
    even = len(lengths) >= 3 and lengths[-1] - lengths[len(lengths) // 10] < 0.15 * lengths[-1]
    return meant >= wanted * (len(lines) - 1) and not even and (indented or len(lines) > 2)
