"""What a sentence states: values, dates, units, names and polarity, in several languages."""

from __future__ import annotations

from fractions import Fraction

import pytest

from copilot.claims import names, polarity, verdicts
from copilot.claims.dates import dates
from copilot.claims.numerals import numerals
from copilot.claims.values import differences, stated
from copilot.words import words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.2 million people", 1_200_000),
        ("1,200,000 people", 1_200_000),
        ("120万人", 1_200_000),
        ("一百二十万人", 1_200_000),
        ("1,2 Millionen Menschen", 1_200_000),
        ("1,2 Mio. Menschen", 1_200_000),
        ("1 200 000 habitants", 1_200_000),
        ("1,2 millones de personas", 1_200_000),
        ("two thousand sixteen", 2016),
        ("nineteen eighty-four", 1984),
        ("zweitausendsechzehn", 2016),
        ("neunzehnhundertneunzig", 1990),
        ("vierundzwanzig Spiele", 24),
        ("am dritten Tag", 3),
        ("dos mil dieciséis", 2016),
        ("treinta y cinco", 35),
        ("mil millones de años", 1_000_000_000),
        ("1000 millones de años", 1_000_000_000),
        ("quatre-vingt-dix-neuf", 99),
        ("soixante-dix", 70),
        ("vingt et un", 21),
        ("二零一六", 2016),
        ("三百零八分", 308),
        ("一万二千", 12_000),
        ("a billion years", 1_000_000_000),
        ("由12 Gbit提升", 12),
        ("6½ sacks", Fraction(13, 2)),
        ("World War II", 2),
    ],
)
def test_a_number_is_the_same_however_it_is_written(text: str, value: float | Fraction) -> None:
    assert [value in each.readings for each in numerals(text)] == [True]


@pytest.mark.parametrize(
    ("text", "count"),
    [("two and three", 2), ("twenty per cent", 1), ("v2.3 of N5812T", 0), ("hundreds of thousands", 0)],
)
def test_what_is_one_number_and_what_is_none(text: str, count: int) -> None:
    assert len(stated(text).values) == count


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("on 2024-03-03", (2024, 3, 3)),
        ("3 March 2024", (2024, 3, 3)),
        ("March 3, 2024", (2024, 3, 3)),
        ("the 3rd of March", (0, 3, 3)),
        ("am 3. März 2024", (2024, 3, 3)),
        ("03.03.2024", (2024, 3, 3)),
        ("el 3 de marzo de 2024", (2024, 3, 3)),
        ("le 3 mars 2024", (2024, 3, 3)),
        ("2024年3月3日", (2024, 3, 3)),
        ("二〇二四年三月三日", (2024, 3, 3)),
        ("3月3日", (0, 3, 3)),
        ("March 2024", (2024, 3, 0)),
        ("marzo de 2024", (2024, 3, 0)),
        ("in October", (0, 10, 0)),
        ("the third of March 2024", (2024, 3, 3)),
        ("the twenty-second of May", (0, 5, 22)),
        ("am dritten März 2024", (2024, 3, 3)),
        ("le premier mai 2024", (2024, 5, 1)),
        ("el tres de marzo de 2024", (2024, 3, 3)),
    ],
)
def test_a_date_is_the_same_however_it_is_written(text: str, parts: tuple[int, int, int]) -> None:
    assert [(each.year, each.month, each.day) for each in dates(text)] == [parts]


@pytest.mark.parametrize("text", ["The march of 12 men", "He may go", "in 2024", "version 3.3.1"])
def test_what_is_no_date(text: str) -> None:
    assert [each for each in dates(text) if each.day or each.year] == []


@pytest.mark.parametrize(
    ("claim", "sentence", "same"),
    [
        ("It is 5 km long.", "It is 5,000 metres long.", True),
        ("It is 5 km long.", "It is 5 miles long.", False),
        ("It took two weeks.", "Es dauerte 14 Tage.", True),
        ("It took 3 days.", "It took 3 weeks.", False),
        ("From 5 to 10 km.", "From 5 km to 10 km.", True),
        ("It costs $5.", "It costs 5 dollars.", True),
        ("It costs €5.", "It costs 5 dollars.", False),
        ("It rose by 20 %.", "It rose by twenty per cent.", True),
        ("上升了百分之二十", "It rose by 20 percent.", True),
        ("It rose by 20 permille.", "It rose by 20 percent.", False),
        ("It began on 3 March 2024.", "It began on 2024-03-03.", True),
        ("It began on 4 March 2024.", "Es begann am 3. März 2024.", False),
        ("It began in 2024.", "It began on 3 March 2024.", True),
        ("It began in March 2023.", "It began on 3 March 2024.", False),
        ("See PEP 484.", "See PEP-484.", True),
        ("See PEP-485.", "See PEP-484.", False),
        ("It leaves at 3:30 pm.", "It leaves at 15:30.", True),
        ("It leaves at 15:40.", "It leaves at 15:30.", False),
        ("The rent is 1.250 euros.", "The rent is 1,250 euros.", True),
        ("One of them won.", "A man of them won.", True),
    ],
)
def test_values_are_compared_with_what_they_measure(claim: str, sentence: str, same: bool) -> None:
    assert (differences(claim, [sentence]) == []) is same


