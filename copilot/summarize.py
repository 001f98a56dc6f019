"""Summaries: of one document, of several, or of all that match a query; every sentence with its source.

Without a model: the sentences nearest to what the chunks have in common, no two alike, from all parts.
With one: written from numbered passages, a long text part by part, and each sentence checked.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from copilot import freshness, grounding, leaving, opinion, passages, prompts, selecting
from copilot.background import Background, Task
from copilot.disclosure import Preview
from copilot.leaving import Door
from copilot.passages import Source
from copilot.prompts import Quoted
from copilot.providers import Message, Models, Provider, extractive
from copilot.types import (
    Checked,
    Citation,
    Coverage,
    Notice,
    Passage,
    SummarizeRequest,
    Summary,
    SummaryEvent,
    SummarySentence,
    Token,
)
from indexer.egress import RehearsedError
from indexer.errors import EgressRefusedError, NotFoundError, ProviderError, UsageError
from indexer.library import Library
from indexer.text import safe_text
from indexer.types import DocumentDetails, Hit, SearchRequest, UnreadFile
from indexer.wire import from_wire, to_wire

VERSION = 3
"""Part of the key of cached summaries: raise it when the method changes."""

MAX_DOCUMENTS = 40
"""Documents of one summary; of more the best matches are taken, and coverage says so."""
MAX_PARTS = 12
"""Parts a model reads of one summary; of longer texts the chunks that say most are taken."""
CHUNKS_READ = 14
"""Chunks whose sentences are compared for a summary without model."""
PART_SENTENCES = 5
"""Sentences a model is asked for about each part of a long text."""


def summarize(request: SummarizeRequest, library: Library, models: Models) -> Background[SummaryEvent]:
    """Summarise; the last event is the `Summary`. `close` cancels, from any thread.

    Raises:
        UsageError: nothing is named.
        NotFoundError: a path is not in the library, or the query matches nothing.
    """
    if not request.paths and not request.scope.strip():
        raise UsageError("Nothing to summarise is named.", hint="Name a document, or a query with --scope.")
    targets = _targets(request, library)
    return Background(lambda task: _Summarising(request, targets, library, models, task).events())


def preview(request: SummarizeRequest, library: Library, models: Models) -> Preview:
    """What a summary would send to the language model (of a long text the first part); sends nothing.

    Raises:
        UsageError: nothing is named.
        NotFoundError: a path is not in the library, or the query matches nothing.
    """
    summarising = _Summarising(request, _targets(request, library), library, models, Task())
    summarising.door.rehearse()
    for _ in summarising.events():
        pass
    return summarising.door.preview(summarising.notes if summarising.provider is None else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Targets:
    """The documents to summarise."""

    documents: tuple[DocumentDetails, ...]
    name: str
    coverage: Coverage
    named: frozenset[str] = frozenset()
    """Paths of documents that were named themselves, or asked for as poor: all of them is read."""
    note: str = ""
    """What is to be said of older versions that were left out."""


def _targets(request: SummarizeRequest, library: Library) -> _Targets:
    found: dict[str, DocumentDetails] = {}
    named: set[str] = set()
    for path in request.paths:
        inside, is_folder = _named(path, library, old="is:old" in request.scope)
        for details in inside:
            found.setdefault(details.document or details.path, details)
            named.update(() if is_folder else details.paths)
    if request.scope.strip():
        result = library.search(
            SearchRequest(
                query=request.scope,
                scope=passages.answerable(
                    library,
                    "",
                    tuple(found),
                    old="is:old" in request.scope,
                    poor=passages.asks_poor(library, request.scope, tuple(found)),
                ),
                documents=tuple(found),
                limit=MAX_DOCUMENTS,
            )
        )
        matching = {hit.document: hit.path for hit in result.hits}
        if found:
            found = {document: details for document, details in found.items() if document in matching}
        else:
            found = {document: library.details(document) for document in matching}
    left_out = _left_out(request, library, found, named)
    readable = [details for details in found.values() if details.chunks and details.path not in left_out]
    name = ", ".join([*(path.rstrip("/").rsplit("/", 1)[-1] for path in request.paths), request.scope]).strip(
        ", "
    )
    if not readable:
        reason = next((details.reason for details in found.values() if details.reason), "")
        raise NotFoundError(
            f"There is no text to summarise: {safe_text(reason or name, 200)}".rstrip(".") + "."
        )
    documents = tuple(readable[:MAX_DOCUMENTS])
    if request.paths:
        counted = library.scope(request.scope, tuple(found))
        kept_out = _kept_out(request, library)
        counted = replace(
            counted, in_scope=counted.in_scope + len(kept_out), unread=counted.unread + kept_out
        )
    else:
        counted = passages.counted(library, request.scope)
    unread = tuple(left_out.values())
    if not passages.asks_poor(library, request.scope, ()):
        unread += library.poor_pages([each.document for each in documents if each.path not in named])
    coverage = passages.covering(counted, len(documents), unread)
    if passages.asks_poor(library, request.scope, ()):
        named.update(details.path for details in documents)
    note = passages.old_note(library, request.scope, request.paths)
    if note and library.scope("is:old", tuple(each.document for each in documents)).in_scope:
        note = ""  # there is nothing else, or they were named
    return _Targets(documents=documents, name=name, coverage=coverage, named=frozenset(named), note=note)


def _left_out(
    request: SummarizeRequest, library: Library, found: Mapping[str, DocumentDetails], named: set[str]
) -> dict[str, UnreadFile]:
    """Poor documents by path, without those that were named themselves or asked for."""
    files = passages.poor(library, request.scope)
    if request.paths:
        held = {path for details in found.values() for path in details.paths}
        files = tuple(file for file in files if file.path in held - named)
    return {file.path: file for file in files}


def _kept_out(request: SummarizeRequest, library: Library) -> tuple[UnreadFile, ...]:
    """Members of the folders that were named which somebody keeps out of answers."""
    found: dict[str, UnreadFile] = {}
    for path in request.paths:
        inside = f"{path.rstrip('/')}/"
        for file in passages.kept_out(library, f"{request.scope} {_below(path)}".strip()):
            if file.path.startswith(inside):
                found.setdefault(file.path, file)
    return tuple(found.values())


def _below(path: str) -> str:
    """The query for what a folder holds."""
    quoted = path.rstrip("/").replace("\\", "\\\\").replace('"', '\\"')
    return f'path:"{quoted}"'


def _named(path: str, library: Library, *, old: bool) -> tuple[list[DocumentDetails], bool]:
    """The document at a path, or all documents in a folder; and whether it is a folder.

    Of a folder older versions stay out, without `old`, unless it holds nothing else.
    """
    try:
        return [library.details(path)], False
    except NotFoundError:
        for left_out in ("-is:excluded -is:old", "-is:excluded") if not old else ("-is:excluded",):
            rows = library.files(query=f"{_below(path)} {left_out}", limit=MAX_DOCUMENTS).rows
            inside = [row for row in rows if row.path.startswith(path.rstrip("/") + "/") and row.document]
            if inside:
                return [library.details(row.document) for row in inside], True
        raise


class _Summarising:
    """One summary on its way."""

    def __init__(
        self,
        request: SummarizeRequest,
        targets: _Targets,
        library: Library,
        models: Models,
        task: Task[SummaryEvent],
    ) -> None:
        self.request = request
        self.targets = targets
        self.library = library
        self.task = task
        self.started = time.perf_counter()
        self.notes = [targets.note] if targets.note else []
        self.ledger: grounding.Ledger | None = None
        self.provider: Provider | None = None
        if request.use_llm:
            self.provider, note = models.provider()
            self.notes += [note] if note and self.provider is None else []
        self.door = Door(library, self.provider, agreed=request.agreed)
        if targets.coverage.in_scope > len(targets.documents) + len(targets.coverage.unread):
            self.notes.append(f"Made from the {len(targets.documents)} best matches.")

    def events(self) -> Iterator[SummaryEvent]:
        if self.provider is not None:
            self._keep_back(self.provider)
        key = self._key()
        cached = self.library.cached(key)
        if cached is not None:
            kept = from_wire(Summary, json.loads(cached))
            yield replace(
                kept,
                cached=True,
                took_ms=self._took_ms(),
                coverage=self.targets.coverage,
                citations=freshness.checked(kept.citations, self.library),
            )
            return
        sources = self._sources()
        self.task.check()
        summary: Summary | None = None
        if self.provider is not None:
            try:
                summary = yield from self._write(self.provider, sources)
            except (ProviderError, EgressRefusedError) as exc:
                self.notes.append(f"{exc} These are quotes.")
                yield Notice(text=str(exc))
        if summary is None:
            summary = self._extract(sources)
            yield Token(text=summary.summary)
        if self.provider is None or summary.generator == self.provider.name:
            self.library.cache(key, json.dumps(to_wire(summary)))
        yield replace(summary, citations=freshness.checked(summary.citations, self.library))

    def _keep_back(self, provider: Provider) -> None:
        """Leave out what must not go to the model; nothing left: quotes."""
        targets = self.targets
        permitted = tuple(each for each in targets.documents if self.door.permits(each.document, each.path))
        withheld = self.door.withheld
        if not withheld:
            return
        if not permitted:
            self.provider = None
            self.notes.append(leaving.explained(withheld))
            permitted = targets.documents
        else:
            self.notes.append(
                f"{len(withheld)} of {len(targets.documents)} documents are kept from the model."
            )
        coverage = replace(targets.coverage, read=len(permitted), withheld=withheld)
        self.targets = replace(targets, documents=permitted, coverage=coverage)

    def _key(self) -> str:
        request = self.request
        parts = [
            VERSION,
            sorted(details.document for details in self.targets.documents),
            request.scope,
            request.sentences,
            self.provider.name if self.provider else self.library.status().embedding_model,
            self.provider is not None,
            *(["second opinion"] if self.provider and self._reads_again(self.provider) else []),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _sources(self) -> list[Source]:
        """Every chunk of the documents as a numbered passage, in reading order."""
        hits: list[Hit] = []
        for details in self.targets.documents:
            chunks = self.library.chunks(details.document)
            if details.path not in self.targets.named:
                weak = self.library.grading.weak([chunk.id for chunk in chunks])
                chunks = [chunk for chunk in chunks if chunk.id not in weak]
            hits += (passages.as_hit(chunk, details) for chunk in chunks)
        return [Source(passage=Passage(number=at + 1, hit=hit)) for at, hit in enumerate(hits)]

    # --- without a model ---

    def _extract(self, sources: Sequence[Source]) -> Summary:
        vectors = selecting.chunk_vectors(self.library, self.targets.documents, sources)
        focus = self.library.embed_query(self.request.scope) if self.request.scope.strip() else None
        chosen = selecting.central_chunks(sources, vectors, CHUNKS_READ, focus)
        self.task.check()
        # From few chunks, so that only their sentences are embedded.
        read = [passages.with_sentences(each) for each in chosen]
        sentences = selecting.choose_sentences(read, self.library, self.request.sentences, focus)
        by_number = {each.passage.number: each for each in read}
        lines: list[SummarySentence] = []
        citations: list[Citation] = []
        spans = extractive.spans_to_quote(sentences, read)
        for sentence, (start, end) in zip(sentences, spans, strict=True):
            source = by_number[sentence.passage + 1]
            n = len(citations) + 1
            citation = passages.cite(self.library, n, source.hit, start, end)
            if citation is not None:
                citations.append(citation)
                lines.append(SummarySentence(text=" ".join(citation.quote.split()), citations=(n,)))
        return self._summary(lines, citations, extractive.NAME)

    # --- with a model ---

    def _write(self, provider: Provider, sources: Sequence[Source]) -> Generator[SummaryEvent, None, Summary]:
        room = provider.context_tokens - provider.answer_tokens - prompts.MARGIN_TOKENS
        room = max(room - prompts.estimate_tokens(prompts.SUMMARY_RULES) - 120, 200)
        self.door.begin(sources, self.request.scope)
        read, parts = self._parts(sources, room)
        self.ledger = grounding.Ledger(read, self.library, self._embed, cited_only=True)
        about = self.door.hide(self.request.scope)
        if len(parts) == 1:
            try:
                text = yield from self._tell(provider, parts[0], self.request.sentences, about, last=True)
            except RehearsedError:
                if self._reads_again(provider):
                    opinion.Reader(provider, self.door, self.task, read, "summary").rehearse()
                raise
        else:
            text = yield from self._reduce(provider, parts, about, room)
        self.task.check()
        statements, _ = grounding.statements(grounding.clean(text), [each.passage.number for each in read])
        cited = {number for statement in statements for number in statement.numbers}
        shown = [passages.with_sentences(each) for each in read if each.passage.number in cited]
        if not shown:
            raise ProviderError(
                f"{provider.name} named no passage for what it wrote.", hint="Try another model."
            )
        grounded = grounding.ground(text, shown, self.library, self._embed)
        self.notes += grounded.notes
        claims = grounded.claims
        if self._reads_again(provider):
            reader = opinion.Reader(
                provider, self.door, self.task, read if len(parts) == 1 else shown, "summary"
            )
            claims, said = yield from reader.read(claims, grounded.citations)
            self.notes += [said] if said else []
        lines = [
            SummarySentence(
                text=claim.text,
                citations=claim.citations,
                verdict=claim.verdict,
                reason=claim.reason,
                quote=claim.quote,
                second_opinion=claim.second_opinion,
            )
            for claim in claims
        ]
        return self._summary(lines, grounded.citations, provider.name)

    def _reads_again(self, provider: Provider) -> bool:
        return opinion.is_wanted(self.library.config.language_model, provider)

    def _parts(self, sources: Sequence[Source], room: int) -> tuple[list[Source], list[list[Quoted]]]:
        """Passages cut into parts that fit a prompt; of too long a text the chunks that say most."""
        read = list(sources)
        parts = prompts.pack([self.door.quoted(source) for source in read], room)
        if len(parts) > MAX_PARTS:
            vectors = selecting.chunk_vectors(self.library, self.targets.documents, sources)
            keep = max(len(sources) * MAX_PARTS // len(parts), 1)
            read = selecting.central_chunks(sources, vectors, keep, None)
            self.notes.append(f"Made from the {len(read)} passages of {len(sources)} that say most.")
            parts = prompts.pack([self.door.quoted(source) for source in read], room)
        return read, parts

    def _reduce(
        self, provider: Provider, parts: Sequence[Sequence[Quoted]], about: str, room: int
    ) -> Generator[SummaryEvent, None, str]:
        """Summarise each part, then the summaries, until one is left."""
        texts: list[str] = []
        for at, part in enumerate(parts, 1):
            yield Notice(text=f"Reading part {at} of {len(parts)}.")
            texts.append((yield from self._tell(provider, part, PART_SENTENCES, about, last=False)))
        while len(texts) > 1:
            groups = prompts.pack_texts(texts, room)
            last = len(groups) == 1
            if not last and len(groups) == len(texts):
                raise ProviderError(
                    f"The context of {provider.name} is too small.", hint="Raise context_tokens."
                )
            yield Notice(text="Putting the parts together.")
            merged = []
            for group in groups:
                messages = prompts.merge_prompt(group, sentences=self.request.sentences, about=about)
                merged.append((yield from self._stream(provider, messages, last=last)))
            texts = merged
        return texts[0]

    def _tell(
        self, provider: Provider, part: Sequence[Quoted], sentences: int, about: str, *, last: bool
    ) -> Generator[SummaryEvent, None, str]:
        messages = prompts.summary_prompt(part, sentences=sentences, about=about)
        return (yield from self._stream(provider, messages, last=last))

    def _stream(
        self, provider: Provider, messages: Sequence[Message], *, last: bool
    ) -> Generator[SummaryEvent, None, str]:
        """Fetch one text; what belongs to the summary itself is shown as it comes."""
        documents = [details.document for details in self.targets.documents]

        harmless = grounding.Harmless()
        written = ""
        stream = self.door.stream(
            messages,
            max_tokens=provider.answer_tokens,
            purpose="summary",
            documents=documents,
            task=self.task,
        )
        for text in stream:
            written += text
            if last:
                yield Token(text=harmless.add(text))
                checked = self.ledger.add(text) if self.ledger else ()
                if checked:
                    yield Checked(claims=checked)
        if last:
            yield Token(text=harmless.rest())
        return written

    def _embed(self, texts: Sequence[str]) -> passages.Vectors | None:
        """Embed texts of the documents, as far as they may go to the embedding model."""
        return self.library.embed_passages(texts, [each.document for each in self.targets.documents])

    def _summary(
        self, lines: Sequence[SummarySentence], citations: Sequence[Citation], generator: str
    ) -> Summary:
        return Summary(
            target=self.targets.name,
            summary=" ".join(grounding.with_marks(line.text, line.citations) for line in lines),
            generator=generator,
            took_ms=self._took_ms(),
            sentences=tuple(lines),
            citations=tuple(citations),
            coverage=self.targets.coverage,
            notes=tuple(self.notes),
        )

    def _took_ms(self) -> float:
        return round((time.perf_counter() - self.started) * 1000, 1)
