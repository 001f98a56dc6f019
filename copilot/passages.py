"""From a question to the passages it is answered from: words that count, retrieval, sentences.

Owns what both kinds of answers share: the plain query of a question, the weight of its words in this
library, the passages with the exact spans of their sentences, and quotes that are proven against the
document's text. Knows no language model.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from copilot import tables
from copilot.sentences import cut
from copilot.types import Citation, Coverage, Passage
from copilot.words import WORD, bare, counts, holds, words
from indexer import language
from indexer.analysis import prepare
from indexer.errors import NotFoundError
from indexer.library import Library
from indexer.query import parse
from indexer.text import fold
from indexer.types import (
    DocumentDetails,
    Hit,
    ScopeCount,
    SearchRequest,
    SearchResult,
    StoredChunk,
    UnreadFile,
)

Vectors = npt.NDArray[np.float32]

_OPERATORS = re.compile(r'["“”„():|*~^\\\[\]{}]|(?<!\w)[-+](?=\w)')
_BOOLEAN = re.compile(r"\b(AND|OR|NOT)\b")

KEPT_OUT = "It is kept out of answers."
TAKE_BACK = "'quire include' takes it back (x in a list)."
NAMED_OUT = 20
"""Documents kept out that are named with an answer; the others are counted."""

_REACHES = (4_000, 64_000, 1_000_000)
"""Characters before a row in which the header of its table is looked for, one after the other."""

MAX_TERMS = 16
"""Words of a question that are weighed; more cost time and say little."""


def plain_query(question: str) -> str:
    """The question as words that rank: what the query language would take as an operator is text here."""
    text = _OPERATORS.sub(" ", question)
    return " ".join(_BOOLEAN.sub(lambda match: match[0].lower(), text).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word of the question with its weight."""

    word: str
    weight: float
    """Inverse document frequency in this library, 0 to 1; 1 for a word that no document holds."""
    named: bool
    """A name or a number: what it names must be there."""
    forms: frozenset[str] = frozenset()
    """Inflections of the word that the library holds."""

    def is_in(self, bag: set[str]) -> bool:
        """Whether a set of folded words holds the word in some form."""
        return not bag.isdisjoint(self.forms) or holds(bag, self.word)


def terms(question: str, library: Library, *, limit: int = MAX_TERMS) -> list[Term]:
    """The words of a question that count, weighted by how rare they are in the library."""
    found: dict[str, tuple[str, bool]] = {}
    spoken = language.detect(question) or "en"
    told = [match[0].removesuffix("'s").removesuffix("’s") for match in WORD.finditer(prepare(question))]
    for at, written in enumerate(told):
        word = bare(fold(written))
        if word and counts(word):
            named = word.isdigit() or _is_name(told, at, spoken)
            found[word] = (written, named or found.get(word, ("", False))[1])
    return [
        _weighed(word, written, named, spoken, library)
        for word, (written, named) in list(found.items())[:limit]
    ]


def _is_name(told: Sequence[str], at: int, spoken: str) -> bool:
    """Whether the word at a place is written as a name.

    All German nouns have the initial of one: there it takes a second such word beside, or more capitals.
    """
    if at == 0 or not told[at][0].isupper():
        return False
    if spoken != "de":
        return True
    beside = (told[other] for other in (at - 1, at + 1) if 0 < other < len(told))
    return not told[at][1:].islower() or any(each[0].isupper() for each in beside)


def _weighed(word: str, written: str, named: bool, spoken: str, library: Library) -> Term:
    plan = library.keyword.plan(parse(written).sought, (spoken,))
    entries = max((group.entries for group in plan.groups), default=0)
    total = plan.vocabulary.entries
    weight = math.log1p(total / (entries + 0.5)) / math.log1p(total / 0.5)
    forms = frozenset(fold(form.word) for group in plan.groups for part in group.words for form in part)
    return Term(word=word, weight=min(max(weight, 0.02), 1.0), named=named, forms=forms)


