"""Formats that are text: encodings, headings, titles, and text that attacks."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from indexer.errors import UnreadableDocument
from indexer.parsing import encoding
from indexer.parsing.source import Limits
from indexer.types import ParsedDocument

Parse = Callable[..., ParsedDocument]


def load_hostile() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile", Path(__file__).with_name("hostile.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


hostile = load_hostile()


def headings_of(document: ParsedDocument) -> list[tuple[int, str]]:
    return [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings]


# --- encodings -----------------------------------------------------------------------------------

TEXTS = {
    "de": "Nächsten Mittwoch um neun besprechen wir im Sitzungszimmer das Budget; Gäste melden sich früh.",
    "fr": "Mercredi prochain à neuf heures, nous discutons du budget dans la salle, troisième étage. Ça va.",
    "es": "El próximo miércoles hablaremos del presupuesto; ¿podrán venir todos? Mañana será otro día.",
    "pl": "W przyszłą środę o dziewiątej będziemy rozmawiać o budżecie w sali na trzecim piętrze.",
    "cs": "Příští středu v devět hodin budeme diskutovat o rozpočtu. Žluťoučký kůň úpěl ďábelské ódy.",
    "tr": "Gelecek çarşamba saat dokuzda toplantı odasında bütçeyi görüşeceğiz. Şişli'de ığdır ağacı.",
    "en": "The “quoted” text – with a dash… and it’s fine. Price €5 for the whole of it, no more.",
    "zh": "下星期三上午九点在三楼会议室讨论预算，请各部门主管准时出席，并带上去年的报表和今年的计划。",
    "zh-tw": "下星期三上午九點在三樓會議室討論預算，請各部門主管準時出席，並帶上去年的報表和今年的計劃。",
    "ja": "来週の水曜日の九時から三階の会議室で予算について話し合います。資料を必ず持ってきてください。",
    "ko": "다음 주 수요일 오전 아홉 시에 삼 층 회의실에서 예산을 논의합니다. 모두 참석해 주십시오.",
    "ru": "В следующую среду в девять часов утра мы будем обсуждать бюджет в зале на третьем этаже.",
    "el": "Την επόμενη Τετάρτη στις εννέα το πρωί θα συζητήσουμε τον προϋπολογισμό στην αίθουσα.",
    "th": "วันพุธหน้าเวลาเก้าโมงเช้าเราจะประชุมเรื่องงบประมาณที่ห้องประชุมชั้นสาม กรุณามาให้ตรงเวลาด้วย",
    "he": "ביום רביעי הבא בתשע בבוקר נדון בתקציב בחדר הישיבות בקומה השלישית. נא להגיע בזמן.",
    "ar": "يوم الأربعاء القادم في الساعة التاسعة صباحا سنناقش الميزانية في قاعة الاجتماعات في الطابق الثالث.",
}
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
LEGACY = {
    "de": ["latin-1"], "fr": ["cp1252", "mac-roman"], "es": ["latin-1"], "en": ["cp1252"], "cs": ["cp1250"],
    "pl": ["cp1250", "iso8859-2"], "tr": ["cp1254"], "zh": ["gb18030", "gbk"], "zh-tw": ["big5"],
    "ja": ["shift_jis", "euc-jp", "iso-2022-jp"], "ko": ["euc-kr"], "ru": ["koi8-r", "cp1251"],
    "el": ["iso8859-7"], "th": ["tis-620"], "he": ["cp1255"], "ar": ["cp1256"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "codec"),
    [(language, codec) for language in TEXTS for codec in (*UNICODE, *LEGACY[language])],
)
def test_text_is_decoded_without_being_told_how(language: str, codec: str) -> None:
    text = f"{TEXTS[language]}\n" * 2
    if codec in ("utf-16-le", "utf-16-be"):
        text = "Budget 2026\n" + text  # without a mark, some ASCII gives the encoding away
    assert encoding.decode(text.encode(codec)).text.removeprefix("\ufeff") == text


def test_bad_bytes_in_utf8_are_replaced_and_reported() -> None:
    content = "naïve café, Größe\n".encode() * 20 + b"bad \xff byte\n"
    decoded = encoding.decode(content)
    assert "naïve café" in decoded.text
    assert "bad \ufffd byte" in decoded.text
    assert "replaced" in decoded.warning


def test_a_declared_encoding_is_believed_only_if_it_works() -> None:
    gbk = TEXTS["zh"].encode("gbk")
    assert encoding.decode(gbk, declared="gb2312").encoding == "gb18030"
    assert "星期三" in encoding.decode(gbk, declared="utf-8").text
    assert "星期三" in encoding.decode(gbk, declared="no-such-thing").text
    assert encoding.find_codec("rot13") == ""
    assert encoding.find_codec("unicode_escape") == ""


@pytest.mark.parametrize(
    "content", [hostile.noise(4000), b"\x00" * 500, bytes(range(256)) * 20, b"\x7fELF" + hostile.noise(500)]
)
def test_binary_data_is_refused(refusal: Callable[..., UnreadableDocument], content: bytes) -> None:
    assert refusal("plaintext", content).status == "unsupported"


@pytest.mark.parametrize("seed", range(20))
def test_no_bytes_make_the_decoder_fail(seed: int) -> None:
    content = hostile.noise(50 + seed * 37, seed)
    for sample in (content, bytes(byte | 0x80 for byte in content), bytes(byte & 0x7F for byte in content)):
        with contextlib.suppress(UnreadableDocument):
            assert isinstance(encoding.decode(sample).text, str)


def test_zero_bytes_in_text_are_dropped(parse: Parse) -> None:
    assert parse("plaintext", b"before\x00 and after\n" * 20).text.startswith("before and after\n")


def test_one_long_line_is_no_trouble(parse: Parse) -> None:
    content = b"word " * 2_000_000 + b"needle"
    assert parse("plaintext", content).text.endswith("needle")


def test_too_much_text_is_cut_with_a_warning(parse: Parse) -> None:
    document = parse("plaintext", b"x" * (3 << 20), limits=Limits(max_text_mb=1))
    assert len(document.text) == 1 << 20
    assert any("1 MB" in warning for warning in document.warnings)


def test_too_large_a_file_is_refused(refusal: Callable[..., UnreadableDocument]) -> None:
    assert refusal("plaintext", b"x" * (2 << 20), limits=Limits(max_file_mb=1)).status == "too-large"


def test_terminal_sequences_do_not_survive(parse: Parse) -> None:
    text = parse("plaintext", hostile.terminal_attack()).text
    assert text.splitlines()[0] == "first line"
    assert text.splitlines()[-1] == "last line"
    assert not any(char in text for char in "\x1b\x07\x08\x7f\x9b\u202e\u2066\u2069\U000e0041")


# --- headings ------------------------------------------------------------------------------------

MARKDOWN = """---
title: "The front matter's title"
author: Ada Example
tags: [one, two]
---
# First #