def test_a_difference_names_the_value_that_stands_there_instead() -> None:
    (found,) = differences("It began in 2023.", ["It began in 2022 with 40 people."])
    assert (found.written, found.instead) == ("2023", "2022")


@pytest.mark.parametrize(
    ("claim", "sentence", "turned"),
    [
        ("Dogs are not allowed.", "Dogs are allowed.", True),
        ("Dogs are allowed.", "Dogs are not allowed.", True),
        ("Dogs aren't allowed.", "Dogs are not allowed.", False),
        ("It was not only big but red.", "It was big and red.", False),
        ("He won the match.", "He won the match, which nobody had expected.", False),
        ("Er hat das Spiel gewonnen.", "Er hat das Spiel nicht gewonnen.", True),
        ("Er hat kein Spiel gewonnen.", "Er hat das Spiel gewonnen.", True),
        ("No ganó el partido.", "Ganó el partido.", True),
        ("Ganó el partido, sin embargo.", "Ganó el partido.", False),
        ("Ils n'ont pas gagné le match.", "Ils ont gagné le match.", True),
        ("他没有赢得比赛", "他赢得比赛", True),
        ("他赢得比赛", "他没有赢得比赛", True),
        ("这是不同的比赛", "这是不同的比赛", False),
    ],
)
def test_a_negation_on_one_side_only(claim: str, sentence: str, turned: bool) -> None:
    assert bool(polarity.turned(claim, sentence)) is turned


@pytest.mark.parametrize(
    ("claim", "sentence", "found", "clash"),
    [
        ("All members voted.", "Some members voted.", True, True),
        ("It has at most 5 rooms.", "It has at least 5 rooms.", True, True),
        ("Alle Mitglieder stimmten ab.", "Einige Mitglieder stimmten ab.", True, True),
        ("Only adults may enter.", "Adults may enter.", True, False),
        ("Only adults may enter.", "Just adults may enter.", False, False),
        ("只有三人", "有三人", True, False),
        ("Above all it is red.", "It is red.", False, False),
    ],
)
def test_quantities_of_another_kind(claim: str, sentence: str, found: bool, clash: bool) -> None:
    reason, clashes = polarity.requantified(claim, sentence)
    assert (bool(reason), clashes) == (found, clash)


def test_opposites() -> None:
    assert polarity.opposed("Sales increased by 5", "Sales decreased by 5") == ("increased", "decreased")
    assert polarity.opposed("It rose before it fell", "It fell after it rose")[0] == "before"
    assert polarity.opposed("It rose and fell", "It fell and rose") == ("", "")
    assert polarity.opposed("Riga beat Oslo 3 to 1.", "Oslo lost to Riga 3 to 1.") == ("", "")
    assert polarity.opposed("Oslo beat Riga 3 to 1.", "Oslo lost to Riga 3 to 1.") == ("beat", "lost")
    assert polarity.opposed("产量增加了", "产量减少了") == ("增加", "减少")


@pytest.mark.parametrize(
    ("claim", "sentence", "language", "unknown"),
    [
        ("Peter Schmidt signed.", "Martha Keller signed.", "en", ["Peter", "Schmidt"]),
        ("Newton led the team.", "Manning led the team.", "en", ["Newton"]),
        ("However, they usually won.", "They won often.", "en", []),
        ("Keller's house was sold.", "The house of Keller was sold.", "en", []),
        ("Der Spieler Cam Newton warf.", "Der Spieler Peyton Manning warf.", "de", ["Cam", "Newton"]),
        ("Er mietete die Wohnung.", "Er mietete das Apartment.", "de", []),
        ("击败了法国队", "击败了德国队", "zh", ["法国"]),
        ("防守截锋彼得·威廉领先", "防守截锋卡万·肖特领先", "zh", ["彼得·威廉"]),
        ("这座城市位于东部", "这座城市坐落于东部", "zh", []),
    ],
)
def test_names_that_the_passage_does_not_hold(
    claim: str, sentence: str, language: str, unknown: list[str]
) -> None:
    found = names.unknown_names(claim, sentence, words(sentence), language=language, whole=sentence)
    assert [name for name, _ in found] == unknown


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("42", True),
        ("1,250 euros", True),
        ("Yes", True),
        ("Martha Keller", True),
        ("3 March 2024", True),
        ("四十二", True),
        ("Dogs bark loudly.", False),
        ("The garden is shared.", False),
        ("Die Miete beträgt 1.250 Euro.", False),
        ("租金是每月1250欧元", False),
    ],
)
def test_fragments(text: str, fragment: bool) -> None:
    assert verdicts.is_fragment(text) is fragment


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("抗拉强度为101兆帕。", [("101兆帕", "megapascal", 101)]),
        ("长度5千米，重3千克。", [("5千米", "kilometre", 5), ("3千克", "kilogram", 3)]),
        ("功率5兆瓦，人口3千万。", [("5兆瓦", "megawatt", 5), ("3千万", "", 30_000_000)]),
        ("价值2兆元。", [("2兆元", "yuan", 2 * 10**12)]),
        ("气压1013百帕。", [("1013百帕", "hectopascal", 1013)]),
    ],
)
def test_a_han_prefix_of_a_unit_is_no_scale_of_the_number(
    text: str, values: list[tuple[str, str, int]]
) -> None:
    found = [
        (each.written, each.unit.name if each.unit else "", int(*each.readings))
        for each in stated(text).values
    ]
    assert found == values
