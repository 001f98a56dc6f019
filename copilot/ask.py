"""Questions: find passages, decide whether they can hold an answer, have it written, prove every sentence.

Without a model, or when it fails, the answer is made of quotes. Nothing found: no model is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from copilot import (
    conflicts,
    evidence,
    exhaustive,
    followup,
    freshness,
    grounding,
    leaving,
    opinion,
    passages,
    prompts,
    quoting,
)
from copilot.background import Background, Task
from copilot.disclosure import Preview
from copilot.exhaustive import Table
from copilot.leaving import Door
from copilot.passages import Footing, Source, Term, Vectors
from copilot.providers import Message, Models, Provider, extractive
from copilot.providers.extractive import Scored
from copilot.quoting import Written
from copilot.types import (
    Answer,
    AnswerEvent,
    AskRequest,
    Checked,
    Citation,
    Conflict,
    Coverage,
    Notice,
    Retrieved,
    Token,
)
from indexer.errors import EgressRefusedError, ProviderError, UsageError
from indexer.library import Library
from indexer.text import safe_text

MAX_QUESTION = 2000
"""Characters of a question that are read."""

NOT_FOUND_TEXT = "Not in your documents."

_Disagreeing = tuple[tuple[Conflict, ...], tuple[Citation, ...]]
"""Where documents disagree, and the citations that only this needs."""


def ask(request: AskRequest, library: Library, models: Models) -> Background[AnswerEvent]:
    """Answer a question; the last event is the `Answer`. `close` cancels, from any thread.

    Raises:
        UsageError: the question is empty.
    """
    cut = _cut(request)
    return Background(lambda task: _Asking(cut, library, models, task).events())


def _cut(request: AskRequest) -> AskRequest:
    if not request.question.strip():
        raise UsageError(
            "The question is empty.", hint="Ask something, for example: when does the lease end?"
        )
    return replace(request, question=safe_text(request.question, MAX_QUESTION).strip())


def preview(request: AskRequest, library: Library, models: Models) -> Preview:
    """What a question would send to the language model; sends nothing.

    Raises:
        UsageError: the question is empty.
    """
    asking = _Asking(_cut(request), library, models, Task())
    asking.door.rehearse()
    for _ in asking.events():
        pass
    return asking.door.preview(asking.notes if asking.provider is None else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What has been found and chosen before anybody writes."""

    query: str
    """The question, so that it stands alone."""
    wanted: list[Term]
    sources: list[Source]
    coverage: Coverage
    ranked: list[Scored]
    likelihood: float
    footing: Footing


