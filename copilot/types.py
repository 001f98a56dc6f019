"""The types of answers and summaries, and the one interface every client of a library uses.

Imports the standard library and `indexer.types` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A hit as a language model sees it: numbered, delimited, quoted data."""

    number: int
    """1-based; what `[n]` in an answer refers to."""
    hit: Hit


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of an answer with the citations it stands on."""

    text: str
    verdict: Verdict
    citations: tuple[int, ...]
    reason: str = ""
    """One line: why the verdict is not "supported"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What an answer could and could not draw on."""

    in_scope: int
    read: int
    """Documents whose passages were read for this answer."""
    unread: tuple[UnreadFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An earlier question of the same conversation with its answer."""

    question: str
    answer: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarizeRequest:
    """What to summarise: paths, a query, or both."""

    paths: tuple[str, ...] = ()
    scope: str = ""
    use_llm: bool = True
    sentences: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySentence:
    """A sentence of a summary with its citations."""

    text: str
    citations: tuple[int, ...]
    verdict: Verdict = "supported"
    reason: str = ""


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
class Notice:
    """Event: something to say while waiting ("reading part 2 of 5", "server busy, again in 3 s")."""

    text: str


AnswerEvent = Retrieved | Token | Notice | Answer
SummaryEvent = Token | Notice | Summary


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

    def sync(self, paths: Sequence[str] = (), *, keyword_only: bool = False) -> Iterator[Progress]:
        """Bring the library up to date; ends when everything is searchable (by meaning, too)."""

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

    def retry(self, paths: Sequence[str] = ()) -> int:
        """Read failed files again (all of them when none is named); returns how many."""

    def status(self) -> Status:
        """Counts, failures, models, engine."""

    def doctor(self) -> tuple[Check, ...]:
        """Compare the stores with each other and check the surroundings."""
