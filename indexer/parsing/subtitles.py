"""Subtitles (WebVTT, SubRip): what is said, without the timing of each line."""

from __future__ import annotations

import re

from indexer.parsing.builder import TextBuilder
from indexer.parsing.plaintext import read_text
from indexer.parsing.source import Source
from indexer.types import ParsedDocument

VERSION = 1

_TIMING = re.compile(r"^(?P<start>(?:\d+:)?\d{1,2}:\d{2})[.,]\d+[ \t]+-->", re.MULTILINE)
_VOICE = re.compile(r"<v(?:\.[\w.-]+)?[ \t]+([^>]+)>")
_TAG = re.compile(r"</?[a-z][^>]*>|<\d[\d:.]*>|\{\\[^}]*\}", re.IGNORECASE)
_PAUSE_S = 60
"""A minute starts a new paragraph, which keeps its time of start."""


def parse(source: Source) -> ParsedDocument:
    """Each minute of speech is a paragraph that begins with its time."""
    text, warnings = read_text(source)
    builder = TextBuilder(source.limits.max_text)
    for warning in warnings:
        builder.warn(warning)
    began: int | None = None
    last = ""
    for block in re.split(r"\n[ \t]*\n", text):
        timing = _TIMING.search(block)
        if not timing:
            continue
        spoken = _spoken(block[timing.end() :].partition("\n")[2])
        if not spoken or spoken == last:  # captions made by machines repeat the line before
            continue
        last = spoken
        second = _seconds(timing["start"])
        if began is None or second - began >= _PAUSE_S:
            began = second
            builder.paragraph(f"[{timing['start']}] {spoken}")
        else:
            builder.line(spoken)
    return builder.build(kind="text", format=source.format)


def _spoken(lines: str) -> str:
    text = _VOICE.sub(r"\1: ", lines)
    return " ".join(_TAG.sub("", text).split())


def _seconds(time: str) -> int:
    total = 0
    for part in time.split(":"):
        total = total * 60 + int(part)
    return total
