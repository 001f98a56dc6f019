"""An engine in a thread of the test, serving a session whose every answer is written down here."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot.engine import process
from copilot.engine.app import Engine
from copilot.engine.client import EngineClient, Wire
from copilot.types import Answer, AskRequest, Coverage, ModelStatus, Notice, Retrieved, Status, Token
from indexer.errors import NotFoundError, ProviderError, UnreadableDocument
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

    def sync(self, paths: Any = (), *, keyword_only: bool = False) -> Iterator[Progress]:
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


@pytest.fixture(autouse=True)
def _same_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files saved by an editor while the tests run must not look like another version."""
    monkeypatch.setenv("QUIRE_BUILD", "under-test")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "library")
    yield server
    server.stop()
