"""Vectors on a server elsewhere: those of what must not go stay here and are found all the same."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copilot import privacy
from copilot.types import ModelStatus
from indexer.config import Config
from indexer.library import Library
from indexer.types import SearchRequest
from indexer.vectors import store as vector_store

from .test_vectors import _wait_for

pytestmark = pytest.mark.xdist_group("vectors")


class Between(ThreadingHTTPServer):
    """Passes requests on to a Chroma server and keeps what went there."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Pass)
        self.target = target
        self.seen: list[tuple[str, str, bytes]] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Pass(BaseHTTPRequestHandler):
    server: Between
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.seen.append((self.command, self.path, body))
        headers = {name: value for name, value in self.headers.items() if name.lower() == "content-type"}
        request = urllib.request.Request(
            self.server.target + self.path, body or None, headers, method=self.command
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as exc:
            status, content = exc.code, exc.read()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _pass


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--host", "127.0.0.1", "--port", str(port)]
    folder = tmp_path_factory.mktemp("chroma")
    process = subprocess.Popen(
        [*command, "--path", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def between(chroma: str) -> Iterator[Between]:
    server = Between(chroma)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


TEXTS = {
    "never": "The otter swims across the quiet river at dawn.",
    "redact": "The lighthouse keeper polishes the great lamp every evening.",
    "secret": "Letters to the lighthouse go to jane.roe@example-mail.org without a stamp.",
    "allow": "The baker sells warm bread on the market square.",
    "ask": "The violin was built by an unknown master in the south.",
}


def write(folder: Path) -> None:
    for name, text in TEXTS.items():
        (folder / name).mkdir()
        (folder / name / "note.txt").write_text(f"{text}\n")
    for name in ("never", "ask"):
        (folder / name / ".quire-policy").write_text(f"{name}\n")


def config(between: Between, folder: Path, *, tunnels: bool = True) -> Config:
    return Config.model_validate(
        {
            "vectors": {"mode": "server", "url": f"http://{between.place}"},
            "privacy": {
                "allow_remote": True,
                "tunnels": [between.place] if tunnels else [],
                "folders": {str(folder / "allow"): "allow"},
            },
        }
    )


def opened(place: Path, settings: Config, folder: Path) -> Library:
    ready = threading.Event()
    library = Library.open(place, settings, watch=False, on_ready=ready.set)
    assert ready.wait(60)
    list(library.sync([str(folder)]))
    assert library.vectors is not None
    library.vectors.seal_if_due()
    return library


def uploaded(between: Between) -> list[np.ndarray[Any, Any]]:
    bodies = [json.loads(body) for _, path, body in between.seen if path.endswith("/upsert")]
    return [np.array(row, np.float32) for body in bodies for row in _rows(body["embeddings"])]


def _rows(embeddings: Any) -> list[Any]:
    import base64

    return [
        np.frombuffer(base64.b64decode(row), "<f4") if isinstance(row, str) else row for row in embeddings
    ]


def vector_of(library: Library, name: str, folder: Path) -> np.ndarray[Any, Any]:
    held = library.vectors_of(library.details(str(folder / name / "note.txt")).document)
    assert held is not None
    return np.asarray(held[1][0])


def is_among(wanted: np.ndarray[Any, Any], rows: list[np.ndarray[Any, Any]]) -> bool:
    return any(float(wanted @ row) > 0.999 for row in rows)


def test_vectors_of_what_must_not_go_stay_here_and_are_found(
    between: Between, folder: Path, tmp_path: Path
) -> None:
    write(folder)
    with opened(tmp_path / "library", config(between, folder), folder) as library:
        rows = uploaded(between)
        gone = {name for name in TEXTS if is_among(vector_of(library, name, folder), rows)}
        assert gone == {"allow", "redact"}
        for name, text in TEXTS.items():
            found = library.search(SearchRequest(query=text, mode="semantic", limit=1))
            assert [hit.path for hit in found.hits] == [str(folder / name / "note.txt")], name
        assert library.vectors is not None
        assert library.vectors.count() == len(TEXTS)
        assert all(check.ok for check in library.vectors.check())
        assert any("3 stay here" in check.detail for check in library.vectors.check())
        entries = library.catalogue.egress_log()
        uploads = [entry for entry in entries if entry["purpose"] == "vectors"]
        searches = [entry for entry in entries if entry["purpose"] == "search of vectors"]
        sent = [body for _, path, body in between.seen if path.endswith("/upsert")]
        assert sorted(entry["bytes"] for entry in uploads) == sorted(map(len, sent))
        assert {entry["host"] for entry in entries} == {between.place}
        names = {document for entry in uploads for document in entry["documents"]}
        assert names == {
            library.details(str(folder / name / "note.txt")).document for name in ("allow", "redact")
        }
        assert len(searches) == len(TEXTS)
        model = ModelStatus(name="", host="", local=True, note="")
        told = privacy.status(library, model).vectors
        assert (told.host, told.local) == (between.place, False)
    text = b"".join(body for _, _, body in between.seen).decode("utf-8", "replace")
    assert "otter" not in text
    assert "jane.roe" not in text


def test_a_folder_closed_later_is_taken_back_from_the_server(
    between: Between, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_store, "_LOOK_S", 0.0)
    write(folder)
    with opened(tmp_path / "library", config(between, folder), folder) as library:
        assert library.vectors is not None
        assert is_among(vector_of(library, "allow", folder), uploaded(between))
        (folder / "allow" / ".quire-policy").write_text("never\n")
        library.vectors.seal_if_due()
        deletes = [body for _, path, body in between.seen if path.endswith("/delete")]
        assert len(deletes) == 1
        found = library.search(SearchRequest(query=TEXTS["allow"], mode="semantic", limit=1))
        assert found.hits[0].path == str(folder / "allow" / "note.txt")
        assert library.vectors.count() == len(TEXTS)


def test_a_server_on_this_machine_gets_all_and_nothing_is_logged(
    between: Between, folder: Path, tmp_path: Path
) -> None:
    write(folder)
    with opened(tmp_path / "library", config(between, folder, tunnels=False), folder) as library:
        rows = uploaded(between)
        assert all(is_among(vector_of(library, name, folder), rows) for name in TEXTS)
        assert library.catalogue.egress_log() == []


def test_a_server_behind_a_tunnel_is_refused_while_nothing_may_leave(
    between: Between, folder: Path, tmp_path: Path
) -> None:
    write(folder)
    closed = config(between, folder)
    closed = closed.model_copy(update={"privacy": closed.privacy.model_copy(update={"allow_remote": False})})
    ready = threading.Event()
    with Library.open(tmp_path / "library", closed, watch=False, on_ready=ready.set) as library:
        assert ready.wait(60)
        list(library.sync([str(folder)]))
        assert library.vectors is None
        assert "another machine" in library.status().embedding_note
    assert between.seen == []
