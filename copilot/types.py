"""The types of answers and summaries, and the one interface every client of a library uses.

Imports the standard library and light modules of `indexer` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from copilot.dataset import ExportEvent, ExportRequest
from copilot.disclosure import Preview, PrivacyStatus, SentCall, Withheld
from copilot.retrieval import RetrievalProgress, RetrievalReport, RetrievalRequest
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
from indexer.organize.request import OrganizeRequest, Proposal
from indexer.related import CopyReport, Difference
from indexer.text import safe_text
from indexer.types import (
    Check,
    DocumentDetails,
    FileList,
    FileRow,
    Hit,
    LibraryStatus,
    Progress,
    Root,
    SearchRequest,
    SearchResult,
    TextWindow,
    UnreadFile,
)

Verdict = Literal["supported", "partly", "unsupported", "contradicted"]
Opinion = Literal["", "agrees", "partly", "no", "opposite"]
"""How a language model reads a sentence that the check let pass; "" when it was not asked, or of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A hit as a language model sees it: numbered, delimited, quoted data."""

    number: int
    """1-based; what `[n]` in an answer refers to."""
    hit: Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewording:
    """Words of an older version and what stands in their place; either may be empty."""

    old: str
    new: str

    def text(self, width: int) -> str:
        """Both in a line, each at most `width` long."""
        old, new = (safe_text(each, width, single_line=True) for each in (self.old, self.new))
        if not new:
            return f'"{old}" is gone'
        return f'"{old}" is now "{new}"' if old else f'"{new}" is new'


@dataclass(frozen=True, slots=True, kw_only=True)
class Newer:
    """The place of a cited passage in the newest version of its document."""

    path: str
    document: str
    page: int | None
    start: int
    end: int
    """Where the passage or what replaced it stands in the newer text; the same as `start` when it is gone."""
    changes: tuple[Rewording, ...]
    text: str
    """One line for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """An exact quote: `quote` is `text[start:end]` of the document."""

    n: int
    path: str
    title: str
    document: str
    page: int | None
    start: int
    end: int
    quote: str
    note: str = ""
    """Said beside it, for example that the file has changed since."""
    newer: Newer | None = None
    """When it is of an older version: what the newest one says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of an answer with the citations it stands on."""

    text: str
    verdict: Verdict
    citations: tuple[int, ...]
    reason: str = ""
    """One line: why the verdict is not "supported"."""
    quote: str = ""
    """The sentence that comes nearest to it, as it stands in the document, white space joined."""
    second_opinion: Opinion = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What an answer could and could not draw on."""

    in_scope: int
    read: int
    """Documents whose passages were read for this answer."""
    unread: tuple[UnreadFile, ...]
    """With the reason and what mends it; of those still waiting at most fifty are named."""
    waiting: int = 0
    """Files in scope that are new or have changed and are still to be read."""
    withheld: tuple[Withheld, ...] = ()
    """Documents that would have been read by the model, but do not leave this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An earlier question of the same conversation with its answer."""

    question: str
    answer: str
    documents: tuple[str, ...] = ()
    """What the answer is from (`sha256:…`). Not named: the answer goes to no model elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRequest:
    """A question as every client asks it."""

    question: str
    scope: str = ""
    documents: tuple[str, ...] = ()
    use_llm: bool = True
    history: tuple[Turn, ...] = ()
    passages: int = 8
    """Passages given to the model."""
    exhaustive: bool | None = None
    """Go over every document in scope; None: when the question is of that kind."""
    consent: Literal["", "yes", "no"] = ""
    """To a cost above the limit: "" asks for it (ConsentNeededError), "no" answers without the model."""
    conversation: str = ""
    """Conversation this belongs to, as `Answer.conversation` told it; "" begins another."""
    remember: bool = True
    """Keep question and answer in the history."""
    agreed: bool = False
    """The person agrees, for this question, that documents under the policy "ask" go to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictRow:
    """What one document says where others say something else."""

    value: str
    citation: int
    path: str
    page: int | None
    date: str
    """ISO date of the document: its own when it tells one, else of the last change of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Passages that say nearly the same with different values."""

    about: str
    """The newest sentence with "…" where the values differ."""
    rows: tuple[ConflictRow, ...]
    """Newest document first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value found in a document; "" where the document only mentions what was asked about."""

    value: str
    citation: int
    verdict: Verdict = "supported"
    reason: str = ""
    quote: str = ""
    """As in a `Claim`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A row of the table of a counted answer: what one document says."""

    document: str
    path: str
    title: str
    date: str
    """As in `ConflictRow`."""
    found: bool
    cells: tuple[Cell, ...] = ()
    note: str = ""
    """For example that the model found nothing where the words are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with its proof."""

    question: str
    status: Literal["answered", "not_found"]
    answer: str
    generator: str
    """"extractive" or the model's name."""
    took_ms: float
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    coverage: Coverage
    nearest: tuple[Citation, ...] = ()
    """The nearest passages when nothing was found."""
    notes: tuple[str, ...] = ()
    """Said to the person: the model failed, a citation was dropped."""
    conflicts: tuple[Conflict, ...] = ()
    """Where documents disagree on a value that the answer names."""
    findings: tuple[Finding, ...] = ()
    """One row for each document read, when every document in scope was read for the answer."""
    conversation: str = ""
    turn: int = 0
    """Id in the history, for feedback; 0 when it was not kept."""
    confidence: float | None = None
    """How likely it is that the passages hold an answer, 0 to 1; None where that is not measured."""
    decision: Literal["yes", "no", ""] = ""
    """What the first quote says to a question that wants "yes" or "no"; "" when that is not plain."""
    label: str = ""
    """Its word in the language of the question, which stands before the quotes in `answer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarizeRequest:
    """What to summarise: paths, a query, or both."""

    paths: tuple[str, ...] = ()
    scope: str = ""
    use_llm: bool = True
    sentences: int = 7
    agreed: bool = False
    """As in `AskRequest`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySentence:
    """A sentence of a summary with its citations."""

    text: str
    citations: tuple[int, ...]
    verdict: Verdict = "supported"
    reason: str = ""
    quote: str = ""
    second_opinion: Opinion = ""
    """As in a `Claim`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A summary, every sentence traced to its source."""

    target: str
    summary: str
    generator: str
    took_ms: float
    sentences: tuple[SummarySentence, ...]
    citations: tuple[Citation, ...]
    coverage: Coverage
    notes: tuple[str, ...] = ()
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Event: the passages an answer will be written from."""

    passages: tuple[Passage, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Event: a piece of the answer as it is written."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Event: what came of checking the sentences written so far, all of them, in order.

    The last word is the answer's or the summary's: later sentences may move the numbers of citations.
    """

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Event: something to say while waiting ("reading part 2 of 5", "server busy, again in 3 s")."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Event: what going over every document will take, before a model is asked."""

    documents: int
    calls: int
    tokens: int
    """About; prompts and answers together."""
    kept: int
    """Documents whose finding is there from before and costs nothing."""
    model: str
    host: str
    """Where text goes; "" when it stays on this machine."""


