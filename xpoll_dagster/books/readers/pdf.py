"""PDF books: each page by its text layer, by recognition or by the layout model.

Decides page by page which of the three reads it; how each of them works stands in
`text_layer` and `reading_order`, `ocr`, and `layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers import layout, ocr
from xpoll_dagster.books.readers.mupdf import import_mupdf
from xpoll_dagster.books.readers.reading_order import Ordered, order
from xpoll_dagster.books.readers.text_layer import Fragment, read_fragments, upright
from xpoll_dagster.books.readers.text_quality import judge_text

SUFFIXES = (".pdf",)

_HEADER_WINDOW = 1024  # readers accept `%PDF-` anywhere in the first kilobyte
_POINTS_PER_INCH = 72.0
_FIT_DPI = 170.0  # scans of at least this many dots per inch are recognised as they are
_IMAGE_PAGE = 0.3  # share of the page that an image must cover to be taken for a scan
_INK = 0.002  # share of dark pixels that makes a page without text not blank
_TABLE_ROWS = 4  # rows of cells on one page that are worth the layout model


def claims(path: Path) -> bool:
    """Whether the file's content is a PDF's, whatever its name."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return b"%PDF-" in stream.read(_HEADER_WINDOW)


def read(
    path: Path,
    book: Book,
    options: ReadingOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[RawPage]:
    """Give the pages of a PDF one by one, in order.

    Pages to be recognised are rendered here, one ahead of each worker, and recognised in
    parallel. A page that cannot be read is given empty, with a warning; `BookError` is
    raised where the file is not a PDF, needs a password, has no pages, or where no page of
    it has any text.
    """
    document = _open(path, options)
    try:
        with ocr.Recogniser(options, book.language) as recogniser:
            yield from _Reading(document, book, options, recogniser).pages(progress)
    finally:
        document.close()


def _open(path: Path, options: ReadingOptions) -> Any:
    pymupdf = import_mupdf()
    name = path.name
    if path.stat().st_size == 0:
        raise BookError(f"{name} is empty (0 bytes).")
    if not claims(path):
        raise BookError(f"{name} is not a PDF.")
    try:
        document = pymupdf.open(str(path), filetype="pdf")
    except (RuntimeError, ValueError) as error:
        raise BookError(f"{name} is not a PDF, or too damaged to be opened.") from error
    try:
        if document.needs_pass:
            raise BookError(f"{name} is encrypted and needs a password: save it without one.")
        try:
            count = document.page_count
        except (RuntimeError, ValueError) as error:
            raise BookError(f"{name} is damaged: its list of pages cannot be read.") from error
        if count < 1:
            raise BookError(f"{name} has no pages, or is too damaged to find them.")
        if count > options.max_pages:
            raise BookError(
                f"{name} claims to have {count} pages; more than {options.max_pages} are refused "
                "(the limit is a setting)."
            )
    except BookError:
        document.close()
        raise
    return document


@dataclass(slots=True)
class _Pending:
    """A page on its way: finished, or waiting for its recognition."""

    page: RawPage
    recognition: ocr.Pending | None = None


class _Reading:
    """One pass over one document."""

    def __init__(
        self,
        document: Any,
        book: Book,
        options: ReadingOptions,
        recogniser: ocr.Recogniser,
    ) -> None:
        self.document = document
        self.book = book
        self.options = options
        self.recogniser = recogniser
        self.route = book.route if book.route != "auto" else options.route
        self.layout: layout.LayoutModel | None = None
        self.wanted_ocr = 0
        self.has_labels = bool(document.get_page_labels())

    def pages(self, progress: Callable[[int, int], None] | None) -> Iterator[RawPage]:
        total = self.document.page_count
        window: list[_Pending] = []
        readable = done = 0
        problem: str | None = None
        for index in range(total + 1):
            if index < total:
                window.append(self._begin(index))
            most = self.recogniser.workers + 1 if index < total else 0
            while window and (window[0].recognition is None or len(window) > most):
                page = self._finish(window.pop(0))
                readable += bool(page.blocks)
                problem = problem or next(iter(page.warnings), None)
                done += 1
                if progress is not None:
                    progress(done, total)
                yield page
        if not readable:
            self._refuse(problem)

    def _refuse(self, warning: str | None) -> None:
        name = self.book.path.name
        if self.wanted_ocr and self.options.ocr == "never":
            raise BookError(
                f"{name} has no text layer, and recognising text (OCR) is switched off."
            )
        if self.wanted_ocr and not self.recogniser.available:
            raise BookError(
                f"{name} has no text layer and OCR (tesseract-ocr) is not installed: install it, "
                "for example with `apt install tesseract-ocr`."
            )
        reason = f" ({warning.rstrip('.')})" if warning else ""
        raise BookError(f"{name} has no text on any of its pages{reason}.")

    # -- one page --------------------------------------------------------------------

    def _begin(self, index: int) -> _Pending:
        from pymupdf import mupdf

        number = index + 1
        try:
            page = self.document.load_page(index)
            blank = RawPage(
                page=number,
                blocks=(),
                label=self._label(page),
                width=page.rect.width,
                height=page.rect.height,
                warnings=self._document_warnings() if index == 0 else (),
            )
            return self._route(page, blank)
        except (RuntimeError, ValueError, IndexError, mupdf.FzErrorBase) as error:
            del error  # MuPDF's message speaks of its inside
            warning = f"Page {number} is damaged and could not be read."
            return _Pending(RawPage(page=number, blocks=(), warnings=(warning,)))

    def _route(self, page: Any, blank: RawPage) -> _Pending:
        if self.options.ocr == "always":
            return self._recognise(page, blank, None)
        fragments, turned = upright(page, read_fragments(page))
        if turned:
            blank = replace(blank, width=blank.height, height=blank.width)
        ordered = order(fragments, blank.width)
        read = replace(blank, blocks=ordered.blocks)
        verdict = judge_text(fragments)
        if verdict == "garbage" or (verdict == "sparse" and self._shows_more(page, fragments)):
            return self._recognise(page, blank, read if verdict == "sparse" else None)
        if self.route == "careful" or (self.route == "auto" and self._deserves_care(ordered)):
            return _Pending(self._with_layout(page, read))
        return _Pending(read)

    @staticmethod
    def _deserves_care(ordered: Ordered) -> bool:
        return ordered.table_rows >= _TABLE_ROWS

    def _with_layout(self, page: Any, read: RawPage) -> RawPage:
        if self.layout is None:
            self.layout = layout.LayoutModel(self.document)
        return self.layout.arrange(page.number, read)

    def _label(self, page: Any) -> str | None:
        return (page.get_label() or None) if self.has_labels else None

    def _document_warnings(self) -> tuple[str, ...]:
        if not self.document.is_repaired:
            return ()
        return ("The file is damaged and was repaired as far as possible: pages may be missing.",)

    # -- recognition -----------------------------------------------------------------

    def _shows_more(self, page: Any, fragments: Sequence[Fragment]) -> bool:
        """Whether a page with (nearly) no text shows something that a person would read."""
        area = abs(page.rect) or 1.0
        for image in page.get_image_info():
            x0, y0, x1, y1 = image["bbox"]
            if abs((x1 - x0) * (y1 - y0)) > _IMAGE_PAGE * area:
                return True
        if fragments:
            return False
        if self._largest_image(page) > self.options.max_image_pixels:
            return True  # which must not be decoded even to see whether it is blank
        import pymupdf

        # No text and no large image: letters may be drawn as curves, or it is blank.
        zoom = min(1.0, 800 / max(page.rect.width, page.rect.height, 1.0))
        pixels = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace="gray", alpha=False)
        samples = pixels.samples
        dark = sum(samples.count(value) for value in range(128))
        return dark > _INK * len(samples)

    def _recognise(self, page: Any, blank: RawPage, fallback: RawPage | None) -> _Pending:
        """Send a page to recognition; `fallback` stands where that is not to be had."""
        self.wanted_ocr += 1
        otherwise = fallback or blank
        problem = None
        if self.options.ocr == "never":
            problem = "has no usable text layer, and recognising text is switched off"
        elif not self.recogniser.available:
            problem = "has no usable text layer and OCR (tesseract-ocr) is not installed"
        elif (pixels := self._largest_image(page)) > self.options.max_image_pixels:
            problem = (
                f"holds an image of {pixels / 1e6:.0f} million pixels, more than the "
                f"{self.options.max_image_pixels / 1e6:.0f} million allowed, and was not decoded"
            )
        if problem is not None:
            warning = f"Page {blank.page} {problem}."
            return _Pending(replace(otherwise, warnings=(*otherwise.warnings, warning)))
        image, dpi = self._render(page)
        return _Pending(otherwise, self.recogniser.submit(image, dpi))

    @staticmethod
    def _largest_image(page: Any) -> int:
        images = page.get_images(full=True)
        return max((width * height for _, _, width, height, *_ in images), default=0)

    def _render(self, page: Any) -> tuple[Any, float]:
        import pymupdf
        from PIL import Image

        dpi = self._resolution(page)
        inches = (page.rect.width / _POINTS_PER_INCH) * (page.rect.height / _POINTS_PER_INCH)
        if inches * dpi * dpi > self.options.max_render_pixels:
            dpi = (self.options.max_render_pixels / inches) ** 0.5
        zoom = dpi / _POINTS_PER_INCH
        pixels = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace="gray", alpha=False)
        return Image.frombytes("L", (pixels.width, pixels.height), pixels.samples), dpi

    def _resolution(self, page: Any) -> float:
        """The scan's own resolution where it is fit for recognition, else that of the options.

        Pixels that enlarging invents cost time and give no better text.
        """
        usual = float(self.options.ocr_dpi)
        images = page.get_image_info()
        if len(images) != 1:
            return usual
        x0, _, x1, _ = images[0]["bbox"]
        own = images[0]["width"] / max(x1 - x0, 1.0) * _POINTS_PER_INCH
        return own if _FIT_DPI <= own < usual and not page.rotation % 180 else usual

    @staticmethod
    def _finish(pending: _Pending) -> RawPage:
        if pending.recognition is None:
            return pending.page
        return pending.recognition.page(pending.page)