class Footing(StrEnum):
    """What a question, its passages and the embedding model have in common: it decides what a cosine says."""

    ENGLISH = "english"
    """The model knows English alone, and the question is English."""
    UNKNOWN = "unknown"
    """The model does not know the question's language."""
    HOME = "home"
    """The model knows many languages and English best; question and passages are English."""
    WITHIN = "within"
    """The model knows many languages; question and passages are in the same, which is not English."""
    ACROSS = "across"
    """The model knows many languages; the nearest passage is in another one than the question, so that
    shared words say little."""


def footing(question: str, hits: Sequence[Hit], library: Library) -> Footing:
    """What a question and the passages found for it have in common.

    What decides is the nearest passage. A question too short to tell its language is taken to be in its
    language, or for a model of English in that of most passages.
    """
    known = library.languages
    spoken = language.detect(question)
    found = Counter(hit.language for hit in hits if hit.language)
    if known is None:
        nearest = next(iter(found), "")
        if spoken and nearest and spoken != nearest:
            return Footing.ACROSS
        return Footing.HOME if (spoken or nearest) == "en" else Footing.WITHIN
    if not spoken and found:
        spoken = found.most_common(1)[0][0]
    english = spoken in known if spoken else question.isascii()
    return Footing.ENGLISH if english else Footing.UNKNOWN


def covered(wanted: Sequence[Term], held: Iterable[str]) -> float:
    """The share of the weight of `wanted` that occurs among the folded words `held`, 0 to 1."""
    total = sum(term.weight for term in wanted)
    if not total:
        return 0.0
    bag = set(held)
    return sum(term.weight for term in wanted if term.is_in(bag)) / total


# --- passages ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence of a passage; `text` is `document_text[start:end]`."""

    passage: int
    """Index of its passage: the passage's number less one."""
    start: int
    end: int
    text: str
    header: str = ""
    """Of a row of a table: the row that names its cells, which may stand before the passage."""

    @cached_property
    def words(self) -> list[str]:
        """Folded words."""
        return words(self.text)

    @cached_property
    def told(self) -> list[str]:
        """Folded words of what it says: of a row, with the names of its cells."""
        return [*words(self.header), *self.words] if self.header else self.words

    @cached_property
    def telling(self) -> str:
        """What it says, as its meaning is compared: a row as "name: cell"."""
        return tables.paired(self.header, self.text) if self.header else self.text


@dataclass(frozen=True, kw_only=True)
class Source:
    """A passage with what answering needs to know of it."""

    passage: Passage
    sentences: tuple[Sentence, ...] = field(default=())

    @property
    def hit(self) -> Hit:
        """The hit behind the passage."""
        return self.passage.hit

    @cached_property
    def words(self) -> list[str]:
        """Folded words of the text and of what stands above it: name, title, headings."""
        return [*self.above, *words(self.hit.text)]

    @cached_property
    def above(self) -> list[str]:
        """Folded words of the file's name, the title and the headings: what the text is about."""
        name = self.hit.path.rsplit("/", 1)[-1]
        return words(f"{name} {self.hit.title} {self.hit.heading}")


def answerable(
    library: Library,
    scope: str,
    documents: Sequence[str] = (),
    *,
    old: bool = False,
    poor: bool = False,
) -> str:
    """The scope without the documents that are kept out of answers, older versions and poor text.

    Older versions stay when the scope asks for them, when they are named themselves, and with `old`; so
    does poor text, and with `poor`.
    """
    # Asked first, because a filter costs time that a library without such documents need not spend.
    if library.scope("is:excluded").in_scope:
        scope = f"{scope} -is:excluded".strip()
    if not old and library.scope("is:old").in_scope and _newest_only(library, scope, documents):
        scope = f"{scope} -is:old".strip()
    if not poor and not asks_poor(library, scope, documents) and library.scope("is:poor").in_scope:
        scope = f"{scope} -is:poor".strip()
    return scope


