"""A page as a picture: opened, drawn at any size under a limit of pixels, turned and straightened.

Runs in the OCR process only. Images are opened by MuPDF, or by Pillow where MuPDF does not know them.
"""

from __future__ import annotations

import io
import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.errors import UnreadableDocument
from indexer.parsing import pdf
from indexer.parsing.source import Source

Image: TypeAlias = NDArray[np.uint8]
"""(height, width) grey or (height, width, 3) colours; 0 is black."""

_SMALL = 1200
"""Pixels of the longer side below which an image is enlarged: the engines want letters of 20 pixels."""
_MAX_SKEW = 8.0
"""Degrees; a page that lies more askew than this was meant to."""
_SURVEY_PIXELS = 700_000
"""Of the picture in which the direction of the lines is looked for."""
_SAMPLE = 60_000
"""Dark points that are enough to find it."""


class Picture:
    """One page of a document."""

    def __init__(self, source: Source, format: str, page: int, *, dpi: int, max_pixels: int) -> None:
        """Open the document.

        Args:
            source: Its bytes.
            format: "pdf" or "image".
            page: 1-based.
            dpi: Dots per inch wished for; images keep their own size unless they are small.
            max_pixels: Of one drawing of the page, whatever is asked.

        Raises:
            UnreadableDocument: it cannot be opened, or has no such page.
        """
        self._library = pdf.mupdf()
        self._document = _open(self._library, source, format, max_pixels)
        self._max_pixels = max_pixels
        if not 1 <= page <= self._document.page_count:
            raise UnreadableDocument(f"It has no page {page}.")
        self._page = self._document[page - 1]
        rect = self._page.rect
        self.width, self.height = max(rect.width, 1.0), max(rect.height, 1.0)
        self._scale = dpi / 72 if format == "pdf" else self._native()

    def close(self) -> None:
        """Let go of the document."""
        self._document.close()

    def _native(self) -> float:
        """Pixels of an image for each point of its page, enlarged when it is small."""
        found = self._page.get_image_info()
        own = found[0]["width"] / self.width if found else 1.0
        longer = own * max(self.width, self.height)
        return float(own * (min(3.0, _SMALL / longer) if longer < _SMALL else 1.0))

    def scale(self, *, pixels: int | None = None, longer: int | None = None) -> float:
        """Pixels a point, within the limit, and within `pixels` in all or on the `longer` side."""
        limit = min(self._max_pixels, pixels or self._max_pixels)
        most = math.sqrt(limit / (self.width * self.height))
        if longer:
            most = min(most, longer / max(self.width, self.height))
        return min(self._scale, most)

    def draw(self, scale: float, *, turn: float = 0.0, colour: bool = False) -> Image:
        """The page at `scale` pixels a point, turned clockwise by `turn` degrees."""
        matrix = self._library.Matrix(scale, scale)
        if turn:
            matrix.prerotate(turn)
        space = self._library.csRGB if colour else self._library.csGRAY
        pixmap = self._page.get_pixmap(matrix=matrix, colorspace=space, alpha=False)
        samples = np.frombuffer(pixmap.samples, np.uint8)
        rows = samples.reshape(pixmap.height, pixmap.stride)[:, : pixmap.width * pixmap.n]
        shape = (pixmap.height, pixmap.width, 3) if colour else (pixmap.height, pixmap.width)
        return np.ascontiguousarray(rows.reshape(shape))

    def survey(self) -> tuple[float, bool]:
        """Degrees to turn the page clockwise so that lines are straight; whether they run up or down."""
        return direction(self.draw(self.scale(pixels=_SURVEY_PIXELS)))


def _open(library: Any, source: Source, format: str, max_pixels: int) -> Any:
    try:
        if format == "pdf":
            return library.open(source.path, filetype="pdf")
        document = library.open(stream=source.read(), filetype="png")  # it looks at the content itself
        if document.page_count and document[0].rect.width:  # only now does it look
            return document
    except UnreadableDocument:
        raise
    except Exception as exc:
        if format == "pdf":
            reason = f"It cannot be opened: {' '.join(str(exc).split())[:120]}."
            raise UnreadableDocument(reason) from exc
    return library.open(stream=_as_png(source, max_pixels), filetype="png")


def _as_png(source: Source, max_pixels: int) -> bytes:
    try:
        from PIL import Image as Pillow

        Pillow.MAX_IMAGE_PIXELS = 4 * max_pixels
        with Pillow.open(io.BytesIO(source.read())) as image:
            image.thumbnail((_side(max_pixels), _side(max_pixels)))
            target = io.BytesIO()
            image.convert("RGB").save(target, "PNG")
            return target.getvalue()
    except Exception as exc:
        raise UnreadableDocument(
            "The picture is damaged, or of a kind that cannot be opened.", "Save it as PNG or JPEG."
        ) from exc


def _side(pixels: int) -> int:
    return max(1, math.isqrt(pixels))


# --- direction of the lines ----------------------------------------------------------------------


def direction(image: Image) -> tuple[float, bool]:
    """Degrees to turn an image clockwise so that lines are straight; whether they run up or down.

    Dark points are summed along lines at many angles: at the right one, lines of text and the gaps
    between them differ most.
    """
    ys, xs = np.nonzero(_dark(image))
    if len(xs) < 50:
        return 0.0, False
    if len(xs) > _SAMPLE:
        chosen = np.random.default_rng(0).choice(len(xs), _SAMPLE, replace=False)
        ys, xs = ys[chosen], xs[chosen]
    across = _best_angle(xs.astype(float), ys.astype(float))
    along = _best_angle(ys.astype(float), -xs.astype(float))
    sideways = along[1] > 1.3 * across[1]
    return (along if sideways else across)[0], bool(sideways)


def _dark(image: Image) -> NDArray[np.bool_]:
    """What is ink, by Otsu's threshold; the rarer of dark and light."""
    counts = np.bincount(image.ravel(), minlength=256).astype(float)
    levels = np.arange(256)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    dark = image <= int(np.nanargmax(np.nan_to_num(spread, nan=-1.0)))
    return ~dark if dark.mean() > 0.5 else dark


def _best_angle(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> tuple[float, float]:
    """The angle at which the points lie in the sharpest lines, and how sharp they are."""

    def sharpness(degrees: float) -> float:
        slope = math.tan(math.radians(degrees))
        rows = np.rint(ys + slope * xs).astype(np.int64)
        profile = np.bincount(rows - rows.min()).astype(float)
        return float(np.square(np.diff(profile)).sum())

    coarse = {angle: sharpness(angle) for angle in np.arange(-_MAX_SKEW, _MAX_SKEW + 0.01, 0.5)}
    best = max(coarse, key=coarse.__getitem__)
    fine = {angle: sharpness(angle) for angle in np.arange(best - 0.5, best + 0.51, 0.1)}
    best = max(fine, key=fine.__getitem__)
    straight = sharpness(0.0)
    if abs(best) < 0.15 or fine[best] < 1.05 * straight:
        return 0.0, straight
    return float(best), fine[best]
