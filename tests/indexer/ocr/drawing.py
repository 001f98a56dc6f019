"""Pages drawn in tests: text as a picture, turned, askew, noisy; scans, multi-page images, a bomb."""

from __future__ import annotations

import io
import random
import zlib
from typing import Any

from indexer.parsing import pdf

ENGLISH = (
    "The lighthouse keeper counted seventeen ships",
    "before the fog closed over the harbour again.",
    "Nobody had repaired the eastern foghorn since",
    "the great storm, and the captains knew it well.",
)
GERMAN = (
    "Der Leuchtturmwärter zählte siebzehn Schiffe,",
    "bevor der Nebel den Hafen wieder schloß und",
    "die Möwen über den größten Kränen verstummten;",
    "für das östliche Nebelhorn fehlte übrigens Öl.",
)
CHINESE = (
    "灯塔守卫在大雾之前数了十七艘船。",
    "东边的雾号自从那场大风暴以后",
    "一直没有人修理过，船长们都知道。",
)
JAPANESE = ("灯台守は霧が港を覆う前に十七隻の", "船を数えた。東の霧笛は大嵐の後", "誰も修理していなかった。")


def picture(
    lines: tuple[str, ...],
    *,
    font: str = "helv",
    turn: int = 0,
    skew: float = 0.0,
    noise: float = 0.0,
    size: float = 14,
    vertical: bool = False,
    dpi: int = 150,
) -> Any:
    """A grey pixmap of a page with these lines.

    Args:
        lines: Of text; columns from the right when `vertical`.
        font: A font that PyMuPDF has built in.
        turn: Degrees clockwise, of 90.
        skew: Degrees clockwise.
        noise: Share of the pixels that are black or white at random.
        size: Of the letters, in points.
        vertical: Letters stand below each other.
        dpi: Dots per inch.
    """
    library = pdf.mupdf()
    with library.open() as document:
        page = document.new_page(width=400, height=300)
        for number, line in enumerate(lines):
            if vertical:
                for place, letter in enumerate(line):
                    page.insert_text(
                        (350 - number * size * 1.8, 40 + place * size * 1.15),
                        letter,
                        fontname=font,
                        fontsize=size,
                    )
            else:
                page.insert_text((30, 60 + number * size * 1.7), line, fontname=font, fontsize=size)
        matrix = library.Matrix(dpi / 72, dpi / 72)
        if turn or skew:
            matrix.prerotate(turn + skew)
        pixmap = page.get_pixmap(matrix=matrix, colorspace=library.csGRAY, alpha=False)
    if not noise:
        return pixmap
    samples = bytearray(pixmap.samples)
    dice = random.Random(7)
    for _ in range(int(noise * len(samples))):
        samples[dice.randrange(len(samples))] = dice.choice((0, 255))
    return library.Pixmap(library.csGRAY, pixmap.width, pixmap.height, bytes(samples), False)


def scan(*pages: Any) -> bytes:
    """A PDF whose pages are these pixmaps; a string is a page of real text."""
    library = pdf.mupdf()
    with library.open() as document:
        for each in pages:
            if isinstance(each, str):
                page = document.new_page(width=400, height=300)
                page.insert_textbox((30, 30, 370, 270), each, fontsize=11)
            else:
                page = document.new_page(width=each.width * 72 / 150, height=each.height * 72 / 150)
                page.insert_image(page.rect, pixmap=each)
        content: bytes = document.tobytes(deflate=True)
    return content


def image(*pages: Any, format: str) -> bytes:
    """An image file of Pillow's `format`, of several pages if the format can."""
    from PIL import Image

    found = [Image.frombytes("L", (each.width, each.height), each.samples) for each in pages]
    target = io.BytesIO()
    more = {"save_all": True, "append_images": found[1:]} if len(found) > 1 else {}
    found[0].save(target, format, **more)
    return target.getvalue()


def bomb(side: int = 35_000) -> bytes:
    """A small PDF with one picture of `side` × `side` pixels, 150 MB when unpacked."""
    packer = zlib.compressobj(9)
    row = b"\xff" * ((side + 7) // 8)
    data = b"".join([packer.compress(row) for _ in range(side)]) + packer.flush()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 600] /Contents 4 0 R"
        b" /Resources << /XObject << /I 5 0 R >> >> >>",
        b"<< /Length 25 >>\nstream\nq 600 0 0 600 0 0 cm /I Do Q\nendstream".replace(b"25", b"26"),
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 1"
        b" /ColorSpace /DeviceGray /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream"
        % (side, side, len(data), data),
    ]
    out = io.BytesIO(b"%PDF-1.5\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return out.getvalue()
