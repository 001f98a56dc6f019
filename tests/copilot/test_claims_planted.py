"""The ledger against errors planted into a sample text; the corpora are `benchmarks/claims.py`'s business."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from benchmarks.altering import Paragraph
from benchmarks.claims import Texts, passage
from benchmarks.planting import CLASSES, Planted, planted
from benchmarks.rephrasing import SPELL, digits_and_words, paraphrase, reordered
from copilot import grounding
from copilot.passages import Vectors, sources
from indexer.library import Library

SAMPLE = {
    "en": (
        "In 1987, the harbour board bought 14 cranes for 2.5 million dollars. The tallest crane was built by "
        "Ansel Whitcombe near Port Merrow. It can lift 38 tons and needs 45 minutes for a ship.",
        "The lighthouse was lit on 3 October 1902, when Ruth Calloway became its first keeper. She was not "
        "paid for the winter months. About 120 visitors came in the first year, because the road was closed.",
        "After the storm of 1953, the wall was raised by 6 metres along the town of Esker. The council had "
        "collected 70 percent of the money. Fishing boats are moved to Lower Esker for 12 weeks.",
    ),
    "de": (
        "Im Jahr 1987 kaufte der Hafen 14 Kräne für 2,5 Millionen Dollar. Der höchste Kran wurde von Ansel "
        "Whitcombe in Merrow gebaut. Er kann 38 Tonnen heben und braucht 45 Minuten für ein Schiff.",
        "Der Leuchtturm wurde am 3. Oktober 1902 von Ruth Calloway eröffnet. Sie wurde im Winter nicht "
        "bezahlt, weil die Straße gesperrt war. Im ersten Jahr kamen 120 Besucher nach Esker.",
    ),
    "es": (
        "En 1987, el puerto compró 14 grúas por 2,5 millones de dólares. La grúa más alta fue construida por "
        "Ansel Whitcombe cerca de Merrow. Puede levantar 38 toneladas y necesita 45 minutos para un barco.",
        "El faro fue encendido el 3 de octubre de 1902 por Ruth Calloway. Ella no recibió dinero en "
        "invierno, porque la carretera estaba cerrada. En el primer año llegaron 120 visitantes desde Esker.",
    ),
    "zh": (
        "1987年，港口购买了14台起重机，花费250万美元。最高的起重机是安塞尔·惠特科姆在伦敦建造的。它可以吊起38吨货物，每艘船需要45分钟。",
        "灯塔于1902年10月3日点亮，露丝·卡洛韦成为第一位看守人。她在冬天没有工资，因为道路已经关闭。第一年有120名游客从巴黎来到这里。",
    ),
}
NAMES = frozenset(("Ansel", "Whitcombe", "Merrow", "Ruth", "Calloway", "Esker", "Port"))


def sample() -> list[Paragraph]:
    return [
        Paragraph("harbour", index, text, language, NAMES if language == "de" else None)
        for language, texts in SAMPLE.items()
        for index, text in enumerate(texts)
    ]


def no_vectors(_: Sequence[str]) -> Vectors | None:
    return None


def verdict(claim: Planted) -> str:
    hits = [passage(each) for each in (claim.paragraph, *claim.distractors)]
    library = cast("Library", Texts({hit.document: hit.text for hit in hits}))
    grounded = grounding.ground(f"{claim.text} [1]", sources(hits), library, no_vectors)
    found = [each.verdict for each in grounded.claims]
    return next((each for each in found if each != "supported"), "supported")


@pytest.fixture(scope="module")
def claims() -> list[Planted]:
    return [each for seed in range(4) for each in planted(sample(), seed=seed, most=50)]


def test_the_same_seed_makes_the_same_claims() -> None:
    once, again = (list(planted(sample(), seed=3, most=9)) for _ in range(2))
    assert [each.text for each in once] == [each.text for each in again]
    assert [each.text for each in planted(sample(), seed=4, most=9)] != [each.text for each in once]


def test_half_is_untouched_and_every_class_and_language_is_there(claims: list[Planted]) -> None:
    assert sum(not each.altered for each in claims) * 2 == len(claims)
    for language in SAMPLE:
        kinds = Counter(each.altered for each in claims if each.paragraph.language == language)
        assert all(kinds[kind] for kind in CLASSES), (language, kinds)
    assert sum(each.paraphrased for each in claims) * 3 >= len(claims)


def test_what_is_altered_is_false(claims: list[Planted]) -> None:
    for each in claims:
        if each.altered and not each.paraphrased:
            assert each.text != each.original
            assert " ".join(each.paragraph.text.split()).count(each.text) == 0
        if not each.altered and not each.paraphrased:
            assert each.text in " ".join(each.paragraph.text.split())


def test_the_ledger_finds_the_errors_and_leaves_the_truth(claims: list[Planted]) -> None:
    unseen = [each.text for each in claims if each.altered and verdict(each) == "supported"]
    flagged = [each.text for each in claims if not each.altered and verdict(each) != "supported"]
    assert len(unseen) <= 0.05 * len(claims) / 2, unseen
    assert len(flagged) <= 0.05 * len(claims) / 2, flagged


def test_a_checker_that_believes_everything_would_fail(claims: list[Planted]) -> None:
    altered = next(each for each in claims if each.altered == "number" and each.paragraph.language == "en")
    assert verdict(altered) != "supported"
    assert verdict(replace(altered, text=altered.original)) == "supported"


@pytest.mark.parametrize(
    ("language", "number", "spelled"),
    [
        ("en", 308, "three hundred and eight"),
        ("de", 2016, "zweitausendsechzehn"),
        ("es", 1992, "mil novecientos noventa y dos"),
        ("zh", 308, "三百零八"),
        ("zh", 14, "十四"),
    ],
)
def test_numbers_in_words(language: str, number: int, spelled: str) -> None:
    assert SPELL[language](number) == spelled


def test_rules_that_paraphrase() -> None:
    assert reordered("In 1987, the board bought fourteen cranes.", "en") == (
        "The board bought fourteen cranes, in 1987."
    )
    assert (
        digits_and_words("They bought 14 cranes.", "en", random.Random(0)) == "They bought fourteen cranes."
    )
    assert digits_and_words("On 3 October 1902 it began.", "en", random.Random(0)) == (
        "On 3 October 1902 it began."
    )
    assert paraphrase("Nothing here has a rule.", "en", random.Random(0)) == "Nothing here has a rule."
