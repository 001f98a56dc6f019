"""Questions: find passages, decide whether they can hold an answer, have it written, prove every sentence.

Without a model, or when it fails, the answer is made of quotes. Nothing found: no model is asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from copilot import evidence, followup, freshness, grounding, passages, prompts
from copilot.background import Background, Task
from copilot.passages import Source
from copilot.prompts import Quoted
from copilot.providers import Message, Models, Provider, extractive
from copilot.providers.extractive import Scored
from copilot.types import (
    Answer,
    AnswerEvent,
    AskRequest,
    Citation,
    Claim,
    Coverage,
    Notice,
    Retrieved,
    Token,
)
from indexer.egress import Call
from indexer.errors import EgressRefusedError, ProviderError, UsageError
from indexer.library import Library
from indexer.text import safe_text

MAX_QUESTION = 2000
"""Characters of a question that are read."""

NOT_FOUND_TEXT = "Not in your documents."


def ask(request: AskRequest, library: Library, models: Models) -> Background[AnswerEvent]:
    """Answer a question; the last event is the `Answer`. `close` cancels, from any thread.

    Raises:
        UsageError: the question is empty.
    """
    if not request.question.strip():
        raise UsageError(
            "The question is empty.", hint="Ask something, for example: when does the lease end?"
        )
    cut = replace(request, question=safe_text(request.question, MAX_QUESTION).strip())
    return Background(lambda task: _Asking(cut, library, models, task).events())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What has been found and chosen before anybody writes."""

    sources: list[Source]
    coverage: Coverage
    ranked: list[Scored]
    likelihood: float
    foreign: bool
    """The question is in a language the embedding model does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A text with its proof."""

    text: str
    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    notes: tuple[str, ...] = ()


