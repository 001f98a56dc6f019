from __future__ import annotations

import pytest

from copilot.followup import leans_back, standalone
from copilot.types import Turn
from copilot.words import content_words


def turns(*questions: str, answer: str = "") -> list[Turn]:
    return [Turn(question=question, answer=answer) for question in questions]


@pytest.mark.parametrize(
    ("before", "question", "whole"),
    [
        ("How high is the rent of the boathouse?", "And of the mill?", "How high is the rent of the mill?"),
        ("How many people work in Bremen?", "What about in Lübeck?", "How many people work in Lübeck?"),
        ("When was Anna Berg hired?", "And Karl Ott?", "When was Karl Ott hired?"),
        (
            "Wie hoch ist die Miete von Haus Linde?",
            "Und von Haus Eiche?",
            "Wie hoch ist die Miete von Haus Eiche?",
        ),
        ("Quel est le loyer du moulin ?", "Et du hangar ?", "Quel est le loyer du hangar?"),
        ("¿Cuál es el precio del molino?", "¿Y del granero?", "¿Cuál es el precio del granero?"),
    ],
)
def test_a_short_follow_up_takes_its_place_in_the_question_before(
    before: str, question: str, whole: str
) -> None:
    assert standalone(question, turns(before)) == whole


def test_a_pronoun_takes_the_words_of_the_question_before_along() -> None:
    found = content_words(standalone("Who signed it?", turns("When does the lease of the boathouse end?")))
    assert {"signed", "lease", "boathouse"} <= set(found)


def test_a_chain_is_traced_back_to_its_subject() -> None:
    said = turns("How high is the rent of the boathouse?", "Who signed it?", "And of the mill?")
    assert "boathouse" in standalone("When was that?", said[:2])
    assert "mill" in standalone("When was it agreed?", said)


def test_a_person_is_looked_for_by_the_name_in_the_answer() -> None:
    said = turns("Who signed the lease?", answer="Martha Keller signed for the landlord [1].")
    assert "Martha Keller" in standalone("Where does she live?", said)


@pytest.mark.parametrize(
    "question",
    ["How many moons does Saturn have?", "When was the boiler serviced last?", "锅炉的工作压力是多少？"],
)
def test_a_whole_question_is_left_alone(question: str) -> None:
    assert not leans_back(question)
    assert standalone(question, turns("How high is the rent?")) == question
