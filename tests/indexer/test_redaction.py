from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import ConfigError, EgressRefusedError
from indexer.redaction import Redactor, Vault
from tests.planted import KINDS, planted

REDACTOR = Redactor()

SECRETS = st.builds(
    lambda kind, seed: KINDS[kind][0](random.Random(seed)),
    st.sampled_from(sorted(KINDS)),
    st.integers(0, 10**6),
)
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["⟦MAIL-1⟧", "MAIL-1", "[PHONE-2]", "⟦", "⟧", "KEY-1 ", "password: ", "-----BEGIN "]),
        SECRETS,
    ),
    max_size=6,
).map(" ".join)


def vault(**patterns: str) -> Vault:
    return Vault(Redactor(patterns) if patterns else REDACTOR)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_secret_of_a_kind_is_left(kind: str) -> None:
    rng = random.Random(kind)
    make, frames = KINDS[kind]
    for _ in range(100):
        for frame in frames:
            secret = make(rng)
            text = frame.format(secret)
            used = vault()
            hidden = used.hide(text)
            assert all(line not in hidden for line in secret.splitlines() if not line.startswith("-----"))
            assert used.show(hidden) == text
            assert sum(used.counts.values()) >= 1


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_what_is_hidden_can_be_shown_again(first: str, second: str) -> None:
    used = vault()
    hidden = [used.hide(first), used.hide(second)]
    assert [used.show(text) for text in hidden] == [first, second]
    # each by itself: put together, "password:" and "000" are a secret that neither of them was
    assert [used.hide_again(text) for text in hidden] == hidden


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(0, 10**6))
def test_a_stream_shows_the_same_however_it_is_cut(text: str, seed: int) -> None:
    used = vault()
    hidden = used.hide(text)
    rng = random.Random(seed)
    pieces, at = [], 0
    while at < len(hidden):
        size = rng.randint(1, 7)
        pieces.append(hidden[at : at + size])
        at += size
    assert "".join(used.show_all(pieces)) == used.show(hidden) == text


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        lambda kind, seed: KINDS[kind][0](random.Random(seed)),
        st.sampled_from(sorted(set(KINDS) - {"password", "login"})),  # a label makes these secret
        st.integers(0, 10**6),
    ),
    st.integers(0, 200),
)
def test_a_secret_that_begins_or_ends_in_another_passage_is_hidden_too(secret: str, cut: int) -> None:
    at = 1 + cut % max(len(secret) - 1, 1)
    used = vault()
    left = used.hide(f"see {secret[:at]}", after=f"{secret[at:]} end")
    right = used.hide(f"{secret[at:]} end", before=f"see {secret[:at]}")
    assert left.startswith("see ⟦")
    assert right.endswith("⟧ end")
    assert used.show(left) + used.show(right) == f"see {secret} end"


@pytest.mark.parametrize(
    "text",
    [
        "In 2019 and 2020 the 1,250,000 inhabitants used 3.14159 units; see pages 12-19, 2019-2020.",
        "ISBN 978-0-306-40615-7, DOI 10.1000/182, RFC 2822, version 3.11.4, build 20240117.1",
        "From 2021-03-04 to 04/05/2022, at 12:30:45, 01.02.2023 and 2023-11-30T12:00:00Z.",
        "Budget: $1,234,567.89; 750 000 000 euros; 12 345 678 tonnes; 0.123456789",
        "MOU 225-19-001, 49 CFR 830.5, 14 CFR 91.103, N12345, SEA08CA049, 1.2 million",
        "2015 2016 2017 2018 2019 2020 2021 2022 2023 2024",
        "5f2b1c9e8d7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c 3f1d2c3b-1a2b-4c3d-8e9f-0a1b2c3d4e5f",
        "def password(self, token: str) -> None: the password is required and the token is read",
        "https://github.com/HexHive/Tango/blob/5c8472d1679068daf0f041dbbda21e05281b1/a.py#L143",
    ],
)
def test_numbers_of_a_report_are_left_alone(text: str) -> None:
    assert vault().hide(text) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("４１１１ １１１１ １１１１ １１１１", "⟦CARD-1⟧"),
        ("Card 4111 1111 1111 1111 12/27", "Card ⟦CARD-1⟧ 12/27"),
        ("+49\u00a030\u00a0123\u202f456 78", "⟦PHONE-1⟧"),
        ("me@example.com, you@example.com, me@example.com", "⟦MAIL-1⟧, ⟦MAIL-2⟧, ⟦MAIL-1⟧"),
        ("name [at] example.com", "⟦MAIL-1⟧"),
        ("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer ⟦KEY-1⟧"),
        ("拨打13912345678。", "拨打⟦PHONE-1⟧。"),
        ("https://bob:hunter2@example.com/x", "⟦"),
    ],
)
def test_the_ways_a_secret_is_written(text: str, hidden: str) -> None:
    used = vault()
    assert used.hide(text).startswith(hidden) or hidden in used.hide(text)
    assert all(value not in used.hide(text) for value in ("hunter2", "1111 1111", "456 78"))


def test_a_model_may_lose_the_brackets_of_a_placeholder() -> None:
    used = vault()
    used.hide("Write to me@example.com")
    for written in ("⟦MAIL-1⟧", "MAIL-1", "[MAIL-1]", "【MAIL-1】", "⟦ MAIL-1 ⟧"):
        assert used.show(f"({written}) [1].") == "(me@example.com) [1]."
    assert used.show("⟦MAIL-2⟧ EMAIL-1 MAIL-12") == "⟦MAIL-2⟧ EMAIL-1 MAIL-12"


def test_a_document_cannot_take_the_placeholder_of_another() -> None:
    used = vault()
    used.hide("me@example.com")
    trap = "Say ⟦MAIL-1⟧ and MAIL-1."
    assert used.show(used.hide(trap)) == trap
    assert "MAIL-1" not in used.hide(trap)


def test_the_owner_has_patterns_of_their_own() -> None:
    used = vault(project=r"PRJ-\d{6}", **{"code name": "(?i)nightingale"})
    text = "PRJ-123456 is Nightingale."
    assert used.hide(text) == "⟦PROJECT-1⟧ is ⟦CODE_NAME-1⟧."
    assert used.counts == {"CODE_NAME": 1, "PROJECT": 1}
    assert used.show("⟦PROJECT-1⟧") == "PRJ-123456"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("(", "no.*expression"), ("x*", "empty"), ("(a|aa)+$", "too long"), ("(?P<n", "expr")],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Redactor({"mine": pattern})
    assert "mine" in caught.value.message
    assert caught.value.hint


def test_nothing_is_sent_when_a_pattern_takes_too_long() -> None:
    redactor = Redactor({"mine": "(x|xx)+y"})
    with pytest.raises(EgressRefusedError, match="mine"):
        Vault(redactor).hide("x" * 5000)


def test_hostile_text_takes_no_more_than_its_length() -> None:
    for text in ("1 " * 20_000, "a." * 20_000 + "@", "A" * 60_000, "-----BEGIN PRIVATE KEY-----" * 800):
        began = time.process_time()
        vault().hide(text)
        assert time.process_time() - began < 10


def test_two_hundred_planted_secrets_are_hidden_in_one_text() -> None:
    made = planted(200, seed=7)
    used = vault()
    text = "\n\n".join(sentence for _, _, sentence in made)
    hidden = used.hide(text)
    for _, secret, _ in made:
        assert all(line not in hidden for line in secret.splitlines() if not line.startswith("-----"))
    assert used.show(hidden) == text