Text with a #hash and more.

## Second ##
```python
# not a heading
```
Setext one
==========
Setext two
---
| a | b |
|---|---|
- item
---
~~~~
# neither
~~~
# nor this
~~~~
####### seven is too many
### 最后 😀
"""

RST = """=====
Title
=====

:Author: Ada Example
:Date: 2026-01-02

Section
=======

Text::

    literal
    -------

Sub section
-----------

=====  =====
a      b
=====  =====
1      2
=====  =====

A paragraph of two lines
that ends above a line
----------------------

中文标题
========
"""

ASCIIDOC = """= Document Title
Ada Example <ada@example.org>
:revdate: 2026-01-02

== Section

----
== not a section
----

Underlined
----------

=== Deeper
"""

ORG = """#+TITLE: Org Title
#+AUTHOR: Ada Example
* TODO First heading :tag:
text
** Second
*bold* at the start is no heading
"""


def test_markdown(parse: Parse) -> None:
    document = parse("markdown", MARKDOWN.encode(), format="markdown")
    assert headings_of(document) == [
        (1, "First"), (2, "Second"), (1, "Setext one"), (2, "Setext two"), (3, "最后 😀"),
    ]  # fmt: skip
    assert document.title == "The front matter's title"
    assert document.metadata["author"] == "Ada Example"
    assert document.text == MARKDOWN


def test_restructuredtext(parse: Parse) -> None:
    document = parse("rst", RST.encode(), format="rst")
    assert headings_of(document) == [(1, "Title"), (2, "Section"), (3, "Sub section"), (2, "中文标题")]
    assert document.title == "Title"
    assert document.metadata == {"author": "Ada Example", "created": "2026-01-02"}


def test_a_python_proposal_has_its_number_in_the_title(parse: Parse) -> None:
    content = (
        b"PEP: 8\nTitle: Style Guide\nAuthor: Ada Example,\n        Bob Example\n\nIntro\n=====\n\ntext\n"
    )
    document = parse("rst", content, format="rst")
    assert document.title == "PEP 8 – Style Guide"
    assert document.metadata["author"] == "Ada Example, Bob Example"
    assert headings_of(document) == [(1, "Intro")]


def test_asciidoc(parse: Parse) -> None:
    document = parse("asciidoc", ASCIIDOC.encode(), format="asciidoc")
    assert headings_of(document) == [(1, "Document Title"), (2, "Section"), (2, "Underlined"), (3, "Deeper")]
    assert document.metadata == {"author": "Ada Example", "created": "2026-01-02"}


def test_org(parse: Parse) -> None:
    document = parse("org", ORG.encode(), format="org")
    assert headings_of(document) == [(1, "First heading"), (2, "Second")]
    assert document.title == "Org Title"


@pytest.mark.parametrize("module", ["markdown", "rst", "asciidoc", "org"])
@pytest.mark.parametrize(
    "content", ["=" * 300_000, "#\n" * 100_000, "a\n-\n" * 50_000, "`" * 200_000, "* " * 100_000]
)
def test_monotonous_text_takes_no_time_to_speak_of(parse: Parse, module: str, content: str) -> None:
    assert parse(module, content.encode(), format=module).text


def test_html(parse: Parse) -> None:
    page = """<!DOCTYPE html><html lang="en"><head><title>The &amp; Title</title>
    <meta name="author" content="Ada">
    <style>p { color: red }</style></head><body><h1>Head <em>ing</em></h1><p>One<br>two &ndash; three.</p>
    <script>alert("no")</script><ul><li>first</li><li>second</li></ul>
    <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
    <img src="https://example.org/x.png" alt=""><h3>Deep</h3><p>end</body></html>"""
    document = parse("html", page.encode(), format="html")
    assert document.title == "The & Title"
    assert document.metadata["author"] == "Ada"
    assert headings_of(document) == [(1, "Head ing"), (3, "Deep")]
    assert "One\ntwo – three." in document.text
    assert "a | b\n1 | 2" in document.text
    assert "alert" not in document.text
    assert "color" not in document.text


def test_html_nested_without_end(parse: Parse) -> None:
    assert "innermost words" in parse("html", hostile.deep_html(), format="html").text


def test_html_in_a_declared_or_a_wrongly_declared_encoding(parse: Parse) -> None:
    for label in ("gbk", "utf-8"):
        page = (
            f'<html><head><meta charset="{label}"><title>标题</title></head><body>{TEXTS["zh"]}</body></html>'
        )
        document = parse("html", page.encode("gbk"), format="html")
        assert document.title == "标题"
        assert "会议室" in document.text


def test_xml(parse: Parse) -> None:
    content = b"""<?xml version="1.0"?><book><title>Of Ducks</title><chapter><title>One</title>
    <para>Plain <em>and inline</em> text.</para><para>Second &amp; last.</para></chapter>
    <record><name>Ada</name><age>36</age></record></book>"""
    document = parse("xml", content, format="xml")
    assert headings_of(document) == [(1, "Of Ducks"), (2, "One")]
    assert "Plain and inline text.\nSecond & last." in document.text
    assert "Ada\n36" in document.text
    assert document.title == "Of Ducks"


def test_xml_bombs_and_thefts_are_refused(
    refusal: Callable[..., UnreadableDocument], parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object) -> NoReturn:
        raise AssertionError("a parser opened a socket")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    (tmp_path / "canary").write_text("canary")
    assert "entities" in refusal("xml", hostile.billion_laughs(), format="xml").reason
    assert (
        "entities" in refusal("xml", hostile.external_entity(str(tmp_path / "canary")), format="xml").reason
    )
    assert parse("xml", hostile.deep_xml(), format="xml").text == "innermost"
    remote = b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a>text</a>'
    assert parse("xml", remote, format="xml").text == "text"


def test_json_shows_letters_instead_of_escapes(parse: Parse) -> None:
    content = json.dumps({"name": "髙橋 😀", "text": "Größe"}, indent=1).encode()
    text = parse("structured", content, format="json").text
    assert "髙橋 😀" in text
    assert "Größe" in text


def test_json_on_one_long_line_is_laid_out(parse: Parse) -> None:
    content = json.dumps([{"id": number, "word": f"word{number}"} for number in range(500)]).encode()
    assert max(map(len, parse("structured", content, format="json").text.splitlines())) < 100


def test_json_nested_without_end_stays_text(parse: Parse) -> None:
    assert "innermost" in parse("structured", hostile.deep_json(), format="json").text


def test_notebook(parse: Parse, refusal: Callable[..., UnreadableDocument]) -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Analysis\n", "Some words.\n", "## Part"]},
            {
                "cell_type": "code",
                "source": "print('hi')",
                "outputs": [{"text": ["hi\n"]}, {"data": {"text/plain": "42", "image/png": "iVBOR"}}],
            },
            "damaged",
        ],
        "nbformat": 4,
    }
    document = parse("notebook", json.dumps(notebook).encode(), format="ipynb")
    assert document.text == "Analysis\n\nSome words.\n\nPart\n\nprint('hi')\n\nhi\n\n42"
    assert headings_of(document) == [(1, "Analysis"), (2, "Part")]
    assert document.kind == "code"
    assert refusal("notebook", b"{ broken", format="ipynb").status == "broken"


def test_subtitles(parse: Parse) -> None:
    vtt = (
        b"WEBVTT\n\n1\n00:00:01.000 --> 00:00:04.000\n<v Ada>Hello <i>there</i>\n\n"
        b"00:00:05.000 --> 00:00:06.000\nHello\n\n"
    )
    srt = (
        b"1\r\n00:00:01,000 --> 00:00:02,000\r\nFirst\r\n\r\n2\r\n00:02:01,500 --> 00:02:02,000\r\nLater\r\n"
    )
    assert parse("subtitles", vtt, format="vtt").text == "[00:00:01] Ada: Hello there\nHello"
    assert parse("subtitles", srt, format="srt").text == "[00:00:01] First\n\n[00:02:01] Later"
