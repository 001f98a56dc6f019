"""Claims with a planted error: true sentences with one number, date, name, unit or "not" altered.

Seeded: the same paragraphs and the same seed make the same claims. An altered value is really false: it does
not occur in the claim's own paragraph, in digits or in words. Shares no code with the checker.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.altering import (
    Paragraph,
    alter_date,
    alter_name,
    alter_negation,
    alter_number,
    alter_unit,
    names_of,
)
from benchmarks.rephrasing import paraphrase

CLASSES = ("number", "date", "name", "unit", "negation")


@dataclass(frozen=True)
class Planted:
    """A claim with what is known of it."""

    text: str
    original: str
    altered: str
    """One of `CLASSES`, or "" for a true claim."""
    kind: str
    """The class that the sentence was chosen for, also of a true claim."""
    paraphrased: bool
    paragraph: Paragraph
    distractors: tuple[Paragraph, ...] = field(default=())


_DEBRIS = re.compile(r"_[0-9a-f]{6}|PLACEHOLDER|\.{3}|[•|:]|(?:^|\s)\d+(?:\.\d+)*\.$")


def sentences(paragraph: Paragraph) -> list[str]:
    """Its sentences that can stand as claims: whole, of 30 to 320 characters (Chinese: 12 to 120).

    What a layout leaves in a text, headings without a stop, lists and tables of contents, is no claim.
    """
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", paragraph.text)]
    if paragraph.language == "zh":
        found = [each for block in blocks for each in re.findall("[^。！？]+。", block)]
        return [each.strip() for each in found if 12 <= len(each) <= 120 and _even(each)]
    stop = re.compile(r"(?<=[a-zäöüßáéíóúñ)\d][.])\s+(?=[A-ZÄÖÜÁÉÍÓÚ«“\"])")
    found = [each for block in blocks for each in stop.split(block) if not _DEBRIS.search(each)]
    return [
        each
        for each in found
        if 30 <= len(each) <= 320
        and each[0].isupper()
        and each.endswith(".")
        and _even(each)
        and each.count(" ") >= 5
    ]


def _even(text: str) -> bool:
    return (
        text.count("(") == text.count(")") and text.count('"') % 2 == 0 and text.count("“") == text.count("”")
    )


def planted(paragraphs: Sequence[Paragraph], *, seed: int, most: int) -> Iterator[Planted]:
    """Claims from paragraphs: for each altered one a true one made of the same sentence.

    As near half of both as rules apply are paraphrased. At most `most` altered ones for each class, language
    and half. The distractors of a claim are two other paragraphs of its article.
    """
    rng = random.Random(seed)
    pools: dict[tuple[str, str], list[Paragraph]] = {}
    for paragraph in paragraphs:
        pools.setdefault((paragraph.collection, paragraph.language), []).append(paragraph)
    for (_, language), pool in sorted(pools.items()):
        small = frozenset(word for each in pool for word in re.findall(r"(?<!\w)[a-zäöüßáéíóúñ]+", each.text))
        names = sorted(
            {each.text[a:b] for each in pool for a, b in names_of(each.text, language, each.names, small)}
        )
        for held_out in (False, True):
            half = [(each, told) for each in pool if each.held_out == held_out for told in sentences(each)]
            for kind in CLASSES:
                rng.shuffle(half)
                yield from _of_class(kind, half, pool, names, small, rng, most)


def _of_class(
    kind: str,
    half: Sequence[tuple[Paragraph, str]],
    pool: Sequence[Paragraph],
    names: Sequence[str],
    small: frozenset[str],
    rng: random.Random,
    most: int,
) -> Iterator[Planted]:
    rules: dict[str, Callable[[str, Paragraph, random.Random], str | None]] = {
        "number": alter_number,
        "date": alter_date,
        "name": lambda told, paragraph, rng: alter_name(told, paragraph, rng, names, small),
        "unit": alter_unit,
        "negation": alter_negation,
    }
    made = reworded = 0
    for paragraph, sentence in half:
        altered = rules[kind](sentence, paragraph, rng)
        if altered is None or altered == sentence:
            continue
        rest = [each for each in pool if each.article == paragraph.article and each.index != paragraph.index]
        distractors = tuple(rng.sample(rest, min(2, len(rest))))
        pair = ((sentence, ""), (altered, kind))
        others = [paraphrase(text, paragraph.language, rng) for text, _ in pair]
        apply = 2 * reworded <= made and all(
            told != text for told, (text, _) in zip(others, pair, strict=True)
        )
        reworded += apply
        for (text, what), other in zip(pair, others, strict=True):
            told = other if apply else text
            yield Planted(
                text=told,
                original=sentence,
                altered=what,
                kind=kind,
                paraphrased=told != text,
                paragraph=paragraph,
                distractors=distractors,
            )
        made += 1
        if made == most:
            return
