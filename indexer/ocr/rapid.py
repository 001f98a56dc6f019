"""RapidOCR: PaddleOCR's models through ONNX Runtime. The only module that imports it.

Finds lines anywhere on the page, at any angle, and reads Chinese, Japanese and languages in Latin
letters, also in photographs. Its models are given by path, so that it never fetches any.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import ocr
from indexer.language import is_wordless
from indexer.ocr.lines import Line, compose, confidence
from indexer.ocr.picture import Image, Picture

_DETECT_SIDE = 1600
"""Pixels of the longer side in which lines are looked for; they are read in full size."""
_PROBES = 6
"""Lines that decide how the page lies."""
_SURE = 0.5
"""Score below which a line is not text."""


class Rapid:
    """The loaded models; of one thread."""

    def __init__(self, threads: int) -> None:
        """Load them.

        Raises:
            ImportError: the package is not installed or not whole.
        """
        from rapidocr import RapidOCR

        models = ocr.models()
        if not models:
            raise ImportError("the models of rapidocr are missing")
        parameters: dict[str, Any] = {f"{task.title()}.model_path": path for task, path in models.items()}
        parameters |= {
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        self._models = RapidOCR(params=parameters)
        self.label = f"rapidocr {ocr.find().rapidocr}"

    def read(self, picture: Picture) -> ocr.Reading:
        """Recognise a page, however it lies."""
        scale = picture.scale()
        image = np.ascontiguousarray(picture.draw(scale, colour=True)[:, :, ::-1])
        boxes = self._detect(image)
        if not len(boxes):
            return ocr.Reading(text="", confidence=0, engine=self.label)
        crops = self._models.crop_text_regions(image, boxes)
        turn, vertical = self._lie(crops, boxes)
        if turn:
            crops = [_righted(crop, _is_column(box), turn) for crop, box in zip(crops, boxes, strict=True)]
            boxes = _turn_boxes(boxes, turn, image.shape[1], image.shape[0])
        skew = _skew(boxes, vertical)
        lines = self._lines(crops, _straightened(boxes, skew) / scale)
        return ocr.Reading(
            text=compose(lines, vertical=vertical),
            confidence=confidence(lines),
            engine=self.label,
            turned=turn,
            skew=round(skew, 1),
        )

    def _detect(self, image: Image) -> NDArray[np.float32]:
        """Corners of the lines, (n, 4, 2) in pixels: of each from its upper left clockwise."""
        import cv2

        height, width = image.shape[:2]
        factor = min(1.0, _DETECT_SIDE / max(height, width))
        small: Any = image
        if factor < 1:
            size = (max(1, round(width * factor)), max(1, round(height * factor)))
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        try:
            _, found = self._models.detect_and_crop(small, {})
        except Exception as exc:
            if "empty" in str(exc):
                return np.zeros((0, 4, 2), np.float32)
            raise
        if found.boxes is None:
            return np.zeros((0, 4, 2), np.float32)
        ratio = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        return np.asarray(found.boxes, np.float32) * ratio

    def _lie(self, crops: Sequence[Image], boxes: NDArray[np.float32]) -> tuple[int, bool]:
        """Degrees to turn the page clockwise, and whether its lines are columns that run down.

        Columns are handed over lying on their left side. Read like that and upside down, the better
        score tells; letters that are read standing one below the other are a column that is meant so.
        """
        columns = [_is_column(box) for box in boxes]
        lengths = [max(_sides(box)) for box in boxes]
        sideways = sum(n for n, column in zip(lengths, columns, strict=True) if column) > 0.5 * sum(lengths)
        chosen = sorted(
            (i for i, column in enumerate(columns) if column == sideways), key=lambda i: -lengths[i]
        )[:_PROBES]
        probes = [crops[i] for i in chosen]
        upright, texts = self._score(probes)
        turned, _ = self._score([_turned(probe, 180) for probe in probes])
        if not sideways:
            return (180 if turned > upright + 0.05 else 0), False
        if turned > upright + 0.05:
            return 90, False
        letters = "".join(texts)
        if letters and 2 * sum(map(is_wordless, letters)) > len(letters):
            standing, _ = self._score([_unstacked(_turned(probe, 90)) for probe in probes])
            if standing > 0.7 * upright:
                return 0, True
        return 270, False

    def _score(self, crops: Sequence[Image]) -> tuple[float, list[str]]:
        found = self._models.recognize_txt(list(crops))
        return float(np.mean(found.scores)), list(found.txts or ())

    def _lines(self, crops: Sequence[Image], boxes: NDArray[np.float64]) -> list[Line]:
        found = self._models.recognize_txt(list(crops))
        return [
            Line(
                text=text,
                confidence=100.0 * score,
                x0=float(box[:, 0].min()),
                y0=float(box[:, 1].min()),
                x1=float(box[:, 0].max()),
                y1=float(box[:, 1].max()),
            )
            for text, score, box in zip(found.txts or (), found.scores, boxes, strict=True)
            if text.strip() and score >= _SURE
        ]


def _sides(box: NDArray[np.float32]) -> tuple[float, float]:
    """Width and height of a box along its own edges."""
    return float(np.linalg.norm(box[1] - box[0])), float(np.linalg.norm(box[3] - box[0]))


def _is_column(box: NDArray[np.float32]) -> bool:
    """Whether the line is handed over turned by a quarter (the same limit as in RapidOCR)."""
    width, height = _sides(box)
    return int(height) >= 1.5 * max(1, int(width))


def _turned(image: Image, clockwise: int) -> Image:
    return np.ascontiguousarray(np.rot90(image, -clockwise // 90))


def _righted(crop: Image, column: bool, turn: int) -> Image:
    """A line of a page that is turned by `turn` degrees; columns come lying on their left side."""
    return _turned(crop, (turn + 90) % 360 if column else turn)


def _turn_boxes(boxes: NDArray[np.float32], turn: int, width: int, height: int) -> NDArray[np.float32]:
    """The boxes on the page turned clockwise, corners again from the upper left."""
    xs, ys = boxes[:, :, 0], boxes[:, :, 1]
    if turn == 90:
        points, shift = np.stack([height - ys, xs], axis=2), 1
    elif turn == 180:
        points, shift = np.stack([width - xs, height - ys], axis=2), 2
    else:
        points, shift = np.stack([ys, width - xs], axis=2), 3
    return np.roll(points, shift, axis=1)


def _skew(boxes: NDArray[np.float32], vertical: bool) -> float:
    """Degrees by which the lines fall to the right, the median weighed by length."""
    edges = boxes[:, 3] - boxes[:, 0] if vertical else boxes[:, 1] - boxes[:, 0]
    lengths = np.linalg.norm(edges, axis=1)
    if vertical:
        angles = np.degrees(np.arctan2(-edges[:, 0], edges[:, 1]))
    else:
        angles = np.degrees(np.arctan2(edges[:, 1], edges[:, 0]))
    order = np.argsort(angles)
    half = np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)
    angle = float(angles[order][min(int(half), len(order) - 1)])
    return angle if 0.2 < abs(angle) < 30 else 0.0


def _straightened(boxes: NDArray[np.float32], skew: float) -> NDArray[np.float64]:
    """The boxes turned back about the corner of the page."""
    angle = math.radians(-skew)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    straight: NDArray[np.float64] = np.asarray(boxes, np.float64) @ turn.T
    return straight


def _unstacked(column: Image) -> Image:
    """The letters of a column, which stand one below the other, side by side as a line."""
    height, width = column.shape[:2]
    count = max(1, round(height / width))
    edges = np.linspace(0, height, count + 1).astype(int)
    ink = np.abs(column.astype(int) - np.median(column)).sum(axis=(1, 2))
    reach = max(1, width // 4)
    for i in range(1, count):  # to the emptiest row nearby
        low, high = max(0, edges[i] - reach), min(height, edges[i] + reach)
        edges[i] = low + int(np.argmin(ink[low:high]))
    cells = [column[a:b] for a, b in pairwise(edges) if b - a > width // 4]
    tallest = max(len(cell) for cell in cells)
    padded = [np.pad(cell, ((0, tallest - len(cell)), (0, 0), (0, 0)), mode="edge") for cell in cells]
    return np.ascontiguousarray(np.concatenate(padded, axis=1))
