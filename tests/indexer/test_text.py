"""What `indexer.text` promises about any string."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.text import NEWLINE_MARK, fold, normalise, safe_text

DROPPED = {
    0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070),
    0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE1000),
}  # fmt: skip

# Any code point, and more often the ones that do harm.
NASTY = st.sampled_from(
    "\x00\x07\x08\t\n\r\x0b\x0c\x1b\x7f\x85\x9b\xa0\xad\u034f\u061c\u200b\u200c\u200d\u200e\u2028\u2029\u202e"
    "\u2066\ufeff\ufffe\ud800\udfff\U000e0041\u0301\u0323\u0654\u0344\u1100\u1161\u11a8aeoué\u3000"
)
STRINGS = st.text(st.one_of(NASTY, st.characters(exclude_categories=())), max_size=60)


@settings(max_examples=400, deadline=None)
@given(STRINGS)
def test_normalised_text_is_clean_and_stays_as_it_is(text: str) -> None:
    result = normalise(text)
    assert normalise(result) == result
    assert unicodedata.is_normalized("NFC", result)
    for char in result:
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"), hex(ord(char))
        assert ord(char) not in DROPPED
        assert char not in "\u2028\u2029"


@settings(max_examples=200, deadline=None)
@given(st.lists(STRINGS, max_size=4))
def test_normalised_parts_joined_by_line_ends_are_normalised(parts: list[str]) -> None:
    joined = "\n".join(map(normalise, parts))
    assert normalise(joined) == joined


@settings(max_examples=400, deadline=None)
@given(STRINGS, st.one_of(st.none(), st.integers(0, 40)), st.booleans())
def test_safe_text_holds_nothing_a_terminal_obeys(text: str, limit: int | None, single_line: bool) -> None:
    result = safe_text(text, limit, single_line=single_line)
    assert safe_text(result, limit, single_line=single_line) == result
    for char in result:
        assert (char == "\n" and not single_line) or unicodedata.category(char) not in ("Cc", "Cs"), hex(
            ord(char)
        )
        assert ord(char) not in DROPPED
        assert char not in "\u2028\u2029"
    if limit is not None:
        assert len(result) <= limit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;cm0gLXJm\x07", "\ufffd]52;c;cm0gLXJm\ufffd"),
        ("\x9b31mred", "\ufffd31mred"),
        ("a\u2028b\u2029c", "a b c"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\ud83dx", "\ufffdx"),
        ("a\tb", "a   b"),
        ("two\r\nlines", "two\nlines"),
        ("no\U000e0048\U000e0049tag", "notag"),
    ],
)
def test_known_attacks_are_shown_harmlessly(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_line_ends_in_a_name_are_visible() -> None:
    assert safe_text("a\nb\r\nc", single_line=True) == f"a{NEWLINE_MARK}b{NEWLINE_MARK}c"


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert safe_text("x" * 1_000_000, 10) == "x" * 9 + "…"
    assert safe_text("exactly10!", 10) == "exactly10!"


def test_stacked_marks_are_cut() -> None:
    assert len(normalise("Z" + "\u0335" * 300)) <= 9
    assert len(safe_text("Z" + "\u0335" * 300)) <= 9


@pytest.mark.parametrize("emoji", ["👩‍👩‍👧‍👦", "🏳️‍🌈", "❤️"])
def test_emoji_survive(emoji: str) -> None:
    assert normalise(emoji) == emoji
    assert safe_text(emoji) == emoji


def test_joiners_stay_where_scripts_need_them_only() -> None:
    assert normalise("می‌خواهم") == "می‌خواهم"
    assert normalise("pass\u200dword") == "password"


def test_every_line_end_and_space_becomes_the_plain_one() -> None:
    assert normalise("a\r\nb\rc\x0bd\x0ce\x85f\u2028g") == "a\nb\nc\nd\ne\nf\ng"
    assert normalise("1\xa0000\u202fkm\u3000x") == "1 000 km x"


def test_letters_are_composed() -> None:
    assert normalise("Cafe\u0301") == "Café"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Crème BRÛLÉE", "creme brulee"),
        ("STRASSE", "straße"),
        ("ﬁle", "file"),
        ("Ｆｕｌｌ", "full"),
        ("Łódź", "łódź"),
    ],
)
def test_fold_makes_alike_what_readers_take_for_alike(left: str, right: str) -> None:
    assert fold(left) == fold(right)


@settings(max_examples=200, deadline=None)
@given(STRINGS)
def test_fold_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