class _Asking:
    """One question on its way to its answer."""

    def __init__(
        self, request: AskRequest, library: Library, models: Models, task: Task[AnswerEvent]
    ) -> None:
        self.request = request
        self.library = library
        self.task = task
        self.started = time.perf_counter()
        self.provider: Provider | None = None
        self.notes: list[str] = []
        if request.use_llm:
            self.provider, note = models.provider()
            if note and self.provider is None:
                self.notes.append(note)

    def events(self) -> Iterator[AnswerEvent]:
        query = self._standalone()
        draft = self._draft(query)
        limit = evidence.FOUND_WITH_MODEL if self.provider else evidence.FOUND
        if self.provider is not None and draft.likelihood < limit and draft.foreign:
            yield Notice(text="Looking in English, too.")
            translated = self._reworded(self.provider, prompts.translate_prompt(query))
            if translated:
                draft = max(draft, self._draft(translated), key=lambda each: each.likelihood)
        yield Retrieved(passages=tuple(source.passage for source in draft.sources), coverage=draft.coverage)
        if draft.likelihood < limit:
            yield self._not_found(draft)
            return
        if self.provider is None:
            yield from self._finish_with_quotes(draft, _Written(text=""), extractive.NAME)
            return
        yield from self._write(self.provider, draft)

    # --- finding ---

    def _draft(self, query: str) -> _Draft:
        request = self.request
        result = passages.retrieve(
            self.library,
            passages.plain_query(query),
            scope=passages.answerable(self.library, request.scope),
            documents=request.documents,
            limit=request.passages,
        )
        self.task.check()
        self.notes += [note for note in result.notes if note not in self.notes]
        sources = passages.sources(result.hits)
        wanted = passages.terms(query, self.library)
        vector = self.library.embed_query(query)
        trust = passages.trust_in_meaning(query, result.hits, self.library)
        ranked = extractive.rank_sentences(
            query, wanted, sources, vector, self.library.embed_passages, trust=trust
        )
        self.task.check()
        fit = evidence.weigh(wanted, sources, ranked, trust=trust)
        return _Draft(
            sources=sources,
            coverage=passages.coverage(self.library, request.scope, request.documents, result.hits),
            ranked=ranked,
            likelihood=evidence.likelihood(fit),
            foreign=fit.foreign,
        )

    def _standalone(self) -> str:
        """The question so that it can be searched for without the conversation."""
        request = self.request
        if not request.history or not followup.leans_back(request.question):
            return request.question
        if self.provider is not None:
            prompt = prompts.rewrite_prompt(request.question, request.history)
            rewritten = self._reworded(self.provider, prompt)
            if rewritten:
                return rewritten
        return followup.standalone(request.question, request.history)

    def _reworded(self, provider: Provider, prompt: Sequence[Message]) -> str:
        """The question in a model's words, or "" when it has none that are of use."""
        try:
            text = "".join(self._stream(provider, prompt, 120, "question", ()))
        except (ProviderError, EgressRefusedError):
            return ""  # the answer will meet the same failure and report it
        line = grounding.clean(text).strip('"“” \n')
        return line if line and "\n" not in line and len(line) < 400 else ""

    # --- writing ---

    def _write(self, provider: Provider, draft: _Draft) -> Iterator[AnswerEvent]:
        room = prompts.answer_room(
            self.request.question,
            self.request.history,
            context_tokens=provider.context_tokens,
            answer_tokens=provider.answer_tokens,
        )
        quoted = prompts.fit([quoted_passage(source) for source in draft.sources], room)
        shown = draft.sources[: len(quoted)]
        messages = prompts.answer_prompt(self.request.question, quoted, self.request.history)
        documents = [source.hit.document for source in shown]
        written = ""
        failure = ""
        try:
            stream = self._stream(provider, messages, provider.answer_tokens, "answer", documents)
            for text in _after_refusal(stream):
                written += text
                yield Token(text=safe_text(text))
        except (ProviderError, EgressRefusedError) as exc:
            failure = str(exc)
            yield Notice(text=failure)
        if not failure and not written.strip():
            yield self._not_found(draft, provider.name)
            return
        self.task.check()
        grounded = grounding.ground(written, shown, self.library, self.library.embed_passages)
        part = _Written(
            text=grounded.text, claims=grounded.claims, citations=grounded.citations, notes=grounded.notes
        )
        if failure:
            mark = "The answer above is cut off. " if grounded.claims else ""
            self.notes.append(
                f"{mark}{failure} Below are quotes." if mark else f"{failure} These are quotes."
            )
            name = f"{provider.name} (cut off)" if grounded.claims else extractive.NAME
            yield from self._finish_with_quotes(draft, part, name)
            return
        yield self._answer(part, draft, provider.name)

    def _finish_with_quotes(self, draft: _Draft, before: _Written, name: str) -> Iterator[AnswerEvent]:
        """The answer in quotes, below what a model has written before it failed."""
        first = max((citation.n for citation in before.citations), default=0) + 1
        quotes = quote_sentences(draft.ranked, draft.sources, self.library, first)
        if not quotes.claims and not before.claims:
            yield self._not_found(draft)
            return
        if before.text:
            yield Token(text="\n\n")
        yield Token(text=quotes.text)
        joined = _Written(
            text=f"{before.text}\n\n{quotes.text}".strip(),
            claims=before.claims + quotes.claims,
            citations=before.citations + quotes.citations,
            notes=before.notes,
        )
        yield self._answer(joined, draft, name)

    def _answer(self, written: _Written, draft: _Draft, generator: str) -> Answer:
        return Answer(
            question=self.request.question,
            status="answered",
            answer=written.text,
            generator=generator,
            took_ms=self._took_ms(),
            claims=written.claims,
            citations=freshness.checked(written.citations, self.library),
            coverage=draft.coverage,
            notes=(*self.notes, *written.notes),
        )

    def _not_found(self, draft: _Draft, generator: str = extractive.NAME) -> Answer:
        nearest = quote_sentences(draft.ranked, draft.sources, self.library, 1, near=99.0)
        return Answer(
            question=self.request.question,
            status="not_found",
            answer=NOT_FOUND_TEXT,
            generator=generator,
            took_ms=self._took_ms(),
            claims=(),
            citations=(),
            coverage=draft.coverage,
            nearest=freshness.checked(nearest.citations, self.library),
            notes=tuple(self.notes),
        )

    def _stream(
        self,
        provider: Provider,
        messages: Sequence[Message],
        max_tokens: int,
        purpose: str,
        documents: Sequence[str],
    ) -> Iterator[str]:
        """The model's text; each call that leaves the machine is logged."""

        def log(call: Call) -> None:
            if not provider.is_local:
                unique = list(dict.fromkeys(documents))
                self.library.log_egress(call.host, provider.name, purpose, call.bytes, unique, call.outcome)

        stream = provider.stream(
            messages,
            max_tokens=max_tokens,
            on_call=log,
            on_note=lambda text: self.task.emit(Notice(text=safe_text(text, 300, single_line=True))),
        )
        with self.task.on_cancel(stream.close), closing(stream):
            yield from stream
        self.task.check()

    def _took_ms(self) -> float:
        return round((time.perf_counter() - self.started) * 1000, 1)


def quoted_passage(source: Source) -> Quoted:
    """A passage as the model sees it."""
    hit = source.hit
    title = hit.title or hit.path.rsplit("/", 1)[-1]
    place = f"{title}, page {hit.page}" if hit.page else title
    return Quoted(number=source.passage.number, source=place, text=hit.text)


def quote_sentences(
    ranked: Sequence[Scored],
    sources: Sequence[Source],
    library: Library,
    first: int,
    *,
    near: float = extractive.NEAR_BEST,
) -> _Written:
    """The best sentences as quotes, numbered from `first`; what cannot be proven is left out."""
    claims: list[Claim] = []
    citations: list[Citation] = []
    for each in extractive.choose(ranked, near=near):
        source = sources[each.sentence.passage]
        start, end = extractive.span_to_quote(each.sentence, source)
        n = first + len(citations)
        citation = passages.cite(library, n, source.hit, start, end)
        if citation is not None:
            citations.append(citation)
            text = " ".join(citation.quote.split())
            claims.append(Claim(text=text, verdict="supported", citations=(n,)))
    text = " ".join(grounding.with_marks(claim.text, claim.citations) for claim in claims)
    return _Written(text=text, claims=tuple(claims), citations=tuple(citations))


def _after_refusal(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces, or none when they begin with the word for "not found"."""
    held = ""
    for piece in pieces:
        held += piece
        start = held.lstrip().upper()
        if prompts.NOT_FOUND.startswith(start[: len(prompts.NOT_FOUND)]):
            continue
        yield held
        held = ""
        yield from pieces
    if held and not held.lstrip().upper().startswith(prompts.NOT_FOUND):
        yield held
