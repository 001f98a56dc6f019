"""Questions and answers that a document holds by itself: headings with their sections, cells of tables.

Every answer is a span of the document's own text. Templates are plain on purpose: the words of a heading
stand in quotation marks, because no rule inflects them rightly in ten languages.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from indexer import language
from indexer.catalogue.corpus import DocumentRecord
from indexer.text import fold

PairSource = Literal["marked", "heading", "table", "generated"]

LONGEST_HEADING = 120
SHORTEST_ANSWER = 60
"""Characters of a section's opening; less is no answer."""
LONGEST_ANSWER = 900
LONGEST_CELL = 120
LONGEST_COLUMN = 40
"""Characters of the head of a column; the first line of a list of contents is longer."""
LEAST_ROWS = 3
"""Rows of a table, its header among them."""
CELLS = 24
"""Pairs from one table: a sheet with a million rows would be all there is otherwise."""
WRITTEN = ("text", "code")
"""Kinds of documents that a person typed as they are."""
PER_DOCUMENT = 200
"""Pairs from the tables of one document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A proof: `quote` is `text[start:end]` of the document."""

    document: str
    page: int | None
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question with an answer and its proof."""

    question: str
    answer: str
    source: PairSource
    language: str
    evidence: tuple[Evidence, ...]


# --- questions by language -------------------------------------------------------------------------

_ABOUT = {
    "en": ("What does “{title}” say about “{topic}”?", "According to “{title}”, what is said of “{topic}”?"),
    "de": ("Was sagt „{title}“ zu „{topic}“?", "Was steht in „{title}“ unter „{topic}“?"),
    "es": ("¿Qué dice «{title}» sobre «{topic}»?", "Según «{title}», ¿qué se dice de «{topic}»?"),
    "fr": ("Que dit « {title} » de « {topic} » ?", "D’après « {title} », que dit-on de « {topic} » ?"),
    "it": ("Che cosa dice «{title}» di «{topic}»?", "Secondo «{title}», che cosa si dice di «{topic}»?"),
    "pt": ("O que diz “{title}” sobre “{topic}”?", "Segundo “{title}”, o que se diz de “{topic}”?"),
    "nl": ("Wat zegt “{title}” over “{topic}”?", "Wat staat er in “{title}” onder “{topic}”?"),
    "ru": ("Что говорится в «{title}» о теме «{topic}»?", "Что сказано в «{title}» в разделе «{topic}»?"),
    "zh": ("《{title}》中关于“{topic}”是怎么说的？", "根据《{title}》，“{topic}”讲的是什么？"),
    "ja": ("「{title}」では「{topic}」について何と述べていますか？",),
    "ko": ("「{title}」에서 「{topic}」에 대해 무엇이라고 합니까?",),
    "ar": ("ماذا يقول «{title}» عن «{topic}»؟",),
}
_ASKED = {
    "en": "{topic} (in “{title}”)",
    "de": "{topic} (in „{title}“)",
    "es": "{topic} (en «{title}»)",
    "fr": "{topic} (dans « {title} »)",
    "zh": "{topic}（《{title}》）",
}
_CELL = {
    "en": "In “{title}”, what is “{column}” for “{row}”?",
    "de": "Was steht in „{title}“ bei „{row}“ unter „{column}“?",
    "es": "En «{title}», ¿cuál es «{column}» de «{row}»?",
    "fr": "Dans « {title} », que vaut « {column} » pour « {row} » ?",
    "it": "In «{title}», qual è «{column}» per «{row}»?",
    "pt": "Em “{title}”, qual é “{column}” de “{row}”?",
    "nl": "Wat staat er in “{title}” bij “{row}” onder “{column}”?",
    "ru": "Что указано в «{title}» в строке «{row}», столбец «{column}»?",
    "zh": "在《{title}》中，“{row}”的“{column}”是什么？",
    "ja": "「{title}」で「{row}」の「{column}」は何ですか？",
    "ko": "「{title}」에서 「{row}」의 「{column}」은(는) 무엇입니까?",
    "ar": "في «{title}»، ما هو «{column}» لـ «{row}»؟",
}

_LABEL = {
    "en": "What is the “{row}” in “{title}”?",
    "de": "Was steht in „{title}“ bei „{row}“?",
    "es": "¿Cuál es «{row}» en «{title}»?",
    "fr": "Que dit « {title} » à « {row} » ?",
    "it": "Qual è «{row}» in «{title}»?",
    "pt": "Qual é “{row}” em “{title}”?",
    "nl": "Wat staat er in “{title}” bij “{row}”?",
    "ru": "Что указано в «{title}» в графе «{row}»?",
    "zh": "《{title}》中的“{row}”是什么\uff1f",
    "ja": "「{title}」の「{row}」は何ですか\uff1f",
    "ko": "「{title}」에서 「{row}」은(는) 무엇입니까?",
    "ar": "ما هو «{row}» في «{title}»؟",
}

_EMPTY_HEADINGS = """
    introduction intro overview summary abstract conclusion conclusions preface foreword contents
    table_of_contents index appendix annex references bibliography sources notes footnotes endnotes
    acknowledgements acknowledgments acknowledgement copyright license licence legal_notice disclaimer
    chapter section part page figure table figures tables list_of_figures list_of_tables miscellaneous other
    general see_also further_reading external_links links history changelog change_history revision_history
    post-history author authors contact imprint todo faq example examples untitled the_end blank
    einleitung einführung überblick übersicht zusammenfassung vorwort inhalt inhaltsverzeichnis anhang
    literatur literaturverzeichnis quellen anmerkungen fazit schluss danksagung impressum kapitel seite
    sonstiges allgemeines abbildungen tabellen einzelnachweise weblinks
    introducción resumen índice contenido prefacio prólogo conclusión conclusiones anexo apéndice
    referencias bibliografía notas agradecimientos capítulo página véase_también enlaces_externos
    résumé sommaire préface avant-propos annexe annexes références bibliographie remerciements
    chapitre voir_aussi table_des_matières liens_externes
    introduzione riassunto indice prefazione conclusione conclusioni appendice allegato riferimenti
    bibliografia note ringraziamenti capitolo sommario introdução resumo conclusão prefácio apêndice
    referências agradecimentos sumário inleiding samenvatting inhoud voorwoord bijlage bronnen
    conclusie dankwoord введение заключение содержание оглавление приложение литература примечания
    引言 简介 概述 摘要 目录 前言 结论 附录 参考文献 注释 致谢 参见 外部链接 はじめに 概要 目次 まとめ 付録
    参考文献 脚注 서론 개요 목차 결론 부록 참고문헌 مقدمة ملخص خاتمة المراجع الفهرس