def asks_poor(library: Library, asked: str, documents: Sequence[str]) -> bool:
    """Whether poor text is wanted: it was asked for, or its document is named itself."""
    if not library.grading.poor_below or "is:poor" in asked or "quality:" in asked:
        return True
    return bool(documents) and not _folder_named(library, documents)


def _folder_named(library: Library, documents: Sequence[str]) -> bool:
    """Whether the list means more documents than it names."""
    return library.scope("", tuple(documents)).in_scope > len(documents)


def poor(library: Library, scope: str, documents: Sequence[str] = ()) -> tuple[UnreadFile, ...]:
    """Documents of a scope that an answer leaves out because their text is poor, with the reasons.

    Those that are kept out of answers anyway are not among them.
    """
    if asks_poor(library, scope, documents):
        return ()
    if library.scope("is:excluded").in_scope:
        scope = f"{scope} -is:excluded".strip()
    return library.poor(scope, tuple(documents))


def _newest_only(library: Library, asked: str, documents: Sequence[str]) -> bool:
    """Whether nobody asked for older versions. Naming a folder is no such wish, naming a document is."""
    return "is:old" not in asked and (not documents or _folder_named(library, documents))


def old_note(library: Library, scope: str, documents: Sequence[str] = ()) -> str:
    """What to say of older versions that an answer leaves out; "" when there are none."""
    count = library.scope(f"{scope} is:old".strip(), tuple(documents)).in_scope
    if not count or not _newest_only(library, scope, documents):
        return ""
    what = "1 older version was" if count == 1 else f"{count:,} older versions were"
    return f"{what} left out; the scope 'is:old' asks them."


def retrieve(
    library: Library, query: str, *, scope: str, documents: tuple[str, ...], limit: int
) -> SearchResult:
    """Search for passages: chunks of text, best first."""
    sound = not asks_poor(library, scope, documents)
    request = SearchRequest(
        query=query, scope=scope, documents=documents, chunks=True, limit=limit, sound=sound
    )
    return library.search(request)


def sources(hits: Sequence[Hit]) -> list[Source]:
    """Number the hits and cut their texts into sentences with exact spans."""
    return [
        with_sentences(Source(passage=Passage(number=number, hit=hit))) for number, hit in enumerate(hits, 1)
    ]


def as_hit(chunk: StoredChunk, details: DocumentDetails) -> Hit:
    """A chunk that nobody searched for, in the shape of those that were."""
    return Hit(
        rank=1,
        score=0.0,
        path=details.path,
        paths=details.paths,
        title=details.title,
        document=details.document,
        chunk=chunk.id,
        page=chunk.page,
        heading=chunk.heading,
        start=chunk.start,
        end=chunk.end,
        snippet="",
        highlights=(),
        matched_by=(),
        scores={},
        ranks={},
        kind=details.kind,
        format=details.format,
        language=chunk.language,
        pages=details.pages,
        size_bytes=details.size_bytes,
        mtime_ns=details.mtime_ns,
        text=chunk.text,
    )


def with_sentences(source: Source) -> Source:
    """The passage with the exact spans of its sentences."""
    hit = source.hit
    spans = tuple(
        Sentence(
            passage=source.passage.number - 1,
            start=hit.start + start,
            end=hit.start + end,
            text=hit.text[start:end],
            header=_header(hit, start, end),
        )
        for start, end in cut(hit.text, hit.language)
    )
    return replace(source, sentences=spans)


def _header(hit: Hit, start: int, end: int) -> str:
    """The header of a row of a passage; a passage within a table has it as the last of its headings."""
    if not tables.is_row(hit.text[start:end]):
        return ""
    within = tables.header_span(hit.text, start)
    above = hit.heading.rsplit(" > ", 1)[-1]
    if tables.is_row(above) and tables.names_columns(above) and "\n\n" not in hit.text[:start]:
        return above
    return hit.text[within[0] : within[1]] if within else ""


