"""The engine's client: the methods of `Session`, typed, over `transport`."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from copilot.engine import process
from copilot.engine.transport import EventStream, Wire

if TYPE_CHECKING:
    from copilot.dataset import ExportEvent, ExportRequest
    from copilot.disclosure import Preview, PrivacyStatus, SentCall
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

T = TypeVar("T")


def connect(
    library: str | os.PathLike[str], config: str | None = None, *, start: bool = True
) -> EngineClient:
    """A client of the library's engine, which is started now when it is not running.

    Raises:
        AppError: the engine cannot be started, with its own reason.
        EngineError: it is not running and `start` is false.
    """
    wire = Wire(library, config, start=start)
    wire.hello()
    return EngineClient(wire)


class TypedEvents:
    """An `EventStream` with its values as the types of `copilot.types`; the same `close`."""

    def __init__(self, stream: EventStream) -> None:
        """Take over the stream."""
        self._stream = stream

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        from copilot import dataset, retrieval, types
        from indexer.wire import from_wire

        name, value = next(self._stream)
        module = next(each for each in (types, dataset, retrieval) if hasattr(each, name))
        return from_wire(getattr(module, name), value)

    def close(self) -> None:
        """Cancel the work behind it; from any thread."""
        self._stream.close()


class EngineClient:
    """A `copilot.types.Session` over the engine's socket. Thread-safe; iterators end on `close`."""

    def __init__(self, wire: Wire) -> None:
        """Use `wire` for every call."""
        self.wire = wire
        self._streams: weakref.WeakSet[TypedEvents] = weakref.WeakSet()

    def close(self) -> None:
        """End this client's streams; the engine goes on."""
        for stream in list(self._streams):
            stream.close()

    def add_root(self, path: str) -> Root:
        """See `Session`; the path is taken as of this process's current folder."""
        from indexer.types import Root

        return self._call("add_root", Root, path=process.absolute(path))

    def remove_root(self, path: str) -> Root:
        """See `Session`."""
        from indexer.types import Root

        return self._call("remove_root", Root, path=process.absolute(path))

    def sync(
        self, paths: Sequence[str] = (), *, keyword_only: bool = False, ocr: bool = False
    ) -> Iterator[Progress]:
        """See `Session`."""
        wanted = [process.absolute(path) for path in paths]
        return self._events("sync", paths=wanted, keyword_only=keyword_only, ocr=ocr)

    def progress(self) -> Progress:
        """See `Session`."""
        from indexer.types import Progress

        return self._call("progress", Progress)

    def events(self) -> Iterator[Progress]:
        """See `Session`; begins with the present state, raises EngineLostError when the engine ends."""
        return self._events("events")

    def search(self, request: SearchRequest) -> SearchResult:
        """See `Session`."""
        from indexer.types import SearchResult

        return self._call("search", SearchResult, request=_as_json(request))

    def ask(self, request: AskRequest) -> Iterator[AnswerEvent]:
        """See `Session`."""
        return self._events("ask", request=_as_json(request))

    def summarize(self, request: SummarizeRequest) -> Iterator[SummaryEvent]:
        """See `Session`."""
        return self._events("summarize", request=_as_json(request))

    def history(self, query: str = "", *, limit: int = 50) -> tuple[ConversationRow, ...]:
        """See `Session`."""
        from copilot.types import ConversationRow

        return self._call("history", tuple[ConversationRow, ...], query=query, limit=limit)

    def conversation(self, id: str) -> Conversation:
        """See `Session`."""
        from copilot.types import Conversation

        return self._call("conversation", Conversation, id=id)

    def forget(self, id: str = "") -> int:
        """See `Session`."""
        return self._call("forget", int, id=id)

    def judge(self, turn: int, verdict: int) -> None:
        """See `Session`."""
        self.wire.call("judge", turn=turn, verdict=verdict)

    def export(self, request: ExportRequest) -> Iterator[ExportEvent]:
        """See `Session`."""
        return self._events("export", request=_as_json(request))

    def opened(self, query: str, document: str) -> None:
        """See `Session`."""
        self.wire.call("opened", query=query, document=document)

    def check_retrieval(self, request: RetrievalRequest) -> Iterator[RetrievalProgress | RetrievalReport]:
        """See `Session`."""
        return self._events("check_retrieval", request=_as_json(request))

    def details(self, target: str) -> DocumentDetails:
        """See `Session`."""
        from indexer.types import DocumentDetails

        return self._call("details", DocumentDetails, target=target)

    def text(self, document: str, start: int, end: int, *, query: str = "") -> TextWindow:
        """See `Session`."""
        from indexer.types import TextWindow

        return self._call("text", TextWindow, document=document, start=start, end=end, query=query)

    def files(
        self, *, group: str = "all", query: str = "", sort: str = "name", offset: int = 0, limit: int = 200
    ) -> FileList:
        """See `Session`."""
        from indexer.types import FileList

        return self._call("files", FileList, group=group, query=query, sort=sort, offset=offset, limit=limit)

    def find_names(self, pattern: str, *, limit: int = 50) -> tuple[FileRow, ...]:
        """See `Session`."""
        from indexer.types import FileRow

        return self._call("find_names", tuple[FileRow, ...], pattern=pattern, limit=limit)

    def duplicates(
        self, *, limit: int = 200, differences: bool = False, query: str = "", path: str = ""
    ) -> CopyReport:
        """See `Session`."""
        from indexer.related import CopyReport

        if path and not path.startswith("sha256:"):
            path = process.absolute(path)
        return self._call(
            "duplicates", CopyReport, limit=limit, differences=differences, query=query, path=path
        )

    def diff(self, a: str, b: str, *, context: int = 40) -> Difference:
        """See `Session`; paths are taken as of this process's current folder."""
        from indexer.related import Difference

        a, b = (each if each.startswith("sha256:") else process.absolute(each) for each in (a, b))
        return self._call("diff", Difference, a=a, b=b, context=context)

    def organize(self, request: OrganizeRequest) -> Proposal:
        """See `Session`."""
        from indexer.organize.request import Proposal

        return self._call("organize", Proposal, request=_as_json(request))

    def quality(self, query: str = "", *, limit: int = 50) -> QualityReport:
        """See `Session`."""
        from indexer.findings import QualityReport

        return self._call("quality", QualityReport, query=query, limit=limit)

    def overview(self, query: str = "") -> Overview:
        """See `Session`."""
        from indexer.findings import Overview

        return self._call("overview", Overview, query=query)

    def decodings(self, target: str) -> tuple[Decoding, ...]:
        """See `Session`; a path is taken as of this process's current folder."""
        from indexer.findings import Decoding

        return self._call("decodings", tuple[Decoding, ...], target=_target(target))

    def decode(self, target: str, encoding: str) -> DocumentDetails:
        """See `Session`; a path is taken as of this process's current folder."""
        from indexer.types import DocumentDetails

        return self._call("decode", DocumentDetails, target=_target(target), encoding=encoding)

    def labels(self, target: str) -> Labels:
        """See `Session`."""
        from indexer.labelled import Labels

        return self._call("labels", Labels, target=_target(target))

    def label(self, change: LabelChange) -> Labelled:
        """See `Session`."""
        from indexer.labelled import Labelled

        return self._call(
            "label", Labelled, change=_as_json(replace(change, targets=tuple(map(_target, change.targets))))
        )

    def undo_label(self) -> str:
        """See `Session`."""
        return self._call("undo_label", str)

    def labelling(self) -> Labelling:
        """See `Session`."""
        from indexer.labelled import Labelling

        return self._call("labelling", Labelling)

    def suggest_tags(
        self, targets: Sequence[str] = (), query: str = "", *, at_least: float = 0.0, limit: int = 200
    ) -> tuple[Suggestion, ...]:
        """See `Session`."""
        from indexer.labelled import Suggestion

        return self._call(
            "suggest_tags",
            tuple[Suggestion, ...],
            targets=[_target(each) for each in targets],
            query=query,
            at_least=at_least,
            limit=limit,
        )

    def save_rule(self, query: str, gives: str) -> Rule:
        """See `Session`."""
        from indexer.labelled import Rule

        return self._call("save_rule", Rule, query=query, gives=gives)

    def remove_rule(self, rule: int) -> None:
        """See `Session`."""
        self.wire.call("remove_rule", rule=rule)

    def save_collection(self, name: str, query: str) -> Collection:
        """See `Session`."""
        from indexer.labelled import Collection

        return self._call("save_collection", Collection, name=name, query=query)

    def remove_collection(self, name: str) -> None:
        """See `Session`."""
        self.wire.call("remove_collection", name=name)

    def export_labels(self) -> str:
        """See `Session`."""
        return self._call("export_labels", str)

    def import_labels(self, text: str) -> Imported:
        """See `Session`."""
        from indexer.labelled import Imported

        return self._call("import_labels", Imported, text=text)

    def stale(self, since: str = "2y", *, limit: int = 200) -> Stale:
        """See `Session`."""
        from indexer.labelled import Stale

        return self._call("stale", Stale, since=since, limit=limit)

    def ocr(
        self, paths: Sequence[str] = (), *, engine: str = "", language: str = "", again: bool = False
    ) -> int:
        """See `Session`."""
        wanted = [process.absolute(path) for path in paths]
        return self._call("ocr", int, paths=wanted, engine=engine, language=language, again=again)

    def ocr_cancel(self) -> int:
        """See `Session`."""
        return self._call("ocr_cancel", int)

    def retry(self, paths: Sequence[str] = ()) -> int:
        """See `Session`."""
        return self._call("retry", int, paths=[process.absolute(p) for p in paths])

    def status(self) -> Status:
        """See `Session`."""
        from copilot.types import Status

        return self._call("status", Status)

    def doctor(self) -> tuple[Check, ...]:
        """See `Session`."""
        from indexer.types import Check

        return self._call("doctor", tuple[Check, ...])

    def preview(self, request: AskRequest) -> Preview:
        """See `Session`."""
        from copilot.disclosure import Preview

        return self._call("preview", Preview, request=_as_json(request))

    def preview_summary(self, request: SummarizeRequest) -> Preview:
        """See `Session`."""
        from copilot.disclosure import Preview

        return self._call("preview_summary", Preview, request=_as_json(request))

    def privacy(self, path: str = "") -> PrivacyStatus:
        """See `Session`."""
        from copilot.disclosure import PrivacyStatus

        return self._call("privacy", PrivacyStatus, path=path)

    def sent(self, query: str = "", *, limit: int = 100) -> tuple[SentCall, ...]:
        """See `Session`."""
        from copilot.disclosure import SentCall

        return self._call("sent", tuple[SentCall, ...], query=query, limit=limit)

    def _call(self, method: str, result: type[T], **params: Any) -> T:
        from indexer.wire import from_wire

        return from_wire(result, self.wire.call(method, **params))

    def _events(self, method: str, **params: Any) -> Iterator[Any]:
        events = TypedEvents(self.wire.stream(method, **params))
        self._streams.add(events)
        return events


def _target(target: str) -> str:
    """A path as of this process's current folder; `sha256:…` stays."""
    return target if target.startswith("sha256:") else process.absolute(target)


def _as_json(request: object) -> Any:
    from indexer.wire import to_wire

    return to_wire(request)
