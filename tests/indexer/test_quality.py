"""The measure of quality: damage of every kind is found, and sound text is left in peace."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import language, quality
from indexer.findings import MEANINGS, REMEDIES, Quality
from indexer.text import normalise
from indexer.types import Chunk, Page, ParsedDocument
from tests.damage import DAMAGES, SOUND, damaged, sound

SEEDS = range(3)


def document(text: str, *, format: str = "text", pages: int = 0) -> ParsedDocument:
    text = normalise(text)
    step = len(text) // pages if pages else 0
    return ParsedDocument(
        title="",
        text=text,
        kind="pdf" if format == "pdf" else "text",
        format=format,
        pages=tuple(Page(number=n + 1, start=n * step, end=(n + 1) * step) for n in range(pages)),
    )


def measured(text: str) -> Quality:
    parsed = document(text)
    return quality.measure(parsed, language.detect(parsed.text))


def codes(found: Quality) -> list[str]:
    return [finding.code for finding in found.findings if finding.cost]


@pytest.mark.parametrize("sentences", [3, 12, 60])
@pytest.mark.parametrize("code", SOUND)
def test_sound_text_is_nearly_perfect_in_every_language(code: str, sentences: int) -> None:
    for seed in SEEDS:
        found = measured(sound(code, seed, sentences=sentences))
        assert found.score >= 95, (seed, found.findings)


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, row in DAMAGES.items() for code in row[1]])
def test_damaged_text_is_poor_for_the_right_reason(name: str, code: str) -> None:
    for seed in SEEDS:
        found = measured(damaged(name, code, seed))
        assert found.score < 50, (seed, found)
        assert any(each in DAMAGES[name][0] for each in codes(found)), (seed, found.findings)


def test_damage_is_found_on_the_page_it_is_on() -> None:
    pages = [sound("de", seed, sentences=12) for seed in range(6)]
    pages[3] = damaged("utf-8 as cp1252", "de", 3)[: len(pages[3])]
    texts = [normalise(page) for page in pages]
    spans, at = [], 0
    for number, text in enumerate(texts, 1):
        spans.append(Page(number=number, start=at, end=at + len(text)))
        at += len(text) + 2
    parsed = replace(document("\n\n".join(texts), format="pdf"), pages=tuple(spans))
    found = quality.measure(parsed, "de")
    assert [each.page for each in found.stretches if each.codes] == [4]
    assert found.findings[0].pages == (4,)
    assert 60 < found.score < 100
    start, end = spans[3].start, spans[3].end
    assert quality.of_span(found.stretches, start, end) < 50
    assert quality.of_span(found.stretches, spans[0].start, spans[0].end) == 100


def test_pages_without_text_cost_their_share_and_ask_for_recognition() -> None:
    parsed = replace(document(sound("en", 1), format="pdf", pages=4), textless_pages=(2, 3))
    found = quality.measure(parsed, "en")
    finding = next(each for each in found.findings if each.code == "textless")
    assert (finding.share, finding.pages, finding.remedy) == (0.5, (2, 3), "ocr")
    assert 40 <= found.score <= 60


@pytest.mark.parametrize(("sure", "low", "high"), [(95, 100, 100), (75, 70, 90), (50, 20, 49), (10, 0, 15)])
def test_unsure_recognition_costs_by_how_unsure_it_was(sure: int, low: int, high: int) -> None:
    parsed = replace(document(sound("en", 1), format="pdf", pages=2), ocr_confidence={1: sure, 2: sure})
    found = quality.measure(parsed, "en")
    assert low <= found.score <= high
    assert all(finding.remedy == "ocr" for finding in found.findings if finding.code == "recognised")


def test_hidden_text_makes_a_document_poor_when_there_is_much_of_it() -> None:
    parsed = document(sound("en", 1), format="pdf", pages=2)
    much = quality.measure(replace(parsed, hidden_text={1: 60, 2: 50}), "en")
    little = quality.measure(replace(parsed, hidden_text={2: 2}), "en")
    assert much.score < 50 < 80 < little.score
    assert codes(much) == codes(little) == ["hidden"]


def test_boilerplate_and_divided_words_are_noticed() -> None:
    head = "Acme Corporation Annual Report for internal distribution only, all rights reserved by the owner"
    pages = [f"{head} {n}\nSales rose by {n} percent.\n{head} footer {n}" for n in range(1, 9)]
    spans, at = [], 0
    for number, page in enumerate(pages, 1):
        spans.append(Page(number=number, start=at, end=at + len(page)))
        at += len(page) + 1
    furnished = replace(document("\n".join(pages), format="pdf"), pages=tuple(spans))
    assert "boilerplate" in codes(quality.measure(furnished, "en"))
    words = sound("en", 2).split()
    cut = {word: f"{word[:3]}-\n{word[3:]}" for word in words if len(word) > 6 and word.isalpha()}
    divided = "\n".join(cut.get(word, word) if n % 2 else word for n, word in enumerate(words))
    assert "hyphens" in codes(measured(divided))


def test_other_languages_and_missing_dates_are_told_and_cost_nothing() -> None:
    english, german = sound("en", 1), sound("de", 1)
    text = f"{english}\n\n{german}"
    chunks = [
        Chunk(ordinal=n, start=start, end=end, page=None, heading="", text=text[start:end], language=code)
        for n, (start, end, code) in enumerate([(0, len(english), "en"), (len(english) + 2, len(text), "de")])
    ]
    found = quality.measure(document(text, format="pdf", pages=1), "en", chunks)
    told = {finding.code: finding for finding in found.findings}
    assert {"languages", "undated", "unowned"} <= set(told)
    assert "de" in told["languages"].note
    assert found.score == 100


def test_code_and_tables_are_not_taken_for_noise() -> None:
    rng = random.Random(4)
    code = "\n".join(
        f"x{n} = f{rng.randrange(99)}(b2b, cfg['k{n}'], 0x{rng.randrange(1 << 30):x}) | m3 ^ y{n}q"
        for n in range(200)
    )
    assert quality.measure(replace(document(code), kind="code", format="code"), "").score >= 90
    table = "\n".join(f"A{n}X | {rng.randrange(10**6)} | {rng.random():.3f} | SKU-{n}QZ" for n in range(300))
    assert quality.measure(replace(document(table), kind="sheet", format="csv"), "").score >= 95


def test_keys_and_checksums_are_not_taken_for_noise() -> None:
    chance = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    for length in (32, 64):
        lines = "".join(f"{''.join(chance.choices(letters, k=length))}\n" for _ in range(20))
        text = f"{sound('en', 1, sentences=6)}\n\n{lines}\n{sound('en', 2, sentences=6)}"
        assert measured(text).score >= 95


def test_every_finding_has_a_meaning_and_a_known_remedy() -> None:
    assert set(quality.KINDS) <= set(MEANINGS)
    assert {kind.remedy for kind in quality.KINDS.values()} <= set(REMEDIES)


@pytest.mark.parametrize("code", sorted(quality.KINDS))
def test_more_of_a_fault_never_costs_less(code: str) -> None:
    costs = [quality.points(code, share / 200) for share in range(201)]
    assert costs == sorted(costs)
    assert 0 <= costs[0] <= costs[-1] <= 100


@given(
    st.text(st.characters(codec="utf-8") | st.sampled_from("ÃÂâ€™ГРПабвгд的是あ(cid:1)? \n�")),
    st.integers(0, 4),
)
def test_any_text_has_a_score_and_spans_inside_it(text: str, pages: int) -> None:
    parsed = document(text, format="pdf" if pages else "text", pages=pages)
    found = quality.measure(parsed, language.detect(parsed.text))
    assert 0 <= found.score <= 100
    assert all(0 <= each.start <= each.end <= len(parsed.text) for each in found.stretches)
    assert all(0 <= each.score <= 100 for each in found.stretches)
    assert all(0 < finding.share <= 1 for finding in found.findings)
    assert found == quality.measure(parsed, language.detect(parsed.text))