AnswerEvent = Retrieved | Token | Checked | Notice | Cost | Answer
SummaryEvent = Token | Checked | Notice | Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """Which language model is in use and where text would go."""

    name: str
    """Model name; "" means quotes only."""
    host: str
    """Host that text goes to; "" when it stays in this process."""
    local: bool
    note: str
    """What is missing or refused, with the remedy; "" when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """The process that serves."""

    pid: int
    version: str
    uptime_s: float
    rss_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything `quire status` tells."""

    library: LibraryStatus
    engine: EngineStatus | None
    """None when the library is open in this very process."""
    language_model: ModelStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """A conversation as the list of the history shows it."""

    id: str
    started: str
    """ISO date and time, local."""
    question: str
    """The first one, or the one that matches."""
    turns: int
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTurn:
    """A question of the history with its answer; the answer's citations are checked against the files."""

    id: int
    asked: str
    """ISO date and time, local."""
    answer: Answer
    verdict: int = 0
    """+1 it helped, -1 it was wrong, 0 not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Questions and answers that belong together, in order."""

    id: str
    scope: str
    documents: tuple[str, ...]
    turns: tuple[KeptTurn, ...]


class Session(Protocol):
    """An open library: in this process (`copilot.session.LocalSession`) or over the engine's socket.

    Every method blocks and may be called from several threads at once. Closing an iterator cancels
    the work behind it.
    """

    def close(self) -> None:
        """Let go of the library; work in an engine goes on."""

    def add_root(self, path: str) -> Root:
        """Watch a folder or file from now on. Raises UsageError when it does not exist."""

    def remove_root(self, path: str) -> Root:
        """Stop watching it and forget its documents; the files are not touched."""

    def sync(
        self, paths: Sequence[str] = (), *, keyword_only: bool = False, ocr: bool = False
    ) -> Iterator[Progress]:
        """Bring the library up to date; ends when everything is searchable (by meaning, too).

        With `ocr` it waits until the pages that wait for OCR are read, too.
        """

    def progress(self) -> Progress:
        """What is being done now."""

    def events(self) -> Iterator[Progress]:
        """Progress whenever it changes, at most four times a second, until closed."""

    def search(self, request: SearchRequest) -> SearchResult:
        """Search."""

    def ask(self, request: AskRequest) -> Iterator[AnswerEvent]:
        """Answer a question; the last event is the `Answer`."""

    def summarize(self, request: SummarizeRequest) -> Iterator[SummaryEvent]:
        """Summarise; the last event is the `Summary`."""

    def history(self, query: str = "", *, limit: int = 50) -> tuple[ConversationRow, ...]:
        """Conversations that hold all words of the query, newest first."""

    def conversation(self, id: str) -> Conversation:
        """A conversation; "" the newest. Raises NotFoundError."""

    def forget(self, id: str = "") -> int:
        """Take a conversation out of the history ("" all of them); returns how many."""

    def judge(self, turn: int, verdict: int) -> None:
        """Keep whether an answer helped (+1) or was wrong (-1); 0 takes it back. Raises NotFoundError."""

    def preview(self, request: AskRequest) -> Preview:
        """What a question would send to the language model; sends nothing."""

    def preview_summary(self, request: SummarizeRequest) -> Preview:
        """What a summary would send; of a long text the first part."""

    def privacy(self, path: str = "") -> PrivacyStatus:
        """Where text may go, and the policy of a path ("": of all folders)."""

    def sent(self, query: str = "", *, limit: int = 100) -> tuple[SentCall, ...]:
        """What went to models on other machines, newest first: entries that hold all words of the query."""

    def export(self, request: ExportRequest) -> Iterator[ExportEvent]:
        """Write a data set to train or to evaluate with; the last event is `Exported`."""

    def opened(self, query: str, document: str) -> None:
        """Keep that a document was opened after a search, unless no history is kept."""

    def check_retrieval(self, request: RetrievalRequest) -> Iterator[RetrievalProgress | RetrievalReport]:
        """Measure how well known documents are found; the last event is the `RetrievalReport`."""

    def details(self, target: str) -> DocumentDetails:
        """What is known of a path or `sha256:…`. Raises NotFoundError."""

    def text(self, document: str, start: int, end: int, *, query: str = "") -> TextWindow:
        """A part of a document's text, with the spans in it that match the query."""

    def files(
        self, *, group: str = "all", query: str = "", sort: str = "name", offset: int = 0, limit: int = 200
    ) -> FileList:
        """A window of the list of files. Sorts: name, new, old, size, state."""

    def find_names(self, pattern: str, *, limit: int = 50) -> tuple[FileRow, ...]:
        """Files by name, in fzf's syntax, best first."""

    def duplicates(
        self, *, limit: int = 200, differences: bool = False, query: str = "", path: str = ""
    ) -> CopyReport:
        """Copies, near-copies and versions, of files that a query means or of one path if it is given."""

    def diff(self, a: str, b: str, *, context: int = 40) -> Difference:
        """What differs between two documents, word by word. Raises NotFoundError."""

    def organize(self, request: OrganizeRequest) -> Proposal:
        """What could be put in order; nothing is changed. Raises UsageError for a bad template."""

    def quality(self, query: str = "", *, limit: int = 50) -> QualityReport:
        """The quality of all files, or of those a query means: by folder, type and month, worst first."""

    def overview(self, query: str = "") -> Overview:
        """All files, or those a query means, in numbers."""

    def decodings(self, target: str) -> tuple[Decoding, ...]:
        """A text file in the encodings that make sense, the likeliest first. Raises UsageError."""

    def decode(self, target: str, encoding: str) -> DocumentDetails:
        """Read a text file in this encoding from now on ("auto": as found). Raises UsageError."""

    def labels(self, target: str) -> Labels:
        """What people put on a path or `sha256:…`, and what rules add. Raises NotFoundError."""

    def label(self, change: LabelChange) -> Labelled:
        """Change labels of all documents named. Raises NotFoundError, UsageError."""

    def undo_label(self) -> str:
        """Take the last change of labels back; returns what it was. Raises NotFoundError."""

    def labelling(self) -> Labelling:
        """Every tag, collection, field and rule there is."""

    def suggest_tags(
        self, targets: Sequence[str] = (), query: str = "", *, at_least: float = 0.0, limit: int = 200
    ) -> tuple[Suggestion, ...]:
        """Tags that documents like these have; without targets and query, of all untagged ones."""

    def save_rule(self, query: str, gives: str) -> Rule:
        """Let a query give a tag, or `NAME=VALUE`, to all it finds from now on. Raises UsageError."""

    def remove_rule(self, rule: int) -> None:
        """Forget a rule and what it gave. Raises NotFoundError."""

    def save_collection(self, name: str, query: str) -> Collection:
        """Keep a search under a name, in place of one of the same name. Raises UsageError."""

    def remove_collection(self, name: str) -> None:
        """Forget a collection; its documents are not touched. Raises NotFoundError."""

    def export_labels(self) -> str:
        """All labels as the text of a plain file."""

    def import_labels(self, text: str) -> Imported:
        """Add what an exported text holds; what is here already stays. Raises UsageError."""

    def stale(self, since: str = "2y", *, limit: int = 200) -> Stale:
        """What is out of date: untouched, past its review, contradicted. Raises UsageError."""

    def retry(self, paths: Sequence[str] = ()) -> int:
        """Read failed files again (all of them when none is named); returns how many."""

    def ocr(
        self, paths: Sequence[str] = (), *, engine: str = "", language: str = "", again: bool = False
    ) -> int:
        """Have pages without text recognised now, of all files when none is named; returns how many.

        Raises OcrMissingError.
        """

    def ocr_cancel(self) -> int:
        """Stop that; returns how many pages stay unread until they are asked for."""

    def status(self) -> Status:
        """Counts, failures, models, engine."""

    def doctor(self) -> tuple[Check, ...]:
        """Compare the stores with each other and check the surroundings."""