def coverage(library: Library, scope: str, documents: tuple[str, ...], read: Sequence[Hit]) -> Coverage:
    """What the answer could and could not draw on."""
    found = counted(library, scope, documents)
    looked_at = dict.fromkeys(hit.document for hit in read)
    left_out = poor(library, scope, documents)
    if not asks_poor(library, scope, documents):
        left_out += library.poor_pages(tuple(looked_at))
    return covering(found, len(looked_at), left_out)


def counted(library: Library, scope: str, documents: Sequence[str] = ()) -> ScopeCount:
    """What a scope holds, with the documents that are kept out of answers among those not read."""
    count = library.scope(scope, documents)
    return replace(count, unread=count.unread + kept_out(library, scope, documents))


def kept_out(library: Library, scope: str, documents: Sequence[str] = ()) -> tuple[UnreadFile, ...]:
    """Documents of a scope that somebody keeps out of answers; beyond some only their number."""
    if not library.scope("is:excluded").in_scope:
        return ()
    found = library.readable(f"{scope} is:excluded".strip(), documents)
    named = tuple(UnreadFile(path=path, reason=KEPT_OUT, hint=TAKE_BACK) for _, path in found[:NAMED_OUT])
    more = len(found) - len(named)
    if more > 0:
        named += (UnreadFile(path=f"{more:,} more documents", reason=KEPT_OUT, hint=TAKE_BACK),)
    return named


def covering(counted: ScopeCount, read: int, left_out: tuple[UnreadFile, ...] = ()) -> Coverage:
    """A scope's count as the coverage of an answer that read so many documents of it."""
    return Coverage(
        in_scope=counted.in_scope,
        read=read,
        unread=counted.unread + left_out + counted.waiting,
        waiting=counted.waiting_total,
    )


def cite(library: Library, n: int, hit: Hit, start: int, end: int) -> Citation | None:
    """A citation whose quote is read back from the document, or None when it cannot be.

    None means that the document changed or vanished since the search: what cannot be proven is dropped.
    """
    try:
        page = page_at(library, hit, start)
    except NotFoundError:
        return None
    return _proven(library, n, hit, (start, end), hit.text[start - hit.start : end - hit.start], page)


def cite_header(library: Library, n: int, source: Source, row: Sentence) -> Citation | None:
    """A citation of the header of a table's row, wherever the table begins; None as in `cite`."""
    hit = source.hit
    for reach in _REACHES:
        start = max(row.start - reach, 0)
        try:
            text = library.text(hit.document, start, row.start).text
            details = library.details(hit.document)
        except NotFoundError:
            return None
        found = tables.header_span(text + row.text, len(text))
        if found is None:
            continue
        quote = text[found[0] : found[1]]
        if _is_header(quote, row.header):
            span = start + found[0], start + found[1]
            return _proven(library, n, hit, span, quote, page_of(details, span[0]))
    return None


def _is_header(quote: str, header: str) -> bool:
    """Whether a row is the one that headings of passages name: there it is cut and joined."""
    return " ".join(quote.split()).startswith(" ".join(header.split()))


def _proven(
    library: Library, n: int, hit: Hit, span: tuple[int, int], quote: str, page: int | None
) -> Citation | None:
    start, end = span
    try:
        window = library.text(hit.document, start, end)
    except NotFoundError:
        return None
    if (window.start, window.end, window.text) != (start, end, quote) or not quote.strip():
        return None
    return Citation(
        n=n,
        path=hit.path,
        title=hit.title,
        document=hit.document,
        page=page,
        start=start,
        end=end,
        quote=quote,
    )


def page_at(library: Library, hit: Hit, position: int) -> int | None:
    """1-based page of a position; a chunk may begin on the page before."""
    if hit.page is None:
        return None
    return max(hit.page, page_of(library.details(hit.document), position) or 0)


def page_of(details: DocumentDetails, position: int) -> int | None:
    """1-based page of a position in a document; None where there are no pages."""
    return bisect_right(details.page_starts, position) or None