_TRANSLATED = (Footing.UNKNOWN, Footing.ACROSS)
"""Where a language model is asked for the question in English when little was found."""
_SPEAKS_ENGLISH = (
    'The embedding model knows English alone: ask in the words of the documents, set provider = "e5" under'
    " [embedding], or set a language model, which translates the question."
)
"""What is said beside a refusal where the embedding model hardly knows the question's language."""


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
        self.door = Door(library, self.provider, agreed=request.agreed)
        self.history = self.door.turns(request.history)

    def events(self) -> Iterator[AnswerEvent]:
        query = self._standalone()
        table = yield from self._survey(query)
        if table is not None and table.found:
            yield exhaustive.answer_of(table, self.request.question, self._took_ms())
            return
        draft = self._draft(query)
        if table is not None:
            yield self._none_found(table, draft)
            return
        limit = evidence.FOUND_WITH_MODEL if self.provider else evidence.FOUND
        if self.provider is not None and draft.likelihood < limit and draft.footing in _TRANSLATED:
            yield Notice(text="Looking in English, too.")
            translated = self._reworded(self.provider, prompts.translate_prompt(query))
            if translated:
                draft = max(draft, self._draft(translated), key=lambda each: each.likelihood)
        yield Retrieved(passages=tuple(source.passage for source in draft.sources), coverage=draft.coverage)
        if draft.likelihood < limit:
            yield self._not_found(draft)
            return
        if self.provider is None:
            yield from self._finish_with_quotes(draft, Written(text=""), extractive.NAME)
            return
        yield from self._write(self.provider, draft)

    # --- every document ---

    def _survey(self, query: str) -> Generator[AnswerEvent, None, Table | None]:
        """The table, when the question is about every document."""
        asked = exhaustive.inquiry_of(self.request, query)
        if asked is None:
            return None
        counted = passages.counted(self.library, self.request.scope, self.request.documents)
        yield Retrieved(passages=(), coverage=passages.covering(counted, 0))
        survey = exhaustive.Survey(self.request, asked, self.library, self.provider, self.door, self.task)
        return (yield from survey.events())

    def _none_found(self, table: Table, draft: _Draft) -> Answer:
        """The table where no document says anything, with the passages that come nearest."""
        answer = exhaustive.answer_of(table, self.request.question, self._took_ms())
        return replace(answer, nearest=self._nearest(draft))

    # --- finding ---

    def _draft(self, query: str) -> _Draft:
        request = self.request
        result = passages.retrieve(
            self.library,
            passages.plain_query(query),
            scope=passages.answerable(self.library, request.scope, request.documents),
            documents=request.documents,
            limit=request.passages,
        )
        self.task.check()
        old = passages.old_note(self.library, request.scope, request.documents)
        self.notes += [note for note in (*result.notes, old) if note and note not in self.notes]
        sources = passages.sources(result.hits)
        wanted = passages.terms(query, self.library)
        vector = self.library.embed_query(query)
        footing = passages.footing(query, result.hits, self.library)
        embed = self._embedding(sources)
        ranked = extractive.rank_sentences(query, wanted, sources, vector, embed, footing=footing)
        self.task.check()
        fit = evidence.weigh(wanted, sources, ranked, footing=footing)
        return _Draft(
            query=query,
            wanted=wanted,
            sources=sources,
            coverage=passages.coverage(self.library, request.scope, request.documents, result.hits),
            ranked=ranked,
            likelihood=evidence.likelihood(fit),
            footing=footing,
        )

    def _standalone(self) -> str:
        """The question so that it can be searched for without the conversation."""
        request = self.request
        if not self.history or not followup.leans_back(request.question):
            return request.question
        if self.provider is not None:
            prompt = prompts.rewrite_prompt(request.question, self.history)
            rewritten = self._reworded(self.provider, prompt)
            if rewritten:
                return rewritten
        return followup.standalone(request.question, self.history)

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
        permitted = self.door.permitted(draft.sources)
        draft = self._covered(draft)
        if not permitted:
            self.notes.append(leaving.explained(self.door.withheld))
            yield from self._finish_with_quotes(draft, Written(text=""), extractive.NAME)
            return
        room = prompts.answer_room(
            self.request.question,
            self.history,
            context_tokens=provider.context_tokens,
            answer_tokens=provider.answer_tokens,
        )
        said = [
            self.request.question,
            *(text for turn in self.history for text in (turn.question, turn.answer)),
        ]
        self.door.begin(permitted, *said)
        quoted = prompts.fit([self.door.quoted(source) for source in permitted], room)
        shown = permitted[: len(quoted)]
        messages = prompts.answer_prompt(self.request.question, quoted, self.history)
        documents = [source.hit.document for source in shown]
        draft = replace(draft, coverage=replace(draft.coverage, read=len(set(documents))))
        ledger = grounding.Ledger(shown, self.library, self._embedding(shown))
        harmless = grounding.Harmless()
        written = ""
        failure = ""
        try:
            stream = self._stream(provider, messages, provider.answer_tokens, "answer", documents)
            for text in _after_refusal(stream):
                written += text
                yield from _shown(harmless.add(text))
                checked = ledger.add(text)
                if checked:
                    yield Checked(claims=checked)
        except (ProviderError, EgressRefusedError) as exc:
            failure = str(exc)
        yield from _shown(harmless.rest())
        if failure:
            yield Notice(text=failure)
        if self.door.rehearsing and self._reads_again(provider):
            opinion.Reader(provider, self.door, self.task, shown, "answer").rehearse()
        if not failure and not written.strip():
            if self.door.withheld:  # what the model was not shown may hold the answer
                self.notes.append(leaving.explained(self.door.withheld))
                yield from self._finish_with_quotes(draft, Written(text=""), extractive.NAME)
                return
            yield self._not_found(draft, provider.name)
            return
        self.task.check()
        grounded = ledger.finish()
        part = Written(
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
        if self._reads_again(provider):
            reader = opinion.Reader(provider, self.door, self.task, shown, "answer")
            claims, line = yield from reader.read(part.claims, part.citations)
            part = replace(part, claims=claims, notes=(*part.notes, line) if line else part.notes)
        yield self._answer(part, draft, provider.name, self._conflicts(part.citations, draft))

    def _reads_again(self, provider: Provider) -> bool:
        return opinion.is_wanted(self.library.config.language_model, provider)

    def _finish_with_quotes(self, draft: _Draft, before: Written, name: str) -> Iterator[AnswerEvent]:
        """The answer in quotes, below what a model has written before it failed."""
        first = max((citation.n for citation in before.citations), default=0) + 1
        verdict, ranked = quoting.decided(draft.query, draft.wanted, draft.ranked)
        quotes = quoting.quote_sentences(ranked, draft.sources, self.library, first)
        if not quotes.claims and not before.claims:
            yield self._not_found(draft)
            return
        citations = before.citations + quotes.citations
        conflicts = self._conflicts(citations, draft)
        verdict = quoting.undisputed(verdict, quotes.citations, conflicts[0])
        if before.text:
            yield Token(text="\n\n")
        said = f"{verdict.sentence} {quotes.text}".strip()
        yield Token(text=said)
        joined = Written(
            text=f"{before.text}\n\n{said}".strip(),
            verdict=verdict if quotes.claims else quoting.UNDECIDED,
            claims=before.claims + quotes.claims,
            citations=citations,
            notes=before.notes,
        )
        yield self._answer(joined, draft, name, conflicts)

    def _answer(self, written: Written, draft: _Draft, generator: str, conflicts: _Disagreeing) -> Answer:
        found, besides = conflicts
        return Answer(
            question=self.request.question,
            status="answered",
            answer=written.text,
            generator=generator,
            took_ms=self._took_ms(),
            claims=written.claims,
            citations=freshness.checked([*written.citations, *besides], self.library),
            coverage=draft.coverage,
            notes=(*self.notes, *written.notes),
            confidence=round(draft.likelihood, 3),
            conflicts=found,
            decision=written.verdict.decision,
            label=written.verdict.label,
        )

    def _conflicts(self, citations: Sequence[Citation], draft: _Draft) -> _Disagreeing:
        """Where documents disagree about what is cited, and the citations of those not cited so far."""
        comparison = conflicts.Comparison(
            self.library,
            self.request.question,
            draft.sources,
            # An older version is left out of answers, but not of what contradicts them.
            scope=passages.answerable(self.library, self.request.scope, old=True),
            documents=self.request.documents,
        )
        return comparison.find(citations)

    def _not_found(self, draft: _Draft, generator: str = extractive.NAME) -> Answer:
        return Answer(
            question=self.request.question,
            status="not_found",
            answer=NOT_FOUND_TEXT,
            generator=generator,
            took_ms=self._took_ms(),
            claims=(),
            citations=(),
            coverage=draft.coverage,
            nearest=self._nearest(draft),
            notes=(
                *self.notes,
                *([_SPEAKS_ENGLISH] if draft.footing is Footing.UNKNOWN and self.provider is None else []),
            ),
            confidence=round(draft.likelihood, 3),
        )

    def _nearest(self, draft: _Draft) -> tuple[Citation, ...]:
        """The best sentences, however little they say."""
        quotes = quoting.quote_sentences(draft.ranked, draft.sources, self.library, 1, near=99.0)
        return freshness.checked(quotes.citations, self.library)

    def _covered(self, draft: _Draft) -> _Draft:
        """The draft with what is kept from the model in its coverage."""
        return replace(draft, coverage=replace(draft.coverage, withheld=self.door.withheld))

    def _embedding(self, sources: Sequence[Source]) -> Callable[[Sequence[str]], Vectors | None]:
        """What embeds texts of these passages, as far as they may go to the embedding model."""
        documents = list(dict.fromkeys(source.hit.document for source in sources))
        return lambda texts: self.library.embed_passages(texts, documents)

    def _stream(
        self,
        provider: Provider,
        messages: Sequence[Message],
        max_tokens: int,
        purpose: str,
        documents: Sequence[str],
    ) -> Iterator[str]:
        """The model's text; each call that leaves the machine is logged."""
        yield from self.door.stream(
            messages, max_tokens=max_tokens, purpose=purpose, documents=documents, task=self.task
        )

    def _took_ms(self) -> float:
        return round((time.perf_counter() - self.started) * 1000, 1)


def _shown(text: str) -> Iterator[Token]:
    if text:
        yield Token(text=text)


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
