"""Differences word by word."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import worddiff
from indexer.worddiff import Edit

TEXTS = st.lists(
    st.sampled_from(["a", "b", "c", "the lease", " ", "\n\n", ",", "租金", "1."]), max_size=40
).map("".join)


@given(TEXTS, TEXTS)
@settings(max_examples=150, deadline=None)
def test_the_edits_give_both_texts_back(a: str, b: str) -> None:
    edits = worddiff.diff(a, b)
    assert "".join(edit.a for edit in edits) == a
    assert "".join(edit.b for edit in edits) == b
    for edit in edits:
        assert a[edit.a_start : edit.a_start + len(edit.a)] == edit.a
        assert b[edit.b_start : edit.b_start + len(edit.b)] == edit.b
        told = {
            "equal": "".join(edit.a.split()) == "".join(edit.b.split()),
            "insert": not edit.a,
            "delete": not edit.b,
            "replace": bool(edit.a and edit.b),
        }
        assert told[edit.op]
    assert all((x.op == "equal") != (y.op == "equal") for x, y in pairwise(edits))


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert all(edit.op == "equal" for edit in worddiff.diff(text, text))


@given(st.integers(0, 200))
@settings(max_examples=8, deadline=None)
def test_long_texts_are_compared_by_their_anchors(seed: int) -> None:
    pick = random.Random(seed)
    words = [f"w{pick.randrange(800)}" for _ in range(3000)]
    other = list(words)
    for _ in range(12):
        at = pick.randrange(len(other))
        other[at : at + pick.randrange(3)] = ["changed"] * pick.randrange(3)
    a, b = " ".join(words), " ".join(other)
    edits = worddiff.diff(a, b)
    assert "".join(edit.a for edit in edits) == a
    assert "".join(edit.b for edit in edits) == b
    removed, added, kept = worddiff.summary(edits)
    assert kept >= 2900
    assert removed + kept == 3000
    assert added + kept == len(other)


def test_white_space_is_no_difference() -> None:
    assert [edit.op for edit in worddiff.diff("rent is due\non  Monday", "rent is due on Monday\n")] == [
        "equal"
    ]


def test_a_changed_word_is_named_alone() -> None:
    edits = worddiff.diff("The rent is 800 euros a month.", "The rent is 950 euros a month.")
    assert edits[1] == Edit("replace", "800 ", "950 ", 12, 12)
    assert worddiff.summary(edits) == (1, 1, 6)
    assert worddiff.summary(worddiff.diff("租金八百元", "租金九百元")) == (1, 1, 4)


def test_headers_footers_and_page_numbers_are_furniture() -> None:
    pages = [f"Sentence {word} stands on a page of its own." for word in ("one", "two", "three")]
    plain = "\n".join(pages)
    printed = "\n".join(f"Acme Ltd confidential\n{page}\nPage {n} of 3" for n, page in enumerate(pages, 1))
    assert worddiff.only_furniture(worddiff.diff(plain, printed))
    assert worddiff.only_furniture(worddiff.diff(printed, plain))
    assert not worddiff.only_furniture(worddiff.diff(plain, printed.replace("two", "ten")))
    assert not worddiff.only_furniture(worddiff.diff(plain, f"{plain} The buyer pays all costs."))
    assert not worddiff.only_furniture(worddiff.diff(plain, plain))


def test_invoices_differ_in_numbers_and_versions_in_words() -> None:
    invoice = "Invoice 17 of 3 March 2024. We charge 1200 euros for 14 hours of work."
    other = "Invoice 18 of 9 March 2024. We charge 980 euros for 11 hours of work."
    assert worddiff.mostly_numbers(worddiff.diff(invoice, other))
    long = "The parties agree on what follows. " * 40
    assert not worddiff.mostly_numbers(
        worddiff.diff(f"{long} The price is 800.", f"{long} The price is 900.")
    )
    revised = "Invoice 17 of 3 March 2024. We gladly charge 1200 euros for many pleasant hours of work."
    assert not worddiff.mostly_numbers(worddiff.diff(invoice, revised))
