"""Page images made easier to read: turned, cleaned of dark borders, judged by their ink."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_PROFILE_PIXELS = 1000  # the longer side of the image in which lines of print are looked for
_SIDEWAYS = 1.5  # how much more the columns must differ than the rows; upright pages stay below 1.4


def turn(image: Image, degrees: int) -> Image:
    """Turn clockwise by 0, 90, 180 or 270 degrees."""
    return image.rotate(-degrees, expand=True, fillcolor=255) if degrees else image


def dark_share(image: Image) -> float:
    """The share (0-1) of the pixels that are darker than half."""
    histogram = image.convert("L").histogram()
    return sum(histogram[:128]) / max(1, sum(histogram))


def without_dark_borders(image: Image) -> Image:
    """Black and white by Otsu's threshold, with the dark margins of a photocopy painted white.

    Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    import numpy as np
    from PIL import Image as Images

    gray = np.asarray(image.convert("L"))
    histogram = np.bincount(gray.ravel(), minlength=256).astype(float)
    weight = histogram.cumsum()
    mean = (histogram * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean[-1] * weight / weight[-1] - mean) ** 2 / (weight * (weight[-1] - weight))
    threshold = int(np.nanargmax(np.where(np.isfinite(between), between, -1)))
    white = gray > threshold
    for axis in (0, 1):  # rows or columns nearly all dark, counted from the edges inwards
        dark = (white.mean(axis=1 - axis) < 0.3).astype(int)
        leading = int(dark.cumprod().sum())
        trailing = int(dark[::-1].cumprod().sum())
        side = white if axis == 0 else white.T
        side[:leading] = True
        side[len(side) - trailing :] = True
    return Images.fromarray(np.where(white, 255, 0).astype(np.uint8))


def lies_sideways(image: Image) -> bool:
    """Whether lines of print seem to run up or down the page.

    Lines and the white between them make the sums of dark pixels jump from row to row on an
    upright page, and from column to column on one that lies on its side.
    """
    import numpy as np

    factor = max(1, round(max(image.size) / _PROFILE_PIXELS))
    ink = 255.0 - np.asarray(image.convert("L").reduce(factor), dtype=np.float32)
    if min(ink.shape) < 2:
        return False
    by_row, by_column = ink.mean(axis=1), ink.mean(axis=0)
    rows, columns = np.diff(by_row).std(), np.diff(by_column).std()
    return bool(columns > _SIDEWAYS * rows)
