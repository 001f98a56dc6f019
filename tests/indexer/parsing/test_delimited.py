from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer.parsing.source import Limits
from indexer.types import ParsedDocument


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"team,wins\nMaple Leafs,13\n", "team | wins\nMaple Leafs | 13"),
        (b"a;b\n1,5;2,5\n", "a | b\n1,5 | 2,5"),
        (b"sep=|\na|b\n", "a | b"),
        (b'name,note\nx,"two\nlines, one cell"\n', "name | note\nx | two lines, one cell"),
        (b"a\tb\r1\t2\r", "a | b\n1 | 2"),
        ("Größe;Maß\n".encode("utf-16"), "Größe | Maß"),
        ("Straße;Größe\nMünchen;Köln\n".encode("cp1252"), "Straße | Größe\nMünchen | Köln"),
        (b"a,b\n" * 20 + b"\x00c,d\n", "a | b\n" * 20 + "c | d"),
        (b"\n\n", ""),
        (b"one column\nonly\n", "one column\nonly"),
    ],
)
def test_rows_are_lines(content: bytes, text: str, parse: Callable[..., ParsedDocument]) -> None:
    assert parse("delimited", content, "table.csv", format="csv").text == text


def test_tabs_in_a_file_known_as_tsv_need_no_guess(parse: Callable[..., ParsedDocument]) -> None:
    parsed = parse("delimited", b"a, b\tc, d, e\n", format="tsv")

    assert (parsed.text, parsed.format) == ("a, b | c, d, e", "tsv")


def test_a_quote_that_never_closes_loses_nothing(parse: Callable[..., ParsedDocument]) -> None:
    rows = "".join(f"{number},value\n" for number in range(40_000))

    lines = parse("delimited", f'a,"b\n{rows}'.encode(), format="csv").text.split("\n")

    assert lines[0] == 'a | "b'
    assert lines[-1] == "39999 | value"


def test_one_enormous_line_is_read_in_pieces(parse: Callable[..., ParsedDocument]) -> None:
    text = parse("delimited", b"x" * 5_000_000 + b" needle", format="csv").text

    assert text.endswith("needle")
    assert text.count("x") == 5_000_000


def test_what_is_beyond_the_limit_is_left_out_with_a_warning(parse: Callable[..., ParsedDocument]) -> None:
    content = "größer,é\n".encode() * 600_000

    parsed = parse("delimited", content, format="csv", limits=Limits(max_text_mb=1))

    assert parsed.text.startswith("größer | é\ngrößer | é")
    assert len(parsed.text) <= 1 << 20
    assert parsed.warnings[0].startswith("Only the beginning")