"""
EMPTY_HEADINGS = frozenset(fold(word.replace("_", " ")) for word in _EMPTY_HEADINGS.split())
"""Folded headings that say nothing about what follows them."""

_NUMBERING = re.compile(
    r"^\s*(?:(?:chapter|section|part|appendix|annex|kapitel|abschnitt|teil|anhang|capítulo|sección|chapitre|"
    r"capitolo|hoofdstuk|глава|раздел)\s+)?(?:\d+(?:\.\d+)*[.):]?(?=\s)|\(?(?:\d+|[ivxlc]+|[a-z])(?:\.\d+)*[.):]"
    r"(?=\s)|第[\d一二三四五六七八九十百]+[章节節条部])\s*[-–:.]?\s*",
    re.IGNORECASE,
)
_LAST_NUMBER = re.compile(r"[\s\d.:-]+$")
_MARKS = re.compile(r"[#=~*_`\s]+")
_RULES = re.compile(r"(?:[^\w\n]*\n)*")
"""Empty lines and lines of marks, as under a heading in plain text."""
_QUESTION_END = ("?", "？", "؟")
_STOPS = (".", "!", "?", "…", "。", "！", "？", "؟", "।", "”", '"', "»", ")", "’", "」", "）")
_SEPARATOR = " | "
_RULE_ROW = re.compile(r"[ \t|:-]*-{3}[ \t|:-]*")
_LABEL_ENDS = (":", "\uff1a")
_NUMBER = re.compile(r"[\W\d_]+|\W*[ivxlcdm]+\W*", re.IGNORECASE)
"""Numbers, Roman ones too: they name no row."""


def from_headings(text: str, record: DocumentRecord, title: str, seed: int) -> Iterator[Pair]:
    """A pair for each heading that says what its section is about, with the section's opening words.

    Args:
        text: The document's own text.
        record: What is known of the document.
        title: What it is called.
        seed: Chooses among the templates.
    """
    topics = [_topic(text[start:end]) for _, start, end in record.headings]
    often = {topic for topic, count in Counter(map(fold, topics)).items() if count > 1}
    for at, (_, _, end) in enumerate(record.headings):
        topic = topics[at]
        if not is_topic(topic) or fold(topic) in often or fold(topic) == fold(title) or not title:
            continue
        last = record.headings[at + 1][1] if at + 1 < len(record.headings) else len(text)
        span = _opening(text, end, last, record.language)
        if span is not None:
            quote = text[slice(*span)]
            spoken = language.detect(quote) or record.language or "en"
            yield Pair(
                question=_about(topic, title, spoken, f"{seed}{record.document}{at}"),
                answer=" ".join(quote.split()),
                source="heading",
                language=spoken,
                evidence=(_proof(record, text, *span),),
            )


def title_of(record: DocumentRecord, shared: Collection[str] = ()) -> str:
    """What a document is called in a question: its title, or its file's name.

    Args:
        record: The document.
        shared: Folded titles that several documents have, so that they name none of them.
    """
    title = " ".join(_MARKS.sub(" ", record.title).split())
    if not 2 < len(title) <= LONGEST_HEADING or fold(record.title) in shared:
        name = record.path.rsplit("/", 1)[-1]
        title = name.rpartition(".")[0] or name
    return title.strip(' "“”„«»《》「」')


def _topic(heading: str) -> str:
    """A heading without marks and numbering."""
    bare = " ".join(_MARKS.sub(" ", heading).split())
    return _NUMBERING.sub("", bare).strip(' .:-–—"“”„«»')


def is_topic(topic: str) -> bool:
    """Whether a heading says something that one could ask for."""
    if not topic or len(topic) > LONGEST_HEADING or fold(_LAST_NUMBER.sub("", topic)) in EMPTY_HEADINGS:
        return False
    letters = sum(map(str.isalpha, topic))
    least = 2 if language.has_cjk(topic) else 4
    return letters >= least and 2 * letters > len(topic.replace(" ", ""))


def _about(topic: str, title: str, spoken: str, choice: str) -> str:
    if topic.endswith(_QUESTION_END):
        return _ASKED.get(spoken, _ASKED["en"]).format(topic=topic, title=title)
    templates = _ABOUT.get(spoken, _ABOUT["en"])
    at = hashlib.sha256(choice.encode()).digest()[0] % len(templates)
    return templates[at].format(topic=topic, title=title)


def _opening(text: str, start: int, end: int, spoken: str) -> tuple[int, int] | None:
    """The span of the first sentences of a section; None unless it begins with prose."""
    marks = _RULES.match(text, start, end)
    start = marks.end() if marks else start
    paragraph = text.find("\n\n", start, end)
    stop = end if paragraph < 0 else paragraph
    if stop - start < SHORTEST_ANSWER and paragraph >= 0:
        following = text.find("\n\n", paragraph + 2, end)
        stop = end if following < 0 else following
    part = text[start:stop].rstrip()
    if len(part) > LONGEST_ANSWER:
        ends = [last for _, last in language.sentences(part, spoken) if last <= LONGEST_ANSWER]
        part = part[: ends[-1]].rstrip() if ends else ""
    lead = len(part) - len(part.lstrip())
    start, part = start + lead, part.lstrip()
    return (start, start + len(part)) if _is_prose(part) else None


def _is_prose(text: str) -> bool:
    wide = language.has_cjk(text)
    if len(text) < (SHORTEST_ANSWER // 3 if wide else SHORTEST_ANSWER) or _SEPARATOR in text:
        return False
    letters = sum(map(str.isalpha, text))
    if letters < 0.65 * len(text.replace(" ", "")) or not text.endswith(_STOPS):
        return False
    return text[0].isalnum() or text[0] in '"“„«¿¡(「《'


def _proof(record: DocumentRecord, text: str, start: int, end: int) -> Evidence:
    return Evidence(
        document=record.document, page=record.page_at(start), start=start, end=end, quote=text[start:end]
    )


# --- tables ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    start: int
    end: int
    text: str


_Asked = tuple[_Cell, str, str]
"""A cell, the label of its row, the head of its column ("" beside a label of its own)."""


def from_tables(text: str, record: DocumentRecord, title: str, seed: int) -> Iterator[Pair]:
    """Pairs that ask for a cell: by the head of its column and the first cell of its row, or by its label.

    Asked is only what has one answer: heads, row labels and labels that come once. Of a long table the seed
    chooses some cells.
    """
    spoken = record.language or "en"
    rows = list(_rows(text, written=record.kind in WRITTEN))
    found = list(_of_forms(rows)) + [
        asked for table in _tables(rows) for asked in _chosen(_of_table(table), f"{seed}{record.document}")
    ]
    for cell, row, column in found[:PER_DOCUMENT]:
        templates = _CELL if column else _LABEL
        question = templates.get(spoken, templates["en"]).format(title=title, row=row, column=column)
        yield Pair(
            question=question,
            answer=cell.text,
            source="table",
            language=spoken,
            evidence=(_proof(record, text, cell.start, cell.end),),
        )


def _tables(rows: Sequence[list[_Cell]]) -> Iterator[list[list[_Cell]]]:
    """Runs of lines with equally many cells whose first line looks like heads of columns."""
    table: list[list[_Cell]] = []
    for cells in [*rows, []]:
        if table and len(cells) != len(table[0]):
            if len(table) >= LEAST_ROWS and _is_head(table[0]):
                yield table
            table = []
        if cells:
            table.append(cells)


def _rows(text: str, *, written: bool) -> Iterator[list[_Cell]]:
    """The cells of every line; none for a line that is no row. Rules of Markdown's tables are passed over.

    Args:
        text: A document's text.
        written: The document was typed with a plain editor: there a bar alone makes no table, and a table
            drawn with plus signs has cells of several lines.
    """
    at = 0
    drawn = False
    for line in text.split("\n"):
        drawn = line.lstrip().startswith(("+-", "+=")) or (drawn and bool(line.strip()))
        if drawn or not _RULE_ROW.fullmatch(line):
            yield _cells(line, at, written=written) if "|" in line and not drawn else []
        at += len(line) + 1


def _cells(line: str, at: int, *, written: bool) -> list[_Cell]:
    """Cells of a row as parsers write it, or as Markdown does; of anything else with bars none."""
    piped = line.startswith("|") and line.rstrip().endswith("|") and len(line) > 2
    if written and not piped:
        return []
    inner, at = (line.rstrip()[1:-1], at + 1) if piped else (line, at)
    separator = "|" if piped else _SEPARATOR
    found = []
    for part in inner.split(separator):
        bare = part.strip()
        start = at + len(part) - len(part.lstrip())
        found.append(_Cell(start=start, end=start + len(bare), text=bare))
        at += len(part) + len(separator)
    sound = len(found) > 1 and not any("|" in cell.text for cell in found)
    return found if sound else []


def _is_head(row: Sequence[_Cell]) -> bool:
    texts = [cell.text for cell in row]
    return (
        len({fold(text) for text in texts}) == len(texts)
        and all(map(_is_column, texts[1:]))
        and not any(text.endswith(_LABEL_ENDS) for text in texts)
    )


def _is_column(text: str) -> bool:
    return is_topic(text) and len(text) <= LONGEST_COLUMN and not text[0].isdigit() and text[-1] not in ".;"


def _of_table(table: Sequence[Sequence[_Cell]]) -> list[_Asked]:
    labels = Counter(fold(row[0].text) for row in table[1:])
    return [
        (cell, row[0].text, table[0][column].text)
        for row in table[1:]
        if labels[fold(row[0].text)] == 1 and _is_label(row[0].text)
        for column, cell in enumerate(row[1:], 1)
        if _is_value(cell.text)
    ]


def _of_forms(rows: Iterable[list[_Cell]]) -> Iterator[_Asked]:
    """Values beside their labels ("Runway used: | 23"), of labels that come once in a document."""
    found = []
    for row in rows:
        for label, value in pairwise(row):
            name = label.text.rstrip(":\uff1a ")
            if label.text.endswith(_LABEL_ENDS) and is_topic(name) and not value.text.endswith(_LABEL_ENDS):
                found.append((value, name, ""))
    often = Counter(fold(name) for _, name, _ in found)
    yield from (each for each in found if often[fold(each[1])] == 1 and _is_value(each[0].text))


def _chosen(found: list[_Asked], choice: str) -> list[_Asked]:
    if len(found) <= CELLS:
        return found
    found = sorted(found, key=lambda each: hashlib.sha256(f"{choice}{each[1]}\0{each[2]}".encode()).digest())
    return sorted(found[:CELLS], key=lambda each: each[0].start)


def _is_value(text: str) -> bool:
    return 0 < len(text) <= LONGEST_CELL and any(map(str.isalnum, text))


def _is_label(text: str) -> bool:
    return 0 < len(text) <= LONGEST_CELL and not _NUMBER.fullmatch(text)
