"""Rich Text Format: text in every encoding RTF knows, tables, headings, notes, properties.

A reader of its own: it has to decode double-byte text by font, skip binary pictures without looking
into them, keep footnotes and tell tables from paragraphs. Source: RTF specification 1.9.1.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

from indexer.errors import UnreadableDocument
from indexer.parsing.builder import TextBuilder
from indexer.parsing.source import Source
from indexer.types import ParsedDocument

VERSION = 1

_MAX_DEPTH = 2_000
_MAX_HEADING = 300
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
_SKIPPED = frozenset(
    b"colortbl pict objdata themedata colorschememapping datastore latentstyles listtable listoverridetable "
    b"rsidtbl generator xmlnstbl filetbl revtbl nonshppict shprslt fldinst atnid atnauthor atnref atndate "
    b"atnparent atrfstart atrfend bkmkstart bkmkend sp mmathPr private password template ftnsep ftnsepc "
    b"ftncn aftnsep aftnsepc aftncn xe tc txe rxe pgptbl protusertbl userprops wgrffmtfilter objclass "
    b"objname operator company manager category doccomm comment hlinkbase printim buptim docvar "
    b"formfield".split()
)
_ENTERED = frozenset(b"shpinst shptxt annotation nesttableprops footnote".split())
"""Destinations marked with \\* that hold text all the same."""
_ASIDE = {
    b"footnote": "note",
    b"annotation": "comment",
    **dict.fromkeys(b"header headerl headerr headerf footer footerl footerr footerf".split(), "margin"),
}
_INFO = {b"title": "title", b"author": "author", b"subject": "subject", b"keywords": "keywords"}
_TIMES = {b"creatim": "created", b"revtim": "modified"}
_CHARS = {
    b"tab": "\t", b"line": "\n", b"lbr": "\n", b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘",
    b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"emspace": " ", b"enspace": " ", b"qmspace": " ",
}  # fmt: skip
_SYMBOLS = {
    b"~": " ",
    b"_": "-",
    b"-": "",
    b"\n": "\n",
    b"\r": "\n",
    b"{": "{",
    b"}": "}",
    b"\\": "\\",
    b"\t": "\t",
}
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
_SYMBOL_CHARSET = 2


def parse(source: Source) -> ParsedDocument:
    """Read an RTF document.

    Raises:
        UnreadableDocument: not RTF, or nested too deeply.
    """
    out = TextBuilder.within(source.limits)
    facts = read_rtf(source.read(), out)
    title = facts.pop("title", "")
    return out.build(kind="doc", format="rtf", title=title, metadata=facts)


def read_rtf(data: bytes, out: TextBuilder) -> dict[str, str]:
    """Add the text of an RTF document; returns its properties, the title among them.

    Raises:
        UnreadableDocument: not RTF, or nested too deeply.
    """
    start = data.find(b"{\\rtf", 0, 4096)
    if start < 0:
        raise UnreadableDocument("This RTF document is damaged: it does not begin as RTF does.")
    reader = _Reader(data, out)
    reader.read(start)
    return reader.facts


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits and its end restores."""

    target: str = "body"
    """body, skip, fonts, styles, info:<key>, time:<key>, note, comment or margin."""
    font: int = -1
    skip_after_unicode: int = 1
    hidden: bool = False


@dataclass(slots=True)
class _Paragraph:
    """What is collected until a paragraph ends; notes and margins have their own."""

    pieces: list[str] = field(default_factory=list)
    style: int = 0
    level: int = 0
    in_table: bool = False


