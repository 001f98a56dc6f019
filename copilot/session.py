"""A library opened in this process, with the copilot on top: the whole of `copilot.types.Session`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copilot import providers
from copilot.dataset import ExportEvent, ExportRequest
from copilot.disclosure import Preview, PrivacyStatus, SentCall
from copilot.history import History, Kept
from copilot.retrieval import RetrievalProgress, RetrievalReport, RetrievalRequest
from copilot.types import (
    AnswerEvent,
    AskRequest,
    Conversation,
    ConversationRow,
    Status,
    SummarizeRequest,
    SummaryEvent,
)
from indexer.findings import Decoding, Overview, QualityReport
from indexer.labelled import (
    Collection,
    Imported,
    LabelChange,
    Labelled,
    Labelling,
    Labels,
    Rule,
    Stale,
    Suggestion,
)
from indexer.library import Library
from indexer.organize.request import OrganizeRequest, Proposal
from indexer.related import CopyReport, Difference
from indexer.types import (
    Check,
    DocumentDetails,
    FileList,
    FileRow,
    Progress,
    Root,
    SearchRequest,
    SearchResult,
    TextWindow,
)


class LocalSession:
    """Everything a client may ask of a library, answered here.

    Takes the library over: `close` closes it.
    """

    def __init__(self, library: Library, *, models: providers.Models | None = None) -> None:
        self.library = library
        self._models = models or providers.Models(library.config)
        self._history = History(library)

    def close(self) -> None:
        """Close the library."""
        self._history.close()
        self.library.close()

    def add_root(self, path: str) -> Root:
        """Watch a folder or file from now on. Raises UsageError when it does not exist."""
        return self.library.add_root(path)

    def remove_root(self, path: str) -> Root:
        """Stop watching it and forget its documents; the files are not touched."""
        return self.library.remove_root(path)

    def sync(
        self, paths: Sequence[str] = (), *, keyword_only: bool = False, ocr: bool = False
    ) -> Iterator[Progress]:
        """Bring the library up to date; ends when everything is searchable."""
        return self.library.sync(paths, keyword_only=keyword_only, ocr=ocr)

    def progress(self) -> Progress:
        """What is being done now."""
        return self.library.progress()

    def events(self) -> Iterator[Progress]:
        """Progress whenever it changes, until closed."""
        return self.library.events()

    def search(self, request: SearchRequest) -> SearchResult:
        """Search."""
        return self.library.search(request)

    def ask(self, request: AskRequest) -> Iterator[AnswerEvent]:
        """Answer a question; the last event is the `Answer`. Closing the iterator cancels.

        Raises:
            UsageError: the question is empty.
        """
        from copilot import ask  # on first use: a cold engine searches before it answers

        request = self._history.with_turns(request)
        return Kept(ask.ask(request, self.library, self._models), request, self._history)

    def summarize(self, request: SummarizeRequest) -> Iterator[SummaryEvent]:
        """Summarise; the last event is the `Summary`. Closing the iterator cancels.

        Raises:
            UsageError: nothing is named.
            NotFoundError: a path is not in the library.
        """
        from copilot import summarize

        return summarize.summarize(request, self.library, self._models)

    def history(self, query: str = "", *, limit: int = 50) -> tuple[ConversationRow, ...]:
        """Conversations that hold all words of the query, newest first."""
        return self._history.find(query, limit)

    def conversation(self, id: str) -> Conversation:
        """A conversation; "" the newest. Raises NotFoundError."""
        return self._history.conversation(id)

    def forget(self, id: str = "") -> int:
        """Take a conversation out of the history ("" all of them); returns how many."""
        return self._history.forget(id)

    def judge(self, turn: int, verdict: int) -> None:
        """Keep whether an answer helped (+1) or was wrong (-1); 0 takes it back. Raises NotFoundError."""
        self._history.judge(turn, verdict)

    def preview(self, request: AskRequest) -> Preview:
        """What a question would send to the language model; sends nothing."""
        from copilot import ask

        return ask.preview(self._history.with_turns(request), self.library, self._models)

    def preview_summary(self, request: SummarizeRequest) -> Preview:
        """What a summary would send; of a long text the first part."""
        from copilot import summarize

        return summarize.preview(request, self.library, self._models)

    def privacy(self, path: str = "") -> PrivacyStatus:
        """Where text may go, and the policy of a path ("": of all folders)."""
        from copilot import privacy

        return privacy.status(self.library, self._models.status(), path)

    def sent(self, query: str = "", *, limit: int = 100) -> tuple[SentCall, ...]:
        """What went to models on other machines, newest first: entries that hold all words of the query."""
        from copilot import privacy

        return privacy.sent(self.library, query, limit)

    def export(self, request: ExportRequest) -> Iterator[ExportEvent]:
        """Write a data set; the last event is `Exported`. Closing the iterator cancels.

        Raises:
            UsageError: the folder cannot be written, or there is no language model to generate with.
        """
        from copilot.export import run

        return run.export(request, self.library, self._models, self._history.scope_of)

    def opened(self, query: str, document: str) -> None:
        """Keep that a document was opened after a search, unless no history is kept."""
        self._history.note_opened(query, document)

    def check_retrieval(self, request: RetrievalRequest) -> Iterator[RetrievalProgress | RetrievalReport]:
        """Measure how well known documents are found; closing the iterator cancels."""
        from copilot import selfcheck

        return selfcheck.check(request, self.library, self._history.opened)

    def details(self, target: str) -> DocumentDetails:
        """What is known of a path or `sha256:…`. Raises NotFoundError."""
        return self.library.details(target)

    def text(self, document: str, start: int, end: int, *, query: str = "") -> TextWindow:
        """A part of a document's text, with the spans in it that match the query."""
        return self.library.text(document, start, end, query=query)

    def files(
        self, *, group: str = "all", query: str = "", sort: str = "name", offset: int = 0, limit: int = 200
    ) -> FileList:
        """A window of the list of files."""
        return self.library.files(group=group, query=query, sort=sort, offset=offset, limit=limit)

    def find_names(self, pattern: str, *, limit: int = 50) -> tuple[FileRow, ...]:
        """Files by name, in fzf's syntax, best first."""
        return self.library.find_names(pattern, limit=limit)

    def duplicates(
        self, *, limit: int = 200, differences: bool = False, query: str = "", path: str = ""
    ) -> CopyReport:
        """Copies, near-copies and versions, of files that a query means or of one path if it is given."""
        return self.library.duplicates(limit=limit, differences=differences, query=query, path=path)

    def diff(self, a: str, b: str, *, context: int = 40) -> Difference:
        """What differs between two documents, word by word. Raises NotFoundError."""
        return self.library.diff(a, b, context=context)

    def organize(self, request: OrganizeRequest) -> Proposal:
        """What could be put in order; nothing is changed. Raises UsageError for a bad template."""
        return self.library.organize(request)

    def quality(self, query: str = "", *, limit: int = 50) -> QualityReport:
        """The quality of all files, or of those a query means: by folder, type and month, worst first."""
        return self.library.quality(query, limit=limit)

    def overview(self, query: str = "") -> Overview:
        """All files, or those a query means, in numbers."""
        return self.library.overview(query)

    def decodings(self, target: str) -> tuple[Decoding, ...]:
        """A text file in the encodings that make sense, the likeliest first. Raises UsageError."""
        return self.library.decodings(target)

    def decode(self, target: str, encoding: str) -> DocumentDetails:
        """Read a text file in this encoding from now on ("auto": as found). Raises UsageError."""
        return self.library.decode(target, encoding)

    def labels(self, target: str) -> Labels:
        """What people put on a path or `sha256:…`, and what rules add. Raises NotFoundError."""
        return self.library.labels.labels(target)

    def label(self, change: LabelChange) -> Labelled:
        """Change labels of all documents named. Raises NotFoundError, UsageError."""
        return self.library.labels.change(change)

    def undo_label(self) -> str:
        """Take the last change of labels back; returns what it was. Raises NotFoundError."""
        return self.library.labels.undo()

    def labelling(self) -> Labelling:
        """Every tag, collection, field and rule there is."""
        return self.library.labels.labelling()

    def suggest_tags(
        self, targets: Sequence[str] = (), query: str = "", *, at_least: float = 0.0, limit: int = 200
    ) -> tuple[Suggestion, ...]:
        """Tags that documents like these have; without targets and query, of all untagged ones."""
        return self.library.labels.suggest(targets, query, at_least=at_least, limit=limit)

    def save_rule(self, query: str, gives: str) -> Rule:
        """Let a query give a tag, or `NAME=VALUE`, to all it finds from now on. Raises UsageError."""
        return self.library.labels.save_rule(query, gives)

    def remove_rule(self, rule: int) -> None:
        """Forget a rule and what it gave. Raises NotFoundError."""
        self.library.labels.remove_rule(rule)

    def save_collection(self, name: str, query: str) -> Collection:
        """Keep a search under a name, in place of one of the same name. Raises UsageError."""
        return self.library.labels.save_collection(name, query)

    def remove_collection(self, name: str) -> None:
        """Forget a collection; its documents are not touched. Raises NotFoundError."""
        self.library.labels.remove_collection(name)

    def export_labels(self) -> str:
        """All labels as the text of a plain file."""
        return self.library.labels.export()

    def import_labels(self, text: str) -> Imported:
        """Add what an exported text holds; what is here already stays. Raises UsageError."""
        return self.library.labels.take_in(text)

    def stale(self, since: str = "2y", *, limit: int = 200) -> Stale:
        """What is out of date: untouched, past its review, contradicted. Raises UsageError."""
        from copilot import stale

        return stale.stale(self.library, since, limit=limit)

    def ocr(
        self, paths: Sequence[str] = (), *, engine: str = "", language: str = "", again: bool = False
    ) -> int:
        """Have pages without text recognised now; returns how many."""
        return self.library.recognition.ask(paths, engine=engine, language=language, again=again)

    def ocr_cancel(self) -> int:
        """Stop that; returns how many pages stay unread."""
        return self.library.recognition.cancel()

    def retry(self, paths: Sequence[str] = ()) -> int:
        """Read failed files again (all of them when none is named); returns how many."""
        return self.library.retry(paths)

    def status(self) -> Status:
        """Counts and models; the engine adds itself."""
        return Status(library=self.library.status(), engine=None, language_model=self._models.status())

    def doctor(self) -> tuple[Check, ...]:
        """Compare the stores with each other and check the surroundings."""
        return self.library.doctor()
