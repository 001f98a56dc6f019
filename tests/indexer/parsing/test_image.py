from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from indexer.errors import UnreadableDocument

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(10) + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 480, 640)
TIFF = (
    b"II*\x00\x08\x00\x00\x00\x02\x00"
    + struct.pack("<HHIHH", 256, 3, 1, 640, 0)
    + struct.pack("<HHII", 257, 4, 1, 480)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 640, 480), "(PNG) of 640 × 480 pixels"),
        (JPEG, "(JPEG) of 640 × 480 pixels"),
        (TIFF, "(TIFF) of 640 × 480 pixels"),
        (b"GIF89a" + struct.pack("<HH", 640, 480), "(GIF) of 640 × 480 pixels"),
        (b"BM" + bytes(16) + struct.pack("<ii", 640, -480), "(BMP) of 640 × 480 pixels"),
        (
            b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + b"\x7f\x02\x00\xdf\x01\x00",
            "(WebP) of 640 × 480 pixels",
        ),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(10) + struct.pack("<HH", 640, 480), "(WebP) of 640 × 480"),
        (b"\x00\x00\x00\x18ftypheic", "(HEIF):"),
        (b"\x89PNG\r\n\x1a\n", "(PNG):"),
        (b"MM\x00*\xff\xff\xff\xff", "(TIFF):"),
    ],
)
def test_images_need_ocr_and_tell_their_size(
    content: bytes, words: str, refusal: Callable[..., UnreadableDocument]
) -> None:
    error = refusal("image", content)

    assert error.status == "needs-ocr"
    assert words in error.reason
    assert "OCR" in error.hint


def test_other_content_is_unsupported(refusal: Callable[..., UnreadableDocument]) -> None:
    assert refusal("image", b"RIFF....AVI text").status == "unsupported"
