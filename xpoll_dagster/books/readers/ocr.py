"""Recognising page images: pages in parallel, poor ones tried again, all of them cached.

One call of tesseract is `tesseract`'s matter; where the images come from is `pdf`'s and
`images`'.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from xpoll_dagster.books.model import Block, Line, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import tesseract
from xpoll_dagster.books.readers.page_image import (
    dark_share,
    lies_sideways,
    turn,
    without_dark_borders,
)
from xpoll_dagster.books.readers.tesseract import Recognition, RecognitionError, WordLine
from xpoll_dagster.storage import replace_file

if TYPE_CHECKING:
    from PIL.Image import Image

_T = TypeVar("_T")

_POINTS_PER_INCH = 72.0
_USUAL_DPI = 300.0  # of scans that do not say theirs: only the size of print depends on it
_CACHE_VERSION = 2  # raise it when a page is recognised otherwise than before
_BLANK = 0.001  # share of dark pixels below which a page is blank
_BLACK = 0.6  # share above which it is a failed scan
_SPECK = 0.35  # confidence below which one to three signs on a line are dirt
_MAY_BE_TURNED = 0.65  # confidence above which a page does not stand on its head
_SMALL_PRINT = 20  # lines lower than this many pixels are enlarged


@dataclass(frozen=True, slots=True)
class Outcome:
    """A page's recognition, or the reason why there is none."""

    recognition: Recognition | None
    dpi: float | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A page that a worker is recognising."""

    future: Future[Outcome]

    def page(self, blank: RawPage) -> RawPage:
        """Wait for the worker; give `blank` with what it read, or with the reason why not."""
        outcome = self.future.result()
        warnings = tuple(f"Page {blank.page} {said}." for said in outcome.warnings)
        recognition = outcome.recognition
        page = replace(blank, method="ocr", warnings=(*blank.warnings, *warnings))
        if recognition is None:
            return page
        scale = _POINTS_PER_INCH / (outcome.dpi or _USUAL_DPI)
        return replace(
            page,
            blocks=_blocks(recognition, scale),
            confidence=round(recognition.confidence, 4) if recognition.lines else None,
            width=recognition.width * scale,
            height=recognition.height * scale,
        )


class Recogniser:
    """A pool of workers that recognise page images, one tesseract process each.

    Use as a context manager. `available` says whether tesseract is installed; `warning`
    whether another language stands in for the book's.
    """

    def __init__(self, options: ReadingOptions, language: str = "en") -> None:
        self.options = options
        self.workers = options.ocr_workers or os.cpu_count() or 1
        self.available = options.ocr != "never" and tesseract.is_installed()
        self.language, self.warning = (
            tesseract.choose_language(language) if self.available else ("eng", None)
        )
        self._warned = False
        self._names = count()
        self._pool: ThreadPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()

    def submit(self, image: Image, dpi: float | None) -> Pending:
        """Have an image (PIL modes `1` or `L`) of `dpi` dots per inch, if known, recognised."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="ocr")
            self._folder = tempfile.TemporaryDirectory(prefix="xpoll-ocr-")
        return Pending(self._pool.submit(self._outcome, image, dpi))

    # -- in a worker -----------------------------------------------------------------

    def _outcome(self, image: Image, dpi: float | None) -> Outcome:
        cached = self._cache_file(image, dpi)
        recognition = _load(cached) if cached is not None else None
        warnings: list[str] = []
        try:
            if recognition is None:
                recognition = self._recognise(image, dpi)
                if cached is not None:
                    with replace_file(cached) as file:
                        file.write_text(json.dumps(recognition.to_json()), encoding="utf-8")
        except RecognitionError as error:
            return Outcome(None, dpi, (str(error),))
        if self.warning is not None and not self._warned:
            self._warned = True
            warnings.append(f"and others: {self.warning.rstrip('.')}")
        if not recognition.lines:
            dark = dark_share(image)
            if dark > _BLACK:
                warnings.append("is a failed scan: it is nearly all black, and nothing can be read")
            elif dark > _BLANK:
                warnings.append("shows something, but no text was recognised in it")
        elif recognition.confidence < self.options.ocr_retry_below:
            warnings.append(
                f"was recognised with a confidence of {recognition.confidence:.2f} only"
            )
        return Outcome(recognition, dpi, tuple(warnings))

    def _recognise(self, image: Image, dpi: float | None) -> Recognition:
        """Read a page; where the result is poor, try other ways and keep the best."""
        if lies_sideways(image):  # reading it so would take longest of all, and for nothing
            image, rotation = self._upright(image, dpi)
            best = self._read(image, dpi, rotation=rotation)
        else:
            best = self._read(image, dpi)
            if best.stands_on_side:  # tesseract read it all the same, but not in order
                image, rotation = self._upright(image, dpi)
                best = self._read(image, dpi, rotation=rotation)
        if best.confidence >= self.options.ocr_retry_below or not (
            _BLANK < dark_share(image) <= _BLACK or best.lines
        ):
            return best
        if not best.rotation and best.confidence < _MAY_BE_TURNED:
            turned, rotation = self._upright(image, dpi)
            if rotation:
                best = max(best, self._read(turned, dpi, rotation=rotation), key=_score)
                image = turned if best.rotation == rotation else image
        for attempt in self._attempts(image, dpi, best):
            if best.confidence >= self.options.ocr_retry_below:
                break
            # Close calls go to the plainer way: a gain below 5 % may be noise.
            if attempt.score > best.score + 0.05 * abs(best.score):
                best = attempt
        return best

    def _attempts(
        self, image: Image, dpi: float | None, best: Recognition
    ) -> Iterator[Recognition]:
        """Other ways to read an upright page, each run only when it is asked for."""
        rotation = best.rotation
        heights = sorted(line.y1 - line.y0 for line in best.lines)
        small = bool(heights) and heights[len(heights) // 2] < _SMALL_PRINT
        cleaned = without_dark_borders(image)
        if small:
            larger = cleaned.convert("L").resize((2 * cleaned.width, 2 * cleaned.height))
            if larger.width * larger.height <= self.options.max_render_pixels:
                yield _shrunk(self._read(larger, dpi and 2 * dpi, rotation=rotation), 2)
        yield self._read(cleaned, dpi, rotation=rotation, segmentation=4)
        yield self._read(cleaned, dpi, rotation=rotation, segmentation=6)

    def _upright(self, image: Image, dpi: float | None) -> tuple[Image, int]:
        """The image turned so that its text stands upright, and by how many degrees."""
        small = image.convert("L").resize((max(1, image.width // 2), max(1, image.height // 2)))
        rotation = self._with_file(
            small,
            lambda file: tesseract.orientation(file, timeout=self.options.ocr_timeout_seconds),
        )
        if rotation is None:  # no orientation data, or too little text: try all four
            trials = {
                degrees: self._read(turn(small, degrees), dpi and dpi / 2)
                for degrees in (0, 90, 180, 270)
            }
            rotation = max(trials, key=lambda degrees: trials[degrees].score)
        return turn(image, rotation), rotation

    def _read(
        self, image: Image, dpi: float | None, *, rotation: int = 0, segmentation: int = 3
    ) -> Recognition:
        read = self._with_file(
            image,
            lambda file: tesseract.recognise(
                file,
                language=self.language,
                segmentation=segmentation,
                dpi=dpi,
                timeout=self.options.ocr_timeout_seconds,
            ),
        )
        lines = tuple(x for x in read.lines if len(x.text) > 3 or x.confidence >= _SPECK)
        return replace(read, lines=lines, rotation=rotation)

    def _with_file(self, image: Image, use: Callable[[Path], _T]) -> _T:
        if self._folder is None:
            raise RuntimeError("pages are submitted before they are read")
        file = Path(self._folder.name) / f"{next(self._names)}.pnm"
        image.save(file)  # PNM: nothing is compressed, so nothing waits for it
        try:
            return use(file)
        finally:
            file.unlink(missing_ok=True)

    def _cache_file(self, image: Image, dpi: float | None) -> Path | None:
        if self.options.cache_dir is None:
            return None
        settings = [
            _CACHE_VERSION, tesseract.version(), self.language, dpi and round(dpi, 2), image.mode,
            image.size, self.options.ocr_retry_below,
        ]  # fmt: skip
        digest = hashlib.sha256(json.dumps(settings).encode())
        digest.update(image.tobytes())
        return self.options.cache_dir / f"{digest.hexdigest()}.json"


def _load(file: Path) -> Recognition | None:
    """The cached recognition; None where there is none, or where the file is not one."""
    try:
        return Recognition.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _score(recognition: Recognition) -> float:
    return recognition.score


def _shrunk(recognition: Recognition, factor: int) -> Recognition:
    lines = tuple(
        WordLine(
            x.block, x.text, x.x0 // factor, x.y0 // factor, x.x1 // factor, x.y1 // factor,
            x.confidence,
        )
        for x in recognition.lines
    )  # fmt: skip
    width, height = recognition.width // factor, recognition.height // factor
    return Recognition(lines, width, height, recognition.rotation)


def _joined(lines: Sequence[WordLine]) -> list[WordLine]:
    """Join the pieces of a line of print that tesseract took for lines beside each other."""
    result: list[WordLine] = []
    for line in lines:
        last = result[-1] if result else None
        if last is None or not _same_print(last, line):
            result.append(line)
            continue
        left, right = (last, line) if last.x0 <= line.x0 else (line, last)
        weight = len(left.text) / (len(left.text) + len(right.text))
        result[-1] = WordLine(
            last.block,
            f"{left.text} {right.text}",
            left.x0,
            min(left.y0, right.y0),
            max(left.x1, right.x1),
            max(left.y1, right.y1),
            weight * left.confidence + (1 - weight) * right.confidence,
        )
    return result


def _same_print(one: WordLine, two: WordLine) -> bool:
    height = min(one.y1 - one.y0, two.y1 - two.y0)
    shared = min(one.y1, two.y1) - max(one.y0, two.y0)
    gap = max(one.x0, two.x0) - min(one.x1, two.x1)
    return shared > 0.5 * height and -0.5 * height < gap < 1.2 * height


def _blocks(recognition: Recognition, scale: float) -> tuple[Block, ...]:
    blocks: dict[int, list[Line]] = {}
    for line in _joined(recognition.lines):
        blocks.setdefault(line.block, []).append(
            Line(
                text=line.text,
                x0=line.x0 * scale,
                y0=line.y0 * scale,
                x1=line.x1 * scale,
                y1=line.y1 * scale,
                size=(line.y1 - line.y0) * scale,
            )
        )
    return tuple(Block("lines", lines=tuple(lines)) for lines in blocks.values())