class _Reader:
    def __init__(self, data: bytes, out: TextBuilder) -> None:
        self.out = out
        self.facts: dict[str, str] = {}
        self._data = data
        self._state = _State()
        self._stack: list[tuple[_State, _Paragraph]] = []
        self._paragraph = _Paragraph()
        self._pending = bytearray()
        self._to_skip = 0
        self._star = False
        self._default_codec = "cp1252"
        self._default_font = -1
        self._codecs: dict[int, str] = {}
        self._levels: dict[int, int] = {}
        self._cells: list[str] = []
        self._cell: list[str] = []
        self._first_row = True
        self._asides: list[str] = []
        self._margins: dict[str, None] = {}
        self._time: dict[str, int] = {}

    def read(self, position: int) -> None:
        """Read from here to the end of the outer group."""
        end = len(self._data)
        while position < end and not self.out.full:
            match = _TOKEN.match(self._data, position)
            if match is None:
                break
            position = match.end()
            word, number, code, symbol, brace, text = match.groups()
            if text is not None:
                self._plain(text)
            elif word is not None:
                if word == b"bin":
                    position += max(0, int(number or 0))
                else:
                    self._word(word, int(number) if number else None)
            elif code is not None:
                self._plain(bytes.fromhex(code.decode("ascii")))
            elif brace is not None:
                self._brace(brace)
                if not self._stack:
                    break
            elif symbol is not None:
                self._symbol(symbol)
        self._end_paragraph()
        self._end_row()
        for text in self._margins:
            self.out.paragraph(text)

    # --- tokens -------------------------------------------------------------------------------------

    def _plain(self, data: bytes) -> None:
        if self._to_skip:
            taken = min(self._to_skip, len(data))
            self._to_skip -= taken
            data = data[taken:]
        target = self._state.target
        if target in ("skip", "fonts") or self._state.hidden or target.startswith("time"):
            return
        self._pending += data

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self._to_skip = 0
        self._star = False
        if brace == b"{":
            if len(self._stack) >= _MAX_DEPTH:
                raise UnreadableDocument("This RTF document is damaged: its groups are nested without end.")
            self._stack.append((self._state, self._paragraph))
        elif self._stack:
            left = self._state.target
            state, paragraph = self._stack.pop()
            if paragraph is not self._paragraph:
                self._leave_aside(left)
            if left.startswith("time") and not state.target.startswith("time"):
                self._keep_time(left.partition(":")[2])
            self._state, self._paragraph = state, paragraph

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._star = True
            return
        if symbol in (b"\n", b"\r"):
            self._end_paragraph()
        elif symbol in _SYMBOLS:
            self._write(_SYMBOLS[symbol])

    def _word(self, word: bytes, number: int | None) -> None:
        star, self._star = self._star, False
        if word == b"u":
            self._unicode(number or 0)
        elif word in _CHARS:
            self._write(_CHARS[word])
        elif word in _BREAKS or word in _TABLE:
            self._layout(word)
        elif not self._destination(word, star) and not self._document_word(word, number):
            self._property(word, number)

    def _destination(self, word: bytes, star: bool) -> bool:
        """Turn to what a group is for; False when the word does not say that."""
        target = self._state.target
        if target == "skip":
            return True
        if word in _SKIPPED or (star and word not in _ENTERED and word not in _ASIDE):
            self._turn("skip")
        elif word == b"fonttbl":
            self._turn("fonts")
        elif word == b"stylesheet":
            self._turn("styles")
        elif word == b"info":
            self._turn("skip-words")
        elif target == "skip-words" and word in _INFO:
            self._turn(f"info:{_INFO[word]}")
        elif target == "skip-words" and word in _TIMES:
            self._turn(f"time:{_TIMES[word]}")
        elif word in _ASIDE and target == "body":
            self._turn(_ASIDE[word])
            self._paragraph = _Paragraph()
        else:
            return False
        return True

    def _turn(self, target: str) -> None:
        self._flush()
        self._state = replace(self._state, target=target)

    def _document_word(self, word: bytes, number: int | None) -> bool:
        """Words about the document, its fonts and its times."""
        target = self._state.target
        if word == b"ansicpg" and number:
            self._default_codec = _codec(f"cp{number}") or self._default_codec
        elif word in (b"mac", b"pc", b"pca") and len(self._stack) == 1:
            self._default_codec = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}[word]
        elif word == b"deff":
            self._default_font = number or 0
        elif target == "fonts" and word == b"fcharset":
            if number == _SYMBOL_CHARSET:
                self._codecs[self._state.font] = "symbol"
            elif number in _CHARSETS:
                self._codecs[self._state.font] = _CHARSETS[number]
        elif target == "fonts" and word == b"cpg" and number:
            self._codecs[self._state.font] = _codec(f"cp{number}") or self._default_codec
        elif target.startswith("time"):
            self._time[word.decode("ascii")] = number or 0
        else:
            return False
        return True

    def _property(self, word: bytes, number: int | None) -> None:
        on = number != 0
        if word == b"f":
            self._change(font=number or 0)
        elif word == b"uc":
            self._change(skip_after_unicode=min(max(number or 0, 0), 16))
        elif word in (b"v", b"deleted", b"htmlrtf"):  # the last: what Outlook adds to RTF made of HTML
            self._change(hidden=on)
        elif word == b"plain":
            self._change(hidden=False, font=self._default_font)
        elif word == b"pard":
            self._paragraph.style = self._paragraph.level = 0
            self._paragraph.in_table = False
        elif word == b"intbl":
            self._paragraph.in_table = on
        elif word == b"s":
            self._paragraph.style = number or 0
        elif word == b"outlinelevel" and number is not None:
            level = number + 1 if 0 <= number < 9 else 0
            self._paragraph.level = level
            if self._state.target == "styles":
                self._levels[self._paragraph.style] = level

    def _change(self, **values: int) -> None:
        self._flush()
        self._state = replace(self._state, **values)  # type: ignore[arg-type]

    # --- text ---------------------------------------------------------------------------------------

    def _unicode(self, number: int) -> None:
        self._write(chr(number & 0xFFFF))
        self._to_skip = self._state.skip_after_unicode

    def _write(self, text: str) -> None:
        self._flush()
        self._to_skip = 0
        self._put(text)

    def _put(self, text: str) -> None:
        target = self._state.target
        if self._state.hidden or target in ("skip", "skip-words", "fonts") or target.startswith("time"):
            return
        if target.startswith("info:"):
            key = target[5:]
            self.facts[key] = self.facts.get(key, "") + text
        elif target != "styles":
            self._paragraph.pieces.append(text)
        elif match := re.search(r"heading (\d)", text):
            self._levels.setdefault(self._paragraph.style, int(match[1]))

    def _flush(self) -> None:
        if not self._pending:
            return
        codec = self._codecs.get(self._state.font, self._default_codec)
        data = bytes(self._pending)
        self._pending.clear()
        if codec == "symbol":
            # Symbol fonts have shapes, not letters; the round dot of lists is the one people see.
            self._put("".join("•" if byte == 0xB7 else chr(byte) if byte < 0x80 else "" for byte in data))
        else:
            self._put(data.decode(codec, "replace"))

    def _layout(self, word: bytes) -> None:
        self._flush()
        self._to_skip = 0
        if self._state.target not in ("body", "note", "comment", "margin"):
            return
        if word in _BREAKS:
            self._end_paragraph()
        elif word in (b"cell", b"nestcell"):
            self._paragraph.in_table = True
            self._end_paragraph()
            self._cells.append(" ".join(self._cell))
            self._cell.clear()
        else:
            self._end_row()

    def _end_paragraph(self) -> None:
        self._flush()
        if self._state.target not in ("body", "note", "comment", "margin"):
            return
        text = _joined(self._paragraph.pieces)
        self._paragraph.pieces.clear()
        if self._state.target != "body":
            if text.strip():
                self._paragraph.pieces.append(text.strip() + " ")
            return
        if self._paragraph.in_table:
            if text.strip():
                self._cell.append(text)
            return
        self._end_row()
        self._first_row = True
        level = self._paragraph.level or self._levels.get(self._paragraph.style, 0)
        if level and len(text) <= _MAX_HEADING:
            self.out.heading(text, level)
        else:
            self.out.paragraph(text)
        self._write_asides()

    def _end_row(self) -> None:
        if self._cell:
            self._cells.append(" ".join(self._cell))
            self._cell.clear()
        if not self._cells:
            return
        start, end = self.out.row(self._cells, first=self._first_row)
        self._first_row = self._first_row and start == end
        self._cells.clear()
        if self._asides:
            self._write_asides()
            self._first_row = True

    def _leave_aside(self, kind: str) -> None:
        text = _joined(self._paragraph.pieces).strip()
        if not text:
            return
        if kind == "margin":
            if any(char.isalpha() for char in text):
                self._margins.setdefault(text)
        else:
            self._asides.append(f"Comment: {text}" if kind == "comment" else text)

    def _write_asides(self) -> None:
        for text in self._asides:
            self.out.paragraph(text)
        self._asides.clear()

    def _keep_time(self, key: str) -> None:
        parts = [self._time.get(name, 0) for name in ("yr", "mo", "dy", "hr", "min")]
        self._time.clear()
        if 1970 < parts[0] < 10_000 and 0 < parts[1] < 13 and 0 < parts[2] < 32:
            self.facts[key] = "{:04}-{:02}-{:02}T{:02}:{:02}:00".format(*parts)


_BREAKS = frozenset(b"par sect page column".split())
_TABLE = frozenset(b"cell row nestcell nestrow".split())


def _joined(pieces: list[str]) -> str:
    """Text with the halves of surrogate pairs put together."""
    return "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _codec(name: str) -> str:
    known = {"cp936": "gb18030", "cp65001": "utf-8", "cp10000": "mac_roman", "cp1361": "johab"}.get(
        name, name
    )
    try:
        return codecs.lookup(known).name
    except LookupError:
        return ""
