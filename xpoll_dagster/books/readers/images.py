"""Books that are a folder of page images: TIFF, PNG or JPEG, recognised page by page."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xpoll_dagster.books.model import Book, BookError, RawPage
from xpoll_dagster.books.options import ReadingOptions
from xpoll_dagster.books.readers.ocr import Pending, Recogniser

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")

_FORMATS = ("TIFF", "PNG", "JPEG")  # no other decoder is ever tried
_DPI_RANGE = (70.0, 1250.0)  # scanners write nonsense such as 1 or 72000 where they know none


def claims(path: Path) -> bool:
    """Whether the path is a folder with page images among its files."""
    return path.is_dir() and bool(page_files(path))


def page_files(folder: Path) -> list[Path]:
    """The folder's images in natural order (page2 before page10); hidden files and links not."""
    files = (
        file
        for file in folder.iterdir()
        if file.suffix.lower() in SUFFIXES
        and not file.name.startswith(".")
        and not file.is_symlink()
        and file.is_file()
    )
    return sorted(files, key=lambda file: natural_key(file.name))


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that compares runs of digits by their value and letters without case."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple(
        (1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts if part
    )


def read(
    path: Path,
    book: Book,
    options: ReadingOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[RawPage]:
    """Give the pages of a folder of images one by one; a TIFF may hold several.

    An image that is broken or too large becomes an empty page with a warning. Raises
    `BookError` where OCR is off or not installed, there are too many pages, or no page can
    be read.
    """
    files = page_files(path)
    name = path.name
    if options.ocr == "never":
        raise BookError(f"{name} is a folder of page images, and recognising text is switched off.")
    if len(files) > options.max_pages:
        raise BookError(
            f"{name} has {len(files)} images; more than {options.max_pages} pages are refused "
            "(the limit is a setting)."
        )
    with Recogniser(options, book.language) as recogniser:
        if not recogniser.available:
            raise BookError(
                f"{name} is a folder of page images and OCR (tesseract-ocr) is not installed: "
                "install it, for example with `apt install tesseract-ocr`."
            )
        yield from _in_order(
            _begin(files, options, recogniser), recogniser, len(files), name, progress
        )


def _begin(
    files: list[Path], options: ReadingOptions, recogniser: Recogniser
) -> Iterator[tuple[RawPage, Pending | None, int]]:
    """Start each page; gives it with its recognition and how many files are left behind it."""
    number = 0
    for position, file in enumerate(files):
        left = len(files) - position - 1
        for image, problem in _frames(file, options):
            number += 1
            if number > options.max_pages:
                raise BookError(
                    f"{file.parent.name} has more than {options.max_pages} pages, which are "
                    "refused (the limit is a setting)."
                )
            page = RawPage(page=number, blocks=(), method="ocr")
            if image is None:
                said = (f"Page {number} ({file.name}) {problem}.",)
                yield RawPage(page=number, blocks=(), method="ocr", warnings=said), None, left
            else:
                yield page, recogniser.submit(image, _dpi(image)), left


def _in_order(
    started: Iterator[tuple[RawPage, Pending | None, int]],
    recogniser: Recogniser,
    files: int,
    name: str,
    progress: Callable[[int, int], None] | None,
) -> Iterator[RawPage]:
    window: list[tuple[RawPage, Pending | None]] = []
    done = legible = 0
    total = files
    problem: str | None = None

    def finish() -> RawPage:
        nonlocal done, legible, problem
        page, pending = window.pop(0)
        page = page if pending is None else pending.page(page)
        done += 1
        legible += bool(page.blocks)
        problem = problem or next(iter(page.warnings), None)
        if progress is not None:
            progress(done, max(total, done))
        return page

    for page, pending, left in started:
        window.append((page, pending))
        total = max(total, page.page + left)
        if len(window) > recogniser.workers + 1:
            yield finish()
    while window:
        yield finish()
    if not legible:
        reason = f" ({problem.rstrip('.')})" if problem else ""
        raise BookError(f"None of the {done} page images of {name} could be read{reason}.")


def _frames(file: Path, options: ReadingOptions) -> Iterator[tuple[Image | None, str]]:
    """Each page of an image file as a black and white or gray image, or what is wrong with it."""
    from PIL import Image as Images

    frame = 0
    while True:
        try:
            with _bounded(options.max_image_pixels), Images.open(file, formats=_FORMATS) as image:
                if frame >= getattr(image, "n_frames", 1):
                    return
                image.seek(frame)
                pixels = image.width * image.height
                if pixels > options.max_image_pixels:
                    problem = f"is an image of {pixels / 1e6:.0f} million pixels, more than allowed"
                    yield None, problem
                else:
                    yield _prepared(image, options), ""
        except (Images.DecompressionBombError, Images.DecompressionBombWarning):
            yield None, "is an image of more pixels than allowed, and was not decoded"
            return  # nor can a later page of the file be reached
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            del error  # the decoder's message says nothing to a reader of books
            yield None, "is damaged, or not an image at all"
            return  # what follows in a damaged file cannot be found
        frame += 1
        if frame > options.max_pages:
            return


@contextmanager
def _bounded(pixels: int) -> Iterator[None]:
    """Have the decoder refuse what is larger, instead of warning."""
    from PIL import Image as Images

    before = Images.MAX_IMAGE_PIXELS
    Images.MAX_IMAGE_PIXELS = pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Images.DecompressionBombWarning)
            yield
    finally:
        Images.MAX_IMAGE_PIXELS = before


def _prepared(image: Image, options: ReadingOptions) -> Image:
    """Decoded, upright as its camera says, without colour or transparency, not too large."""
    from PIL import Image as Images
    from PIL import ImageOps

    dpi = image.info.get("dpi")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info:
        white = Images.new("RGBA", upright.size, "white")
        white.alpha_composite(upright.convert("RGBA"))
        upright = white
    if upright.mode.startswith("I"):  # 16 bits a sample: keep the upper 8
        upright = upright.point(lambda value: value / 256).convert("L")
    result = upright.copy() if upright.mode == "1" else upright.convert("L")
    if dpi is not None:
        result.info["dpi"] = dpi
    pixels = result.width * result.height
    if pixels > options.max_render_pixels:
        factor = (options.max_render_pixels / pixels) ** 0.5
        size = (max(1, round(result.width * factor)), max(1, round(result.height * factor)))
        scaled = result.convert("L").resize(size)
        if (known := _dpi(result)) is not None:
            scaled.info["dpi"] = (known * factor,) * 2
        return scaled
    return result


def _dpi(image: Image) -> float | None:
    """The image's resolution where it says a likely one."""
    said = image.info.get("dpi")
    value = float(said[0]) if isinstance(said, tuple) else 0.0
    return value if _DPI_RANGE[0] <= value <= _DPI_RANGE[1] else None
