"""A session made of frozen data: the interface's tests look at screens, not at an engine."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from copilot.dataset import Exported, ExportEvent, ExportRequest
from copilot.disclosure import ModelPlace, PlannedCall, Preview, PrivacyStatus, SentCall, Withheld
from copilot.retrieval import RetrievalProgress, RetrievalReport, RetrievalRequest
from copilot.types import (
    Answer,
    AnswerEvent,
    AskRequest,
    Checked,
    Citation,
    Claim,
    Conversation,
    ConversationRow,
    Coverage,
    EngineStatus,
    ModelStatus,
    Notice,
    Passage,
    Retrieved,
    Status,
    SummarizeRequest,
    Summary,
    SummaryEvent,
    SummarySentence,
    Token,
)
from indexer.errors import AppError, NotFoundError
from indexer.findings import Decoding, Overview, QualityReport
from indexer.organize.request import OrganizeRequest, Proposal
from indexer.related import CopyReport, Difference
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
from tests.tui import kin
from tests.tui.labelling import ScriptedLabels

NO_QUALITY = QualityReport(
    files=0,
    measured=0,
    score=None,
    poor_below=50,
    poor=0,
    reasons=(),
    folders=(),
    types=(),
    months=(),
    worst=(),
)
DAY_NS = 86_400 * 10**9
EPOCH_NS = 1_759_579_200 * 10**9
"""2025-10-04 12:00 UTC."""
ROOT = "/home/anna/papers"

BUDGET = (
    "Q3 budget review\n\n"
    "The quarterly budget was approved by the board on 2 October. Marketing keeps its share, while the "
    "travel line is cut by a fifth. The next review is planned for January, when the figures of the "
    "fourth quarter are known.\n\n"
    "Travel\n\n"
    "Flights inside the country are replaced by trains wherever the journey takes less than six hours. "
    "The travel budget falls from 40,000 to 32,000.\n\n"
    "Marketing\n\n"
    "Marketing keeps its budget of 25,000. Two campaigns are planned, one of them in spring.\n"
)

MINUTES = "Minutes\n\nThe budget carried over to the next quarter.\n"

DOCUMENTS: tuple[tuple[str, str, str, int, int, str], ...] = (
    # path, kind, format, pages, page of the hit, text
    ("finance/2025/Q3 budget review.pdf", "pdf", "pdf", 48, 12, BUDGET),
    (
        "board/Minutes 2025-10-02.docx",
        "doc",
        "docx",
        3,
        3,
        "Minutes\n\nThe budget carried over to the next quarter.\n",
    ),
    (
        "legal/vendor-contract.pdf",
        "pdf",
        "pdf",
        9,
        4,
        "Payment within 30 days of the quarterly invoice and budget.\n",
    ),
    ("mail/Re: money for spring.eml", "mail", "eml", 0, 0, "Attached is the plan for next year.\n"),
    ("slides/Budget 2026.pptx", "slides", "pptx", 14, 2, "Budget at a glance: 97,000 in all.\n"),
    ("zh/季度预算.md", "text", "markdown", 0, 0, "季度预算已获董事会批准。差旅费削减五分之一。\n"),
    ("notes/ideas.md", "text", "markdown", 0, 0, "A budget for the garden: seeds, tools, a bench.\n"),
    ("sheets/cash-flow.xlsx", "sheet", "xlsx", 6, 1, "Month | Income | Budget\nJanuary | 8,200 | 8,000\n"),
)
FAILED = (
    UnreadFile(path=f"{ROOT}/scans/scan-0031.pdf", reason="The pages are pictures.", hint="Run OCR over it."),
    UnreadFile(path=f"{ROOT}/sales/offer.pdf", reason="It is encrypted.", hint="Save it without a password."),
)


def document_id(path: str) -> str:
    return f"sha256:{path}"


def spans_of(text: str, query: str) -> tuple[tuple[int, int], ...]:
    words = re.findall(r"\w{2,}", query.casefold())
    found = [m.span() for word in words for m in re.finditer(re.escape(word), text.casefold())]
    return tuple(sorted(set(found)))


def make_hit(rank: int, document: tuple[str, str, str, int, int, str], query: str) -> Hit:
    path, kind, format, pages, page, text = document
    spans = spans_of(text, query)
    at = spans[0][0] if spans else 0
    start = text.rfind("\n", 0, at) + 1
    stop = text.find("\n", at)
    snippet = text[start : stop if stop > 0 else len(text)]
    return Hit(
        rank=rank,
        score=1.0 / rank,
        path=f"{ROOT}/{path}",
        paths=(f"{ROOT}/{path}",) if "contract" not in path else (f"{ROOT}/{path}", f"{ROOT}/old/{path}"),
        title="",
        document=document_id(f"{ROOT}/{path}"),
        chunk=rank,
        page=page or None,
        heading="",
        start=start,
        end=start + len(snippet),
        snippet=snippet,
        highlights=spans_of(snippet, query),
        matched_by=("keyword",) if spans else ("semantic",),
        scores={},
        ranks={},
        kind=kind,
        format=format,
        language="zh" if path.startswith("zh") else "en",
        pages=pages,
        size_bytes=2_100_000 // rank,
        mtime_ns=EPOCH_NS - rank * DAY_NS,
    )


def make_row(number: int, path: str, *, status: str = "indexed", reason: str = "", hint: str = "") -> FileRow:
    return FileRow(
        path=path,
        document=document_id(path) if status == "indexed" else "",
        title="",
        kind="pdf",
        format=path.rpartition(".")[2],
        status=status,
        reason=reason,
        hint=hint,
        size_bytes=12_345 * (number + 1),
        mtime_ns=EPOCH_NS - number * DAY_NS,
        pages=number * 3,
        language="en" if status == "indexed" else "",
        chunks=5 if status == "indexed" else 0,
        copies=1 if "contract" in path else 0,
    )


IDLE = Progress(stage="idle", done=8, total=8, embedded=40, chunks=40, revision=1)
INDEXING = Progress(
    stage="parse",
    files_seen=12_480,
    done=7_740,
    total=12_480,
    bytes_done=620,
    bytes_total=1000,
    embedded=3_000,
    chunks=30_000,
    parsed=7_700,
    failed=3,
    current=f"{ROOT}/finance/2025/annual report.pdf",
    revision=7,
)
LOCAL_MODEL = ModelStatus(name="qwen3:4b", host="127.0.0.1", local=True, note="")
NO_MODEL = ModelStatus(
    name="", host="", local=True, note="No language model answers here; start Ollama or set [language_model]."
)


@dataclass
class ScriptedSession(ScriptedLabels):
    """Implements `copilot.types.Session`; every field may be set by a test."""

    documents: tuple[tuple[str, str, str, int, int, str], ...] = DOCUMENTS
    roots: tuple[Root, ...] = (Root(path=ROOT, state="watched", files=10),)
    failures: tuple[UnreadFile, ...] = FAILED
    model: ModelStatus = LOCAL_MODEL
    embedding_model: str = "all-MiniLM-L6-v2"
    progresses: tuple[Progress, ...] = (IDLE,)
    answer: Answer | None = None
    answer_error: AppError | None = None
    hold_answer: threading.Event | None = None
    """The answer waits for this between its tokens and its end."""
    search_error: AppError | None = None
    gate: threading.Event | None = None
    """A search waits for this when it is set."""
    many: int = 0
    """When not 0: that many hits and files, made up when asked for."""
    notes: tuple[str, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    """The history, newest first."""
    judged: list[tuple[int, int]] = field(default_factory=list)
    asked: list[AskRequest] = field(default_factory=list)
    previewed: list[AskRequest] = field(default_factory=list)
    summarized: list[SummarizeRequest] = field(default_factory=list)
    was_opened: list[tuple[str, str]] = field(default_factory=list)
    searched: list[SearchRequest] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    retried: list[tuple[str, ...]] = field(default_factory=list)
    recognised: list[tuple[str, ...]] = field(default_factory=list)
    ocr_cancelled: int = 0
    synced: int = 0
    copies: CopyReport = kin.KIN
    """Copies and versions."""
    encodings: tuple[Decoding, ...] = ()
    decoded: list[tuple[str, str]] = field(default_factory=list)
    compared: int = 0
    """How often copies were asked for."""

    def __post_init__(self) -> None:
        self._more = threading.Condition()
        self._pushed: list[Progress] = []
        self._error: BaseException | None = None
        self._closed = False

    # --- for tests

    def push(self, progress: Progress) -> None:
        """Let `events` yield another progress."""
        with self._more:
            self._pushed.append(progress)
            self._more.notify_all()

    def die(self, error: BaseException) -> None:
        """Let `events` raise, as when the engine ends."""
        with self._more:
            self._error = error
            self._more.notify_all()

    # --- Session

    def close(self) -> None:
        with self._more:
            self._closed = True
            self._more.notify_all()

    def events(self) -> Iterator[Progress]:
        yield from self.progresses
        position = 0
        while True:
            with self._more:
                while not (self._closed or self._error or len(self._pushed) > position):
                    self._more.wait()
                if self._closed:
                    return
                if self._error:
                    raise self._error
                pushed, position = self._pushed[position:], len(self._pushed)
            yield from pushed

    def progress(self) -> Progress:
        return self._pushed[-1] if self._pushed else self.progresses[-1]

    def add_root(self, path: str) -> Root:
        self.added.append(path)
        return Root(path=path, state="watched", files=3)

    def remove_root(self, path: str) -> Root:
        self.removed.append(path)
        return Root(path=path, state="watched", files=3)

    def sync(
        self, paths: Sequence[str] = (), *, keyword_only: bool = False, ocr: bool = False
    ) -> Iterator[Progress]:
        self.synced += 1
        yield IDLE

    def search(self, request: SearchRequest) -> SearchResult:
        self.searched.append(request)
        if self.gate is not None:
            self.gate.wait(5)
        if self.search_error is not None:
            raise self.search_error
        query = re.sub(r"\S+:\S+", "", request.query)
        found = [d for d in self.documents if not query.strip() or spans_of(d[5], query)]
        if request.mode != "keyword" and query.strip() and found:
            found += [d for d in self.documents if d not in found and "money" in d[0]]
        hits = tuple(make_hit(rank, document, query) for rank, document in enumerate(found, start=1))
        total = len(hits)
        if self.many:
            total = self.many
            first = make_hit(1, self.documents[0], query)
            hits = tuple(
                replace(first, rank=n + 1, path=f"{ROOT}/{n:07d}.pdf", document=f"d{n}")
                for n in range(request.offset, min(request.offset + request.limit, total))
            )
        else:
            hits = hits[request.offset : request.offset + request.limit]
        return SearchResult(
            query=request.query,
            mode=request.mode,
            took_ms=18.0,
            total=total,
            in_scope=44 if "ext:" in request.query else 12_480,
            documents=12_480,
            hits=hits,
            notes=self.notes,
        )

    def history(self, query: str = "", *, limit: int = 50) -> tuple[ConversationRow, ...]:
        found = [
            ConversationRow(
                id=each.id,
                started=each.turns[0].asked,
                question=each.turns[0].answer.question,
                turns=len(each.turns),
                scope=each.scope,
            )
            for each in self.conversations
            if query.casefold() in "".join(turn.answer.question for turn in each.turns).casefold()
        ]
        return tuple(found[:limit])

    def conversation(self, id: str) -> Conversation:
        for each in self.conversations:
            if each.id.startswith(id):
                return each
        raise NotFoundError("There is no such conversation.")

    def forget(self, id: str = "") -> int:
        kept = tuple(each for each in self.conversations if id and each.id != id)
        gone = len(self.conversations) - len(kept)
        self.conversations = kept
        return gone

    def judge(self, turn: int, verdict: int) -> None:
        self.judged.append((turn, verdict))

    def preview(self, request: AskRequest) -> Preview:
        self.previewed.append(request)
        body = f'{{"messages":[{{"role":"user","content":"{request.question} ⟦MAIL-1⟧"}}]}}'
        call = PlannedCall(
            purpose="answer", url="https://api.example.com/v1", bytes=len(body), body=body, certain=True
        )
        withheld = Withheld(path=f"{ROOT}/deed.pdf", document="sha256:d", policy="never", reason="a file")
        return Preview(
            model="qwen3", host="api.example.com", local=False, bytes=len(body), calls=(call,),
            documents=(), redacted={"MAIL": 1}, withheld=(withheld,),
        )  # fmt: skip

    def preview_summary(self, request: SummarizeRequest) -> Preview:
        return self.preview(AskRequest(question=request.scope))

    def privacy(self, path: str = "") -> PrivacyStatus:
        place = ModelPlace(name="", host="", local=True)
        return PrivacyStatus(
            allow_remote=False, policy="redact", language_model=place, embedding_model=place, vectors=place,
            places=(), patterns=(), sent=0,
        )  # fmt: skip

    def sent(self, query: str = "", *, limit: int = 100) -> tuple[SentCall, ...]:
        return ()

    def ask(self, request: AskRequest) -> Iterator[AnswerEvent]:
        self.asked.append(request)
        passages = tuple(
            Passage(number=n, hit=make_hit(n, document, "budget"))
            for n, document in enumerate(self.documents[:2], start=1)
        )
        yield Retrieved(passages=passages, coverage=Coverage(in_scope=44, read=6, unread=()))
        if self.answer_error is not None:
            yield Token(text="The board approved it")
            raise self.answer_error
        answer = self.answer or make_answer(request.question)
        for word in re.findall(r"\S+\s*", answer.answer):
            yield Token(text=word)
        if self.hold_answer is not None:
            yield Checked(claims=answer.claims)
            yield Notice(text="the model is slow")
            self.hold_answer.wait(5)
        yield answer

    def summarize(self, request: SummarizeRequest) -> Iterator[SummaryEvent]:
        self.summarized.append(request)
        yield Notice(text="reading part 1 of 2")
        yield make_summary(request)

    def export(self, request: ExportRequest) -> Iterator[ExportEvent]:
        yield Exported(folder=request.folder, documents=0, records={}, left_out={}, redacted={}, files=())

    def opened(self, query: str, document: str) -> None:
        self.was_opened.append((query, document))

    def check_retrieval(self, request: RetrievalRequest) -> Iterator[RetrievalProgress | RetrievalReport]:
        yield RetrievalReport(rows=(), documents=0, weight=0.5, origin="default")

    def details(self, target: str) -> DocumentDetails:
        for path, kind, format, pages, _, text in self.documents:
            if target in (f"{ROOT}/{path}", document_id(f"{ROOT}/{path}")):
                return make_details(f"{ROOT}/{path}", kind, format, pages, text)
        if target in kin.paths(self.copies):
            return make_details(target, "doc", "docx", 0, self._text_of(target))
        for failed in self.failures:
            if target == failed.path:
                details = make_details(failed.path, "pdf", "pdf", 0, "")
                return replace(details, state="encrypted", reason=failed.reason, hint=failed.hint)
        raise NotFoundError(f"{target} is not in the library.", hint="Add its folder with A.")

    def text(self, document: str, start: int, end: int, *, query: str = "") -> TextWindow:
        text = next((d[5] for d in self.documents if document_id(f"{ROOT}/{d[0]}") == document), "")
        if not text:
            text = next((d[5] for d in self.documents if f"{ROOT}/{d[0]}" == document), BUDGET)
        start, end = max(0, min(start, len(text))), min(end, len(text))
        part = text[start:end]
        matches = tuple((a + start, b + start) for a, b in spans_of(part, query))
        return TextWindow(
            document=document, start=start, end=end, total=len(text), text=part, matches=matches
        )

    def files(
        self, *, group: str = "all", query: str = "", sort: str = "name", offset: int = 0, limit: int = 200
    ) -> FileList:
        rows = [make_row(n, f"{ROOT}/{d[0]}") for n, d in enumerate(self.documents)]
        rows += [
            make_row(
                9,
                file.path,
                status="needs-ocr" if "scan" in file.path else "encrypted",
                reason=file.reason,
                hint=file.hint,
            )
            for file in self.failures
        ]
        rows = [self._with_labels(row) for row in rows]
        groups = {
            "poor": sum(row.poor for row in rows),
            "excluded": sum(row.excluded for row in rows),
            "all": len(rows),
            "new": 2,
            "failed": len(self.failures),
            "ocr": 1,
            "duplicates": sum(len(each.files) - 1 for each in self.copies.groups),
            "old": sum(1 for each in self.copies.families for file in each.versions if file.place),
            "pending": 0,
        }
        if group == "failed":
            rows = [row for row in rows if row.reason]
        if group == "ocr":
            rows = [row for row in rows if row.status == "needs-ocr"]
        if group in ("poor", "excluded"):
            rows = [row for row in rows if getattr(row, group)]
        if group == "new":
            rows = rows[:2]
        rows = [row for row in rows if query.casefold() in row.path.casefold()]
        total = len(rows)
        if self.many:
            total = self.many
            rows = [
                make_row(n % 50, f"{ROOT}/{n:07d}.pdf") for n in range(offset, min(offset + limit, total))
            ]
            return FileList(rows=tuple(rows), total=total, offset=offset, groups={"all": total})
        return FileList(rows=tuple(rows[offset : offset + limit]), total=total, offset=offset, groups=groups)

    def _with_labels(self, row: FileRow) -> FileRow:
        """Poor if its name says so; excluded if somebody did that."""
        row = replace(row, excluded=self.labels(row.path).excluded)
        if "garbled" not in row.path:
            return row
        return replace(
            row,
            kind="text",
            quality=31,
            poor=True,
            flaw="UTF-8 was read as CP1252.",
            flaw_code="mojibake",
            mends=("decode", "exclude"),
        )

    def find_names(self, pattern: str, *, limit: int = 50) -> tuple[FileRow, ...]:
        rows = (make_row(n, f"{ROOT}/{d[0]}") for n, d in enumerate(self.documents))
        return tuple(row for row in rows if pattern.casefold() in row.path.casefold())[:limit]

    def organize(self, request: OrganizeRequest) -> Proposal:
        return Proposal(
            roots=(ROOT,), library="/home/anna/quire", into=(), actions=(), considered=0, left_out=()
        )

    def ocr(
        self, paths: Sequence[str] = (), *, engine: str = "", language: str = "", again: bool = False
    ) -> int:
        self.recognised.append(tuple(paths))
        return len(paths)

    def ocr_cancel(self) -> int:
        self.ocr_cancelled += 1
        return 0

    def retry(self, paths: Sequence[str] = ()) -> int:
        self.retried.append(tuple(paths))
        return len(paths) or len(self.failures)

    def status(self) -> Status:
        library = LibraryStatus(
            library="/home/anna/.local/share/quire",
            roots=self.roots,
            files=len(self.documents) if self.roots else 0,
            documents=len(self.documents) if self.roots else 0,
            chunks=40,
            vectors=40,
            pending_parse=0,
            pending_embed=0,
            failed=self.failures if self.roots else (),
            embedding_model=self.embedding_model,
            embedding_note="",
            revision=1,
        )
        engine = EngineStatus(pid=7, version="0.1.0", uptime_s=60.0, rss_mb=200.0)
        return Status(library=library, engine=engine, language_model=self.model)

    def doctor(self) -> tuple[Check, ...]:
        return ()

    def duplicates(
        self, *, limit: int = 200, differences: bool = False, query: str = "", path: str = ""
    ) -> CopyReport:
        self.compared += 1
        if path:
            return kin.among(self.copies, [path])
        if query:
            return kin.among(
                self.copies, [each for each in kin.paths(self.copies) if query.casefold() in each.casefold()]
            )
        return self.copies

    def diff(self, a: str, b: str, *, context: int = 40) -> Difference:
        return kin.difference(a, b, (self._text_of(a), self._text_of(b)), context)

    def _text_of(self, path: str) -> str:
        return kin.TEXTS.get(path) or self.text(path, 0, 10**9).text

    def quality(self, query: str = "", *, limit: int = 50) -> QualityReport:
        return NO_QUALITY

    def overview(self, query: str = "") -> Overview:
        raise NotFoundError(query)

    def decodings(self, target: str) -> tuple[Decoding, ...]:
        return self.encodings

    def decode(self, target: str, encoding: str) -> DocumentDetails:
        self.decoded.append((target, encoding))
        return replace(make_details(target, "text", "text", 0, BUDGET), quality=98)


def make_details(path: str, kind: str, format: str, pages: int, text: str) -> DocumentDetails:
    step = max(1, len(text) // pages) if pages else 0
    return DocumentDetails(
        path=path,
        paths=(path,),
        document=document_id(path),
        title="",
        kind=kind,
        format=format,
        language="en",
        pages=pages,
        chunks=5,
        characters=len(text),
        state="indexed",
        reason="",
        hint="",
        quality=97,
        duplicates=(),
        versions=(),
        tags=(),
        metadata={"author": "Anna"},
        warnings=(),
        textless_pages=(),
        size_bytes=2_100_000,
        mtime_ns=EPOCH_NS,
        headings=((1, 0, "Q3 budget review"), (2, text.find("Travel"), "Travel")) if "Travel" in text else (),
        page_starts=tuple(step * n for n in range(pages)),
    )


def make_citation(n: int, document: tuple[str, str, str, int, int, str], quote: str) -> Citation:
    path, _, _, _, page, text = document
    start = max(0, text.find(quote))
    return Citation(
        n=n,
        path=f"{ROOT}/{path}",
        title="",
        document=document_id(f"{ROOT}/{path}"),
        page=page or None,
        start=start,
        end=start + len(quote),
        quote=quote,
    )


CITATIONS = (
    make_citation(1, DOCUMENTS[0], "approved by the board on 2 October"),
    make_citation(2, DOCUMENTS[1], "The budget carried over to the next quarter."),
)
COVERAGE = Coverage(
    in_scope=44,
    read=6,
    unread=tuple(
        replace(file, reason=reason) for file, reason in zip(FAILED, ("needs OCR", "encrypted"), strict=True)
    ),
)


def make_answer(question: str) -> Answer:
    return Answer(
        question=question,
        status="answered",
        answer="The board approved it on 2 October 2025 [1]. Travel was cut by a fifth [1][2]. "
        "Marketing was not touched [2].",
        generator="qwen3:4b",
        took_ms=4_100.0,
        claims=(
            Claim(text="The board approved it on 2 October 2025 [1].", verdict="supported", citations=(1,)),
            Claim(text="Travel was cut by a fifth [1][2].", verdict="supported", citations=(1, 2)),
            Claim(
                text="Marketing was not touched [2].",
                verdict="partly",
                citations=(2,),
                reason="the source does not name marketing",
            ),
        ),
        citations=CITATIONS,
        coverage=COVERAGE,
    )


NOT_FOUND = Answer(
    question="Who is the king?",
    status="not_found",
    answer="This is not in your documents.",
    generator="extractive",
    took_ms=210.0,
    claims=(),
    citations=(),
    coverage=COVERAGE,
    nearest=CITATIONS,
)


def make_summary(request: SummarizeRequest) -> Summary:
    sentences = (
        SummarySentence(text="The quarterly budget was approved by the board on 2 October.", citations=(1,)),
        SummarySentence(text="The travel line is cut by a fifth.", citations=(1,)),
        SummarySentence(
            text="Flights give way to trains.", citations=(2,), verdict="unsupported", reason="no source"
        ),
    )
    return Summary(
        target=", ".join(request.paths) or request.scope,
        summary=" ".join(f"{s.text} {''.join(f'[{n}]' for n in s.citations)}" for s in sentences),
        generator="extractive",
        took_ms=900.0,
        sentences=sentences,
        citations=CITATIONS,
        coverage=COVERAGE,
    )
