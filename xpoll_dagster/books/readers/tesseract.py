"""One call of the tesseract program: an image file in, words with boxes and confidence out.

The program is called directly: each call needs an environment of its own
(`OMP_THREAD_LIMIT=1`, ten times faster on few cores than letting its threads compete).
pytesseract passes on this process's, and to set it there would slow down all the numerics
of a program that reads a book without a child process of its own; it also writes each result
to a file first. When to call it, and how often for one page, is `ocr`'s business.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_PROGRAM = "tesseract"

# ISO 639-1 to the names of tesseract's language data.
_LANGUAGES = {
    "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell",
    "en": "eng", "es": "spa", "et": "est", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin",
    "hr": "hrv", "hu": "hun", "it": "ita", "ja": "jpn", "ko": "kor", "la": "lat", "lt": "lit",
    "lv": "lav", "nb": "nor", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron",
    "ru": "rus", "sk": "slk", "sl": "slv", "sr": "srp", "sv": "swe", "tr": "tur", "uk": "ukr",
    "zh": "chi_sim",
}  # fmt: skip


class RecognitionError(Exception):
    """Tesseract failed on a page or ran out of time; the message completes "Page 3 …"."""


@dataclass(frozen=True, slots=True)
class WordLine:
    """A recognised line; box in pixels of the image as given, confidence 0-1."""

    block: int
    text: str
    x0: int
    y0: int
    x1: int
    y1: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """What tesseract read in one image of `width` by `height` pixels.

    `rotation` is by how many degrees clockwise the image had been turned before it was read.
    """

    lines: tuple[WordLine, ...]
    width: int
    height: int
    rotation: int = 0

    @property
    def characters(self) -> int:
        """How many characters were read."""
        return sum(len(line.text) for line in self.lines)

    @property
    def confidence(self) -> float:
        """Mean confidence (0-1), weighted by characters; 0 where nothing was read."""
        total = self.characters
        return sum(len(x.text) * x.confidence for x in self.lines) / total if total else 0.0

    @property
    def score(self) -> float:
        """How much was read with confidence: for comparing attempts at the same page.

        What is read at a confidence below one half counts against an attempt, so neither
        noise read as letters nor leaving out half the page wins.
        """
        return sum(len(line.text) * (line.confidence - 0.5) for line in self.lines)

    @property
    def stands_on_side(self) -> bool:
        """Whether most of the text runs up or down the image."""
        upright = sum(len(x.text) for x in self.lines if x.x1 - x.x0 >= x.y1 - x.y0)
        return 2 * upright < self.characters

    def to_json(self) -> dict[str, Any]:
        """As plain values, for the cache."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Recognition:
        """Back from plain values; `KeyError` or `TypeError` where they are something else."""
        lines = tuple(WordLine(**line) for line in values["lines"])
        return cls(lines, int(values["width"]), int(values["height"]), int(values["rotation"]))


def is_installed() -> bool:
    """Whether tesseract can be called."""
    return shutil.which(_PROGRAM) is not None


def languages() -> frozenset[str]:
    """The installed language data, by tesseract's names; empty without tesseract."""
    return _languages_of(shutil.which(_PROGRAM))


@lru_cache(maxsize=4)
def _languages_of(program: str | None) -> frozenset[str]:
    if program is None:
        return frozenset()
    listed = subprocess.run(
        [program, "--list-langs"], capture_output=True, text=True, timeout=30, check=False
    )
    return frozenset(line.strip() for line in listed.stdout.splitlines()[1:] if line.strip())


@lru_cache(maxsize=1)
def version() -> str:
    """The first line that tesseract says of itself, such as `tesseract 5.3.0`."""
    said = subprocess.run(
        [_PROGRAM, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    return (said.stdout or said.stderr).partition("\n")[0].strip()


def choose_language(language: str) -> tuple[str, str | None]:
    """Tesseract's name for a book's language, and a warning where English stands in for it."""
    short = language.lower().split("-")[0].split("_")[0]
    wanted = _LANGUAGES.get(short, short)
    if wanted in languages():
        return wanted, None
    return "eng", (
        f"The language data for {language!r} is not installed (tesseract-ocr-{wanted}): pages "
        "were recognised as English."
    )


def recognise(
    image: Path, *, language: str, segmentation: int, dpi: float | None, timeout: float
) -> Recognition:
    """Read one image file.

    Args:
        image: a file that leptonica reads, such as PNM.
        language: tesseract's name of the language data.
        segmentation: the page segmentation mode: 3 automatic, 4 one column, 6 one block.
        dpi: the image's resolution; tesseract estimates it where it is None.
        timeout: seconds after which the program is killed.

    Raises:
        RecognitionError: tesseract failed or was too slow.
    """
    options = ["--psm", str(segmentation), "-l", language]
    if dpi is not None:
        options += ["--dpi", str(round(dpi))]
    return _parse(_call([str(image), "-", *options, "tsv"], timeout))


def orientation(image: Path, *, timeout: float) -> int | None:
    """By how many degrees clockwise (0, 90, 180, 270) to turn an image, or None if unsure."""
    if "osd" not in languages():
        return None
    try:
        said = _call([str(image), "-", "--psm", "0"], timeout)
    except RecognitionError:  # too few characters to tell
        return None
    rotate = re.search(r"Rotate:\s*(\d+)", said)
    sure = re.search(r"Orientation confidence:\s*([\d.]+)", said)
    if rotate is None or sure is None or float(sure[1]) < 1.0:
        return None
    return int(rotate[1]) % 360


def _call(arguments: list[str], timeout: float) -> str:
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(
            [_PROGRAM, *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RecognitionError(f"took longer than {timeout:g} s to recognise") from error
    except OSError as error:
        raise RecognitionError(f"could not be recognised ({error.strerror})") from error
    if done.returncode != 0:
        raise RecognitionError("could not be recognised: tesseract failed on its image")
    return done.stdout.decode("utf-8", errors="replace")


def _parse(table: str) -> Recognition:
    """Read tesseract's table: level, page, block, paragraph, line, word, box, conf, text."""
    width = height = 0
    boxes: dict[tuple[int, int, int], tuple[int, int, int, int]] = {}
    words: dict[tuple[int, int, int], list[tuple[str, float]]] = {}
    for row in table.splitlines()[1:]:
        fields = row.split("\t", 11)
        if len(fields) < 11:
            continue
        level, _, block, paragraph, line, _, left, top, wide, high = map(int, fields[:10])
        key = (block, paragraph, line)
        if level == 1:
            width, height = wide, high
        elif level == 4:
            boxes[key] = (left, top, left + wide, top + high)
        elif level == 5 and len(fields) == 12 and fields[11].strip():
            words.setdefault(key, []).append((fields[11].strip(), float(fields[10]) / 100))
    lines = []
    for key, found in words.items():
        confidence = _mean_confidence(found)
        text = " ".join(text for text, _ in found)
        lines.append(WordLine(key[0], text, *boxes[key], confidence=round(confidence, 4)))
    return Recognition(tuple(lines), width, height)


def _mean_confidence(words: Sequence[tuple[str, float]]) -> float:
    """Mean over a line's letters and digits; over all its signs where it has neither.

    The dots that lead to a page number are guessed at random, and a page of contents would
    pass for illegible.
    """
    weights = [sum(map(str.isalnum, text)) for text, _ in words]
    if not any(weights):
        weights = [len(text) for text, _ in words]
    pairs = zip(weights, words, strict=True)
    return sum(weight * max(c, 0.0) for weight, (_, c) in pairs) / sum(weights)
