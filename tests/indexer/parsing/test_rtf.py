from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer.errors import UnreadableDocument
from indexer.types import ParsedDocument

FONTS = (
    rb"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset128 MS Mincho;}"
    rb"{\f2\fcharset204 Arial Cyr;}{\f3\fcharset2 Symbol;}}"
)


def rtf(body: bytes) -> bytes:
    return rb"{\rtf1\ansi\ansicpg1252\deff0" + FONTS + body + b"}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"One\par Two \b bold\b0  end", "One\n\nTwo bold end"),
        (rb"caf\'e9 \u8364? \u-10179?\u-8704?", "café € 😀"),
        (rb"{\uc2\u26085\'93\'fa x}", "日 x"),
        (rb"{\f1 \'93\'fa\'96\'7b}", "日本"),
        (b"{\\f1 \\'83A\x93\xfa}", "ア日"),
        (rb"{\f2\'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\f3\'b7}item", "•item"),
        (rb"a{\field{\*\fldinst HYPERLINK secret}{\fldrslt link}}b", "alinkb"),
        (rb"x{\pict\bin12 }}}{{{\\\par}y", "xy"),
        (rb"seen{\v unseen}\plain  {\deleted gone}too", "seen too"),
        (rb"{\*\unknown nothing}shown{\*\shpinst{\sp secret}{\shptxt boxed\par}}", "shownboxed"),
        (rb"\'zz \ {\\}\{\}", "zz \\{}"),
        (rb"{\header Letterhead\par}{\footerf 7}Body\par", "Body\n\nLetterhead"),
        (rb"Claim{\footnote {\chftn}Source}.\par Next", "Claim.\n\nSource\n\nNext"),
    ],
)
def test_text_is_what_people_see(body: bytes, text: str, parse: Callable[..., ParsedDocument]) -> None:
    assert parse("rtf", rtf(body)).text == text


def test_tables_headings_and_properties(parse: Callable[..., ParsedDocument]) -> None:
    body = (
        rb"{\stylesheet{\s1 heading 1;}{\s5\outlinelevel1 Kapitel;}}"
        rb"{\info{\title Plan f\'fcr 2024}{\author Ada}{\creatim\yr2024\mo3\dy5\hr9\min30}{\doccomm no}}"
        rb"\pard\s1 Goals\par\pard\s5 Details\par\pard Before\par"
        rb"\trowd\pard\intbl a\par b\cell c\cell\row\trowd\pard\intbl d\cell\cell\row\pard After\par"
    )

    parsed = parse("rtf", rtf(body))

    assert parsed.text == "Goals\n\nDetails\n\nBefore\n\na b | c\nd\n\nAfter"
    assert [(h.level, parsed.text[h.start : h.end]) for h in parsed.headings] == [
        (1, "Goals"),
        (2, "Details"),
    ]
    assert parsed.title == "Plan für 2024"
    assert dict(parsed.metadata) == {"author": "Ada", "created": "2024-03-05T09:30:00"}


def test_unfinished_document_keeps_what_is_there(parse: Callable[..., ParsedDocument]) -> None:
    assert parse("rtf", rb"{\rtf1 Hello {\b wor").text == "Hello wor"


@pytest.mark.parametrize("content", [b"", b"plain text", rb"{\rtf1" + b"{" * 100_000])
def test_what_is_not_rtf_is_broken(content: bytes, refusal: Callable[..., UnreadableDocument]) -> None:
    assert refusal("rtf", content).status == "broken"
