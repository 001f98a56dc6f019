"""Questions made unanswerable: one name, number or year in them is another, of another document.

What is asked about is still what the documents are about, which is the hard kind: the right topic, the wrong
detail. Seeded.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from benchmarks import questions
from benchmarks.questions import Question

SEED = 11
_NAME = re.compile(r"(?<=[a-zäöüßáéíóúñ,] )[A-ZÄÖÜ][\w’-]{2,}(?: [A-ZÄÖÜ][\w’-]+)*")
_YEAR = re.compile(r"(?<![\d-])(?:1[5-9]|20)\d\d(?![\d-])")
_NUMBER = re.compile(r"(?<![\w.,-])\d{1,4}(?![\w.,-])")


def swapped(asked: Sequence[Question]) -> Iterator[Question]:
    """Of each question that names something, one that names something else; nothing answers it.

    Args:
        asked: Questions of one language to one collection.
    """
    rng = random.Random(SEED)
    names: dict[str, set[str]] = {}
    for question in asked:
        for match in _NAME.finditer(question["question"]):
            names.setdefault(match[0], set()).update(questions.documents_of(question))
    for question in asked:
        text = _swap(question, names, rng)
        if text:
            yield {**question, "question": text, "answers": [], "type": "swapped"}


def _swap(question: Question, names: dict[str, set[str]], rng: random.Random) -> str:
    text = question["question"]
    year = _YEAR.search(text)
    if year:
        other = str(int(year[0]) + rng.choice([-1, 1]) * rng.randint(2, 30))
        return f"{text[: year.start()]}{other}{text[year.end() :]}"
    number = _NUMBER.search(text)
    if number:
        return f"{text[: number.start()]}{int(number[0]) + rng.randint(2, 40)}{text[number.end() :]}"
    found = _NAME.search(text)
    home = set(questions.documents_of(question))
    strange = sorted(name for name, held in names.items() if not held & home)
    if not found or not strange or not home:
        return ""
    return f"{text[: found.start()]}{rng.choice(strange)}{text[found.end() :]}"
