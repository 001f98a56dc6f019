from __future__ import annotations

import pytest

from indexer.parsing.builder import TextBuilder
from indexer.parsing.markup import write_html


def text_of(html: str) -> str:
    out = TextBuilder()
    write_html(html, out)
    return out.build(kind="web", format="html").text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One<p>Two <b>bold</b> tail", "One\n\nTwo bold tail"),
        ("a<br>b<hr>c", "a\nb\n\nc"),
        ("<p>  spaces \n and\tlines </p>", "spaces and lines"),
        ("<pre>  x = 1\n    y</pre>", "x = 1\n    y"),
        ("<ul><li>one<li>two<ul><li>inner</ul></ul>after", "• one\n• two\n• inner\n\nafter"),
        ("before<script>no()</script> and<style>p{}</style> after", "before and after"),
        ("seen<span style='DISPLAY : none'>not</span><p hidden>no</p>", "seen"),
        ("<!-- no --><!DOCTYPE html><head><title>no</title></head>yes", "yes"),
        ("<table><tr><th>a<th>b<tr><td>1<p>x</p>y<td>2</table>", "a | b\n1 x y | 2"),
        ("<table><tr><td>Layout<td>only</table>", "Layout\n\nonly"),
        (
            "<table><tr><td><table><tr><td>a<td>b<tr><td>1<td>2</table><td>side</table>",
            "a | b\n1 | 2\n\nside",
        ),
        ("&lt;tag&gt; &amp;copy; &euro;&nbsp;5", "<tag> &copy; € 5"),
        ("<h2>A <i>title</i></h2>x", "A title\n\nx"),
        ("a\x00b <unknown>c</unknown>", "ab c"),
        ("", ""),
    ],
)
def test_text_is_what_a_browser_shows(html: str, text: str) -> None:
    assert text_of(html) == text


def test_headings_keep_level_and_span() -> None:
    out = TextBuilder()
    write_html("<h1>Top</h1>text<h3>Sub</h3>" + f"<h2>{'long ' * 100}</h2>", out)
    made = out.build(kind="web", format="html")

    assert [(h.level, made.text[h.start : h.end]) for h in made.headings] == [(1, "Top"), (3, "Sub")]
    assert made.title == "Top"


def test_text_nested_deeper_than_the_parser_goes_is_not_lost() -> None:
    html = "<div>" * 20_000 + "<script>no()</script>innermost &amp; last" + "</div>" * 20_000

    assert text_of(html) == "innermost & last"
