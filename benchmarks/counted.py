"""Questions to every document, and versions that disagree.

The table: documents are generated (seeded) that state a value of a topic, only mention it, or speak of
something similar, in sentences of five languages; the truth is known. Disagreements: of real articles a
second version is made in which the one number that answers a question is another; the answer must show
both values. False alarms are counted over the real questions of two collections without any such version.
"""

from __future__ import annotations

import dataclasses
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.questions import half, read
from benchmarks.result import CORPORA, Result, Row, row
from copilot.providers import Models
from copilot.session import LocalSession
from copilot.types import Answer, AskRequest
from indexer.config import Config, EmbeddingConfig
from indexer.library import Library

NO_MODELS = Config().model_copy(
    update={
        "embedding": EmbeddingConfig(provider="none"),
        "language_model": Config().language_model.model_copy(update={"provider": "none"}),
    }
)
"""Neither mentions nor disagreements are found by meaning, so nothing has to be embedded."""


class Topic(NamedTuple):
    """What is asked for in a language, with what is similar."""

    language: str
    question: str
    stating: tuple[str, ...]
    mentioning: tuple[str, ...]
    similar: tuple[str, ...]
    filler: str
    unit: str


TOPICS = (
    Topic(
        "en",
        "Which of these documents mention the service charge, and what amount do they give?",
        (
            "A service charge of {} is payable every quarter.",
            "Tenants pay {} as service charge; parking costs 45 euros.",
            "The yearly service charge was fixed at {} by the board on 3 May 2021.",
            "Item | Amount\nService charge | {}\nInsurance | 118 euros",
        ),
        ("The service charge is agreed separately.", "No service charge is due in the first year."),
        (
            "The charge for the battery service is 75 euros.",
            "Customer service is free of charge until 30 June.",
            "Services are billed at 60 euros an hour.",
        ),
        "The building has four floors and was painted in 2015. Bicycles are kept in the yard.",
        "euros",
    ),
    Topic(
        "en",
        "Compare the melting point in the reports",
        (
            "The melting point of the wax is {}.",
            "With {} its melting point is the highest of the series.",
            "Melting points were found to be {} on average.",
            "# Melting point\n\nThe value is {}.",
        ),
        ("Its melting point could not be determined.",),
        (
            "Melting took 40 minutes; the boiling point is 300 °C.",
            "The flash point is 190 °C, and melting begins slowly.",
        ),
        "Samples were weighed twice. The room was kept at 21 °C and 40 % humidity.",
        "°C",
    ),
    Topic(
        "de",
        "Welche Verträge nennen eine Kündigungsfrist, und wie lang ist sie?",
        (
            "Die Kündigungsfrist beträgt {}.",
            "Es gilt eine Kündigungsfrist von {}, die Kaution beträgt 900 Euro.",
            "Für beide Seiten ist eine Kündigungsfrist von {} vereinbart.",
        ),
        ("Die Kündigungsfrist richtet sich nach dem Gesetz.",),
        (
            "Die Kündigung muss schriftlich erfolgen. Die Zahlungsfrist beträgt 14 Tage.",
            "Eine Frist von 10 Tagen gilt für Reklamationen.",
        ),
        "Der Vermieter übergibt zwei Schlüssel. Das Treppenhaus wird wöchentlich gereinigt.",
        "Wochen",
    ),
    Topic(
        "es",
        "¿Qué informes mencionan la superficie construida y qué valor dan?",
        (
            "La superficie construida es de {}.",
            "El edificio tiene una superficie construida de {} y tres plantas.",
            "Según el registro, la superficie construida alcanza {}.",
        ),
        ("La superficie construida no figura en el registro.",),
        (
            "La superficie del jardín es de 80 m².",
            "La casa fue construida en 1974 y reformada dos veces.",
        ),
        "El barrio está bien comunicado. Hay una escuela a 300 metros.",
        "m²",
    ),
    Topic(
        "fr",
        "Quels rapports mentionnent la consommation annuelle et quelle valeur donnent-ils ?",
        (
            "La consommation annuelle est de {}.",
            "Une consommation annuelle de {} a été relevée en 2022.",
            "Avec {}, la consommation annuelle reste stable.",
        ),
        ("La consommation annuelle n'a pas été mesurée.",),
        (
            "La consommation du mois de mai est de 310 kWh.",
            "Le rapport annuel compte 48 pages.",
        ),
        "Le compteur se trouve au sous-sol. Les locaux ferment à 18 heures.",
        "kWh",
    ),
    Topic(
        "zh",
        "哪些报告提到了工作压力，数值是多少？",
        ("该设备的工作压力为{}。", "正常情况下工作压力保持在{}左右。", "测得的工作压力是{}。"),
        ("工作压力尚未测定。",),
        ("工作温度为80℃，压力表已更换。", "进口压力为2 bar。"),
        "设备安装在三楼。每周检查两次。",
        "bar",
    ),
)


@contextmanager
def over(documents: Path) -> Iterator[LocalSession]:
    """A session over a folder, without models."""
    with tempfile.TemporaryDirectory() as place, Library.open(Path(place), NO_MODELS, watch=False) as library:
        for _ in library.sync([str(documents)]):
            pass
        yield LocalSession(library, models=Models(NO_MODELS))


def ask(session: LocalSession, question: str) -> Answer:
    """The answer."""
    *_, answer = session.ask(AskRequest(question=question, remember=False))
    assert isinstance(answer, Answer)
    return answer


