"""Likeness of texts: the same in another format, nearly the same, neither."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import neardup

TEXTS = st.text(st.sampled_from("ab cd\n-é中文字。 .") | st.characters(codec="utf-8"), max_size=200)


def story(seed: int, length: int = 400) -> list[str]:
    pick = random.Random(seed)
    return [f"word{pick.randrange(3000)}" for _ in range(length)]


def edited(words: list[str], share: float, seed: int = 0) -> list[str]:
    """Some words replaced, evenly spread."""
    pick = random.Random(seed)
    return [f"new{pick.randrange(10**6)}" if pick.random() < share else word for word in words]


@given(TEXTS, TEXTS)
@settings(max_examples=60, deadline=None)
def test_likeness_is_symmetric_and_a_text_is_like_itself(a: str, b: str) -> None:
    left, right = neardup.shingles(a), neardup.shingles(b)
    assert neardup.compare(left, right) == neardup.compare(right, left)
    assert neardup.compare(left, left) == ((1.0, 1.0) if len(left) else (0.0, 0.0))
    told = neardup.compare(left, right)
    assert 0 <= told.jaccard <= told.containment <= 1


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_a_signature_depends_on_the_words_alone(text: str) -> None:
    again = " \n ".join(neardup.words(text))
    first, second = neardup.sign(text), neardup.sign(again)
    assert first.key == second.key
    assert first.shingles == second.shingles
    assert np.array_equal(first.sketch, second.sketch)
    assert first.shingles == len(neardup.shingles(text))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("The Café is open.", "the cafe\r\n IS   open"),
        ("an exam-\nple of breaking", "an example of breaking"),
        ("**Bold** and `code`", "Bold and code"),
        ("ﬁnal ofﬁce", "final office"),
        ("合同 已经 签订。", "合同已经签订"),
    ],
)
def test_the_same_words_have_the_same_key(a: str, b: str) -> None:
    assert neardup.sign(a).key == neardup.sign(b).key != neardup.sign(f"{a} more").key


def test_a_text_without_words_has_no_key() -> None:
    assert neardup.sign(" … ---\n").key == b""
    assert neardup.sign("").shingles == 0


def test_chinese_is_compared_by_characters() -> None:
    text = (
        "本合同自双方签字之日起生效，有效期为三年，期满后可以续签。甲方应当按月支付租金，乙方应当提供发票。"
    )
    other = text.replace("三年", "五年")
    told = neardup.compare(neardup.shingles(text), neardup.shingles(other))
    assert 0.7 < told.jaccard < 1


def test_near_copies_become_candidates_and_others_do_not() -> None:
    base = story(1)
    texts = [base, edited(base, 0.01), edited(base, 0.02, 5), *(story(seed) for seed in range(2, 60))]
    sketches = np.stack([neardup.sign(" ".join(text)).sketch for text in texts])
    found = neardup.candidates(sketches, np.ones(len(texts), dtype=bool)).tolist()
    assert sorted(map(tuple, found)) == [(0, 1), (0, 2), (1, 2)]
    fresh = np.zeros(len(texts), dtype=bool)
    assert not len(neardup.candidates(sketches, fresh))
    fresh[2] = True
    assert sorted(map(tuple, neardup.candidates(sketches, fresh).tolist())) == [(0, 2), (1, 2)]


def test_a_crowd_of_equals_is_chained_and_not_compared_pair_by_pair() -> None:
    count = 20 * neardup.CROWD
    sketches = np.tile(neardup.sign(" ".join(story(1))).sketch, (count, 1))
    pairs = neardup.candidates(sketches, np.ones(count, dtype=bool)).tolist()
    assert len(pairs) == count - 1
    assert neardup.groups([tuple(pair) for pair in pairs]) == [list(range(count))]


@given(st.floats(0.0, 0.08), st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_the_sketch_estimates_the_overlap(share: float, seed: int) -> None:
    base = story(seed, 600)
    other = edited(base, share, seed + 1)
    a, b = (neardup.shingles(" ".join(text)) for text in (base, other))
    estimate = float((neardup.sketch(a) == neardup.sketch(b)).mean())
    assert abs(estimate - neardup.compare(a, b).jaccard) < 0.2


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20), st.randoms())
def test_groups_do_not_depend_on_the_order_of_pairs(
    pairs: list[tuple[int, int]], pick: random.Random
) -> None:
    mixed = [pair[::-1] for pair in pairs]
    pick.shuffle(mixed)
    found = neardup.groups(pairs)
    assert found == neardup.groups(mixed)
    assert sorted(item for group in found for item in group) == sorted({x for pair in pairs for x in pair})
