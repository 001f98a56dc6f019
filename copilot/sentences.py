"""Sentences as they may be quoted: without marks of headings, each line of a mail's head apart.

What the analysis of language calls a sentence may end in the mark of the heading that follows, or be the
whole head of a mail, because none of its lines ends in a stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from indexer import language

_HEAD_LINE = re.compile(
    r"(?:from|to|cc|bcc|subject|date|sent|reply-to|sender|von|an|betreff|datum|gesendet|de|à|objet|para|asunto|"
    r"fecha|发件人|收件人|抄送|主题|日期)[ \t]*[:：][ \t]*\S[^\n]*",
    re.IGNORECASE,
)
_LINES_APART = re.compile(rf"^(?:#{{1,6}}[ \t][^\n]*|{_HEAD_LINE.pattern})$", re.MULTILINE | re.IGNORECASE)
_MARKS_BEFORE = re.compile(r"(?:\s|#{1,6}(?=\s|$)|[=~*_-]{3,}(?=\s|$))+")
_MARKS_AFTER = re.compile(r"(?:(?:^|\s)(?:#{1,6}|[=~*_-]{3,})|\s)+$")


def cut(text: str, spoken: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a text, in order; headings and lines of a mail's head stand alone.

    Args:
        text: A chunk.
        spoken: ISO 639-1 code of its language, "" when it is unknown.
    """
    return [span for start, end in language.sentences(text, spoken) for span in _pieces(text, start, end)]


def is_head_line(text: str) -> bool:
    """Whether a sentence is a line of a mail's head ("Subject: …")."""
    return bool(_HEAD_LINE.fullmatch(text))


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for line in _LINES_APART.finditer(text, start, end):
        yield from _trimmed(text, at, line.start())
        yield from _trimmed(text, line.start(), line.end())
        at = line.end()
    yield from _trimmed(text, at, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    before = _MARKS_BEFORE.match(text, start, end)
    start = before.end() if before else start
    after = _MARKS_AFTER.search(text[start:end])
    end = start + after.start() if after else end
    if start < end:
        yield start, end