# --- tables --------------------------------------------------------------------------------------


@dataclasses.dataclass
class Tally:
    """Documents of one question or many, by what was found."""

    mentioned: int = 0
    found: int = 0
    right: int = 0
    """Of those found, that mention it."""
    valued: int = 0
    value_right: int = 0
    documents: int = 0
    read: int = 0


def write_documents(topic: Topic, folder: Path, count: int, seed: int) -> dict[str, str | None]:
    """Documents on a topic; returns what each says ("" mentions only, None not at all)."""
    chance = random.Random(seed)
    truth: dict[str, str | None] = {}
    for number in range(count):
        name = f"{topic.language}-{number:03}.{('md', 'txt')[number % 2]}"
        kind = chance.random()
        said: str | None
        if kind < 0.45:
            said = f"{chance.randint(3, 990)} {topic.unit}"
            sentence = chance.choice(topic.stating).format(said)
        elif kind < 0.6:
            said, sentence = "", chance.choice(topic.mentioning)
        else:
            said, sentence = None, chance.choice(topic.similar)
        parts = [topic.filler, sentence, topic.filler]
        (folder / name).write_text(f"No. {number}\n\n" + "\n\n".join(parts[chance.randint(0, 1) :]), "utf-8")
        truth[name] = said
    return truth


def table_of(topic: Topic, count: int, seed: int) -> Tally:
    """One question over its documents."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as place:
        truth = write_documents(topic, Path(place), count, seed)
        with over(Path(place)) as session:
            answer = ask(session, topic.question)
    found = {
        Path(finding.path).name: " / ".join(cell.value for cell in finding.cells)
        for finding in answer.findings
        if finding.found
    }
    tally.documents, tally.read = count, answer.coverage.read
    for name, said in truth.items():
        tally.mentioned += said is not None
        tally.found += name in found
        tally.right += said is not None and name in found
        tally.valued += bool(said)
        tally.value_right += bool(said) and found.get(name) == said
    return tally


def table_rows(count: int) -> list[Row]:
    """Precision and recall of mentions, and how many values are right."""
    every = [table_of(topic, count, seed) for seed, topic in enumerate(TOPICS)]
    total = Tally(*(sum(values) for values in zip(*map(dataclasses.astuple, every), strict=True)))
    languages = ", ".join(
        f"{topic.language} {each.value_right}/{each.valued}"
        for topic, each in zip(TOPICS, every, strict=True)
    )
    return [
        row(
            "documents read",
            total.read / total.documents * 100,
            "%",
            budget="100 %",
            met=total.read == total.documents,
        ),
        row("mentions found (recall)", total.right / max(total.mentioned, 1) * 100, "%"),
        row("mentions right (precision)", total.right / max(total.found, 1) * 100, "%"),
        row("values right", total.value_right / max(total.valued, 1) * 100, "%", reference=languages),
    ]


# --- disagreements -------------------------------------------------------------------------------


def altered(text: str, number: str) -> str:
    """The text with the last digit of a number another; a year stays one."""
    other = f"{number[:-1]}{(int(number[-1]) + 3) % 10}"
    return re.sub(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", other, text)


def conflict_row(language: str, count: int) -> Row:
    """Of questions whose answer is a number, those whose answer shows both versions of it."""
    asked = [
        question
        for question in read("xquad")
        if question["lang"] == language
        and re.fullmatch(r"\d[\d.,]*\d", question["answers"][0])
        and half(question)
    ][:count]
    shown = named = 0
    for question in asked:
        source = CORPORA / "xquad" / "corpus" / question["doc"]
        text = source.read_text("utf-8")
        number = question["answers"][0]
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / f"{source.stem} v1.txt").write_text(text, "utf-8")
            (Path(place) / f"{source.stem} v2.txt").write_text(altered(text, number), "utf-8")
            with over(Path(place)) as session:
                answer = ask(session, question["question"])
        first = answer.citations[0].quote if answer.citations else ""
        if number not in first and altered(number, number) not in first:
            continue
        named += 1
        shown += any(
            any(number in each.value for each in conflict.rows)
            and any(altered(number, number) in each.value for each in conflict.rows)
            for conflict in answer.conflicts
        )
    return row(
        f"both values shown, {language}", shown / max(named, 1) * 100, "%",
        reference=f"{named} of {len(asked)} answers quote the value",
    )  # fmt: skip


def alarm_row(corpus: str, count: int | None) -> Row:
    """Real questions answered with a disagreement where no version was planted."""
    questions = read(corpus)[:count]
    with over(CORPORA / corpus / "docs") as session:
        alarms = sum(bool(ask(session, question["question"]).conflicts) for question in questions)
    return row(f"disagreements alleged, {corpus}", alarms, f"of {len(questions)} questions")


def run(*, quick: bool = False) -> Result:
    """Measure both; the table needs no corpus."""
    rows = table_rows(12 if quick else 60)
    if CORPORA.is_dir():
        languages: Sequence[str] = ("en",) if quick else ("en", "de", "es", "zh")
        rows += [conflict_row(language, 8 if quick else 25) for language in languages]
        rows += [alarm_row(corpus, 20 if quick else None) for corpus in ("pdf-qa", "peps")]
    return {"title": "Every document, counted; versions that disagree", "rows": rows}
