"""The engine's routes and its client, over a real Unix socket, with a scripted session behind them."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from copilot.dataset import DataFile, Exported, ExportEvent, ExportProgress, ExportRequest
from copilot.engine import process
from copilot.engine.app import Engine
from copilot.engine.client import EngineClient
from copilot.engine.transport import EngineLostError, Wire
from copilot.retrieval import RetrievalProgress, RetrievalReport, RetrievalRequest, RetrievalRow, Scores
from copilot.types import (
    Answer,
    AskRequest,
    Coverage,
    ModelStatus,
    Notice,
    Retrieved,
    Status,
    SummarizeRequest,
    Token,
)
from indexer.errors import EngineError, NotFoundError, ProviderError, UnreadableDocument, UsageError
from indexer.types import Hit, LibraryStatus, Progress, Root, SearchRequest, SearchResult

HIT = Hit(
    rank=1,
    score=0.5,
    path="/docs/a\udcff.txt",
    paths=("/docs/a\udcff.txt",),
    title="A — 标题",
    document="sha256:00",
    chunk=7,
    page=None,
    heading="",
    start=0,
    end=4,
    snippet="text",
    highlights=((0, 4),),
    matched_by=("keyword",),
    scores={"keyword": 1.5},
    ranks={"keyword": 1},
    kind="text",
    format="txt",
    language="en",
    pages=0,
    size_bytes=4,
    mtime_ns=1,
)
ANSWER = Answer(
    question="q",
    status="answered",
    answer="yes",
    generator="extractive",
    took_ms=1.0,
    claims=(),
    citations=(),
    coverage=Coverage(in_scope=1, read=1, unread=()),
)


EXPORTED = Exported(
    folder="/out",
    documents=1,
    records={"text": {"train": 1}},
    left_out={"qa": {"why": 2}},
    redacted={"MAIL": 1},
    files=(DataFile(path="README.md", records=0, bytes=3, sha256="00"),),
)
_SCORES = Scores(recall_1=0.5, recall_10=1.0, mrr=0.75)
MEASURED = RetrievalReport(
    rows=(RetrievalRow(part="all", name="", queries=2, keyword=_SCORES, meaning=_SCORES, both=_SCORES),),
    documents=2,
    weight=0.5,
    origin="default",
)


class ScriptedSession:
    """A session without a library. Attributes are switches for the tests."""

    def __init__(self) -> None:
        self.searches: list[SearchRequest] = []
        self.roots: list[str] = []
        self.syncs = 0
        self.busy = False
        self.ask_closed = threading.Event()
        self.let_ask_go = threading.Event()
        self.changed = threading.Condition()
        self.revision = 0

    def close(self) -> None:
        pass

    def add_root(self, path: str) -> Root:
        self.roots.append(path)
        return Root(path=path, state="watched", files=0)

    def remove_root(self, path: str) -> Root:
        raise NotFoundError(f"{path} is no folder of the library.", hint="See 'quire roots'.")

    def progress(self) -> Progress:
        return Progress(stage="embed" if self.busy else "idle", revision=self.revision)

    def sync(self, paths: Any = (), *, keyword_only: bool = False, ocr: bool = False) -> Iterator[Progress]:
        self.syncs += 1
        for done in range(3):
            yield Progress(stage="parse", done=done, total=3, revision=int(keyword_only))

    def events(self) -> Iterator[Progress]:
        while True:
            with self.changed:
                self.changed.wait()
            yield self.progress()

    def change(self) -> None:
        with self.changed:
            self.revision += 1
            self.changed.notify_all()

    def search(self, request: SearchRequest) -> SearchResult:
        self.searches.append(request)
        return SearchResult(
            query=request.query,
            mode="keyword",
            took_ms=1.0,
            total=1,
            in_scope=1,
            documents=1,
            hits=(HIT,),
            spans=((0, 1, "word"),),
        )

    def export(self, request: ExportRequest) -> Iterator[ExportEvent]:
        yield ExportProgress(stage="reading", done=1, total=2, current="a.txt")
        yield EXPORTED

    def opened(self, query: str, document: str) -> None:
        self.searches.append(SearchRequest(query=query, documents=(document,)))

    def check_retrieval(self, request: RetrievalRequest) -> Iterator[Any]:
        yield RetrievalProgress(stage="asking", done=request.queries)
        yield MEASURED

    def ask(self, request: AskRequest) -> Iterator[Any]:
        try:
            yield Retrieved(passages=(), coverage=ANSWER.coverage)
            yield Notice(text="thinking")
            if request.question == "wait":
                self.let_ask_go.wait(20)
            if request.question == "fail":
                raise ProviderError("The server is busy.", hint="Later.", retryable=True)
            yield Token(text="yes")
            yield ANSWER
        finally:
            self.ask_closed.set()

    def summarize(self, request: Any) -> Iterator[Any]:
        raise UnreadableDocument("It is encrypted.", "Save it without a password.", status="encrypted")

    def status(self) -> Status:
        library = LibraryStatus(
            library="/lib",
            roots=(),
            files=0,
            documents=0,
            chunks=0,
            vectors=0,
            pending_parse=0,
            pending_embed=0,
            failed=(),
            embedding_model="",
            embedding_note="",
            revision=0,
        )
        return Status(
            library=library, engine=None, language_model=ModelStatus(name="", host="", local=True, note="")
        )

    def details(self, target: str) -> Any:
        raise KeyError("a bug")


class Served:
    """A scripted session behind a socket, with clients made on demand."""

    def __init__(self, folder: Path, *, build: str | None = None, idle_s: float = 900) -> None:
        self.session = ScriptedSession()
        self.place = process.place_of(folder)
        process.private_folder(self.place.library)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.place.socket))
        self.listener.listen()
        self.build = build or process.build_id()
        self.idle_s = idle_s
        self._ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.thread.start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.engine = Engine(
            self.session,  # type: ignore[arg-type]
            build=self.build,
            settings=process.config_id(None),
            log_path="/lib/logs/engine.log",
            idle_s=self.idle_s,
        )
        self._ready.set()
        await self.engine.serve(self.listener)

    def wire(self) -> Wire:
        return Wire(self.place.library, start=False)

    def client(self) -> EngineClient:
        return EngineClient(self.wire())

    def stop(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.engine.stop)
        self.session.let_ask_go.set()
        self.thread.join(15)
        assert not self.thread.is_alive()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "library")
    yield server
    server.stop()


def test_values_arrive_as_they_were_sent(served: Served) -> None:
    request = SearchRequest(query='"straße" ext:txt', limit=3, documents=("sha256:00",), chunks=True)
    result = served.client().search(request)
    assert served.session.searches == [request]
    assert result.hits == (HIT,)
    assert result.spans == ((0, 1, "word"),)


def test_relative_paths_are_those_of_the_client(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert served.client().add_root("some/../docs").path == str(tmp_path / "docs")


def test_sync_streams_its_progress(served: Served) -> None:
    events = list(served.client().sync(keyword_only=True))
    assert [event.done for event in events] == [0, 1, 2]
    assert {event.revision for event in events} == {1}


def test_answer_arrives_as_the_types_of_its_events(served: Served) -> None:
    events = list(served.client().ask(AskRequest(question="q")))
    assert [type(event) for event in events] == [Retrieved, Notice, Token, Answer]
    assert events[-1] == ANSWER


def test_exports_and_measurements_arrive_as_the_types_of_their_events(served: Served) -> None:
    client = served.client()
    assert list(client.export(ExportRequest(folder="/out"))) == [
        ExportProgress(stage="reading", done=1, total=2, current="a.txt"),
        EXPORTED,
    ]
    assert list(client.check_retrieval(RetrievalRequest(queries=7))) == [
        RetrievalProgress(stage="asking", done=7),
        MEASURED,
    ]
    client.opened("grey bird", "sha256:00")
    assert served.session.searches[-1].documents == ("sha256:00",)


def test_errors_keep_their_class_and_remedy(served: Served) -> None:
    client = served.client()
    with pytest.raises(NotFoundError) as not_found:
        client.remove_root("/nowhere")
    assert not_found.value.hint == "See 'quire roots'."
    assert not_found.value.exit_code == 1
    with pytest.raises(UnreadableDocument) as unreadable:
        list(client.summarize(SummarizeRequest(paths=("/a",))))
    assert unreadable.value.status == "encrypted"
    with pytest.raises(ProviderError) as failed:
        list(client.ask(AskRequest(question="fail")))
    assert failed.value.retryable


def test_bug_is_told_in_one_line_with_the_log(served: Served) -> None:
    with pytest.raises(EngineError) as bug:
        served.client().details("x")
    assert "KeyError" in bug.value.message
    assert "/lib/logs/engine.log" in bug.value.hint


@pytest.mark.parametrize(
    ("method", "params"),
    [("nonsense", {}), ("search", {"nonsense": 1}), ("search", {"request": 3}), ("text", {"document": "x"})],
)
def test_wrong_requests_are_refused(served: Served, method: str, params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        served.wire().call(method, **params)


def test_status_tells_the_engine(served: Served) -> None:
    engine = served.client().status().engine
    assert engine is not None
    assert engine.pid > 0
    assert engine.rss_mb > 1


def test_closing_a_stream_cancels_the_work(served: Served) -> None:
    events = served.wire().stream("ask", request={"question": "wait"})
    assert next(events)[0] == "Retrieved"
    events.close()
    assert list(events) == []
    served.session.let_ask_go.set()
    assert served.session.ask_closed.wait(10)


def test_close_wakes_a_thread_that_waits_for_an_event(served: Served) -> None:
    events = served.wire().stream("ask", request={"question": "wait"})
    rest: list[Any] = []
    reader = threading.Thread(target=lambda: rest.extend(events))
    reader.start()
    while len(rest) < 2:
        assert reader.is_alive()
    events.close()
    reader.join(10)
    assert not reader.is_alive()
    assert [name for name, _ in rest] == ["Retrieved", "Notice"]


def test_every_client_hears_of_a_change(served: Served) -> None:
    streams = [served.client().events() for _ in range(3)]
    assert [next(stream).revision for stream in streams] == [0, 0, 0]
    with ThreadPoolExecutor(3) as pool:
        heard = [pool.submit(next, stream) for stream in streams]
        while not all(h.done() for h in heard):
            served.session.change()
        assert all(h.result().revision > 0 for h in heard)
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]


def test_engine_answers_while_streams_wait(served: Served) -> None:
    waiting = [served.wire().stream("ask", request={"question": "wait"}) for _ in range(20)]
    assert served.wire().call("progress")["stage"] == "idle"
    assert served.wire().hello()["clients"] == 20
    for stream in waiting:
        stream.close()


def test_stream_cut_by_the_end_of_the_engine_is_no_complete_answer(served: Served) -> None:
    events = served.wire().stream("ask", request={"question": "wait"})
    next(events)
    next(events)
    served.loop.call_soon_threadsafe(served.engine.stop)
    with pytest.raises(EngineLostError):
        next(events)


def test_client_of_other_code_is_not_served(tmp_path: Path) -> None:
    server = Served(tmp_path / "library", build="0.0.1+old")
    try:
        with pytest.raises(EngineError, match="another version"):
            server.wire().call("progress")
        assert server.wire().hello()["build"] == "0.0.1+old"
    finally:
        server.stop()


def test_changed_settings_replace_an_engine_only_when_nobody_uses_it(served: Served, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.touch()
    wire = Wire(served.place.library, str(other), start=False)
    with pytest.raises(EngineError, match="other settings"):
        wire.call("progress")
    stream = served.wire().stream("ask", request={"question": "wait"})
    next(stream)
    assert wire.call("progress")["stage"] == "idle"
    stream.close()


def test_idle_engine_ends_but_not_while_work_is_pending(tmp_path: Path) -> None:
    server = Served(tmp_path / "library", idle_s=0.1)
    server.session.busy = True
    server.thread.join(0.5)
    assert server.thread.is_alive()
    server.session.busy = False
    server.thread.join(10)
    assert not server.thread.is_alive()


def test_open_stream_keeps_the_engine(tmp_path: Path) -> None:
    server = Served(tmp_path / "library", idle_s=0.1)
    stream = server.client().events()
    next(stream)
    server.thread.join(0.5)
    assert server.thread.is_alive()
    stream.close()  # type: ignore[attr-defined]
    server.thread.join(10)
    assert not server.thread.is_alive()


def test_stop_request_ends_the_engine(served: Served) -> None:
    assert served.wire().call("stop")
    served.thread.join(10)
    assert not served.thread.is_alive()


def test_other_users_are_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilot.engine.app.peer_of", lambda connection: (1, 12345))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(served.place.socket))
        connection.settimeout(10)
        try:
            connection.sendall(b"POST /v1/hello HTTP/1.0\r\n\r\n")
            answer = connection.recv(100)
        except OSError:
            answer = b""
    assert answer == b""


def test_client_refuses_another_users_engine(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "peer_of", lambda connection: (1, 12345))
    with pytest.raises(Exception, match="another user"):
        served.wire().call("progress")


def test_progress_type_survives(served: Served) -> None:
    assert served.client().progress() == Progress(stage="idle")
